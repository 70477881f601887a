import {
  type ClusterImage,
  type ClusterKeys,
  type ControllerClaim,
  StoreUnavailableError,
  type TxnResult,
  type Versioned,
} from '@ottla/metadata';
import { toOttlaError } from '@ottla/protocol';
import type {
  Clock,
  Logger,
  PeerHello,
  PeerNetwork,
  PeerStream,
  SessionReply,
  SessionRequest,
  Timer,
} from '@ottla/runtime';
import type { ControllerEvent } from '../../core/controller-event';
import type { ControllerState } from '../../core/controller-state';
import type { Fencing } from '../../core/detection/fencing';
import type { FormerController } from '../../core/detection/former-controller';
import { Observations } from '../../core/detection/observations';
import type { Suspicion } from '../../core/detection/suspicion';
import { reconcile } from '../../core/reconcile';
import type { BrokerReport } from '../../core/restore/plan-generation';
import {
  DEFAULT_LEADER_BALANCE,
  type LeaderBalanceSettings,
  type MembershipTimings,
  type TopicDefaults,
} from '../../core/settings';
import { claimGuard, guardHolds } from '../../core/txn/guards';
import { batchChanges, changesNotRefused, type PlannedTxn, planTxn } from '../../core/txn/planned-txn';
import type { RestorableView, Self } from '../cluster-view';
import { NewGeneration } from './new-generation';
import { SessionService } from './session-service';

export interface ControllerTermOptions {
  readonly keys: ClusterKeys;
  readonly self: Self;
  readonly view: RestorableView;
  readonly network: Pick<PeerNetwork, 'probe'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timings: MembershipTimings;
  readonly defaults: TopicDefaults;
  readonly leaderBalance?: LeaderBalanceSettings | undefined;
  readonly suspicion: Suspicion;
  readonly claim: Versioned<ControllerClaim>;
  readonly formerController: FormerController | null;
  readonly reportReplicas: () => Promise<Omit<BrokerReport, 'run'>>;
  /** The claim's lease is still held. */
  readonly leaseHeld: () => boolean;
  readonly absenceCountsFrom: () => number;
  readonly mayStandDown: () => boolean;
  readonly onEvent: (event: ControllerEvent) => void;
  /** This term is over, for the reason given. Called once, unless `stop` was called first. */
  readonly onOver: (reason: 'deposed' | 'cut-off') => void;
}

/** Transactions on their way to the store at once. */
const MAX_IN_FLIGHT = 4;
const RETRY_MS = 100;
/** How long to wait for the image to show what was written before looking at it all the same. */
const IMAGE_WAIT_MS = 2_000;

/** One term of this broker as controller: from the claim won until it's lost. */
export class ControllerTerm {
  readonly #options: ControllerTermOptions;
  readonly #sessions: SessionService;
  readonly #newGeneration: NewGeneration;
  readonly #observations = new Observations();
  readonly #leaderBalance: LeaderBalanceSettings;
  #silenceCountsFrom: number;
  #formerController: FormerController | null;
  #balanceDueAt: number;
  #stopped = false;
  #running = false;
  #again = false;
  #alarm: { readonly at: number; readonly timer: Timer } | null = null;

  constructor(options: ControllerTermOptions) {
    this.#options = options;
    this.#silenceCountsFrom = options.clock.now();
    this.#formerController = options.formerController;
    this.#leaderBalance = options.leaderBalance ?? DEFAULT_LEADER_BALANCE;
    this.#balanceDueAt = this.#nextBalance();
    this.#sessions = new SessionService({
      ...options,
      controllerEpoch: options.claim.value.epoch,
      onRefused: () => this.wake(),
      onRestoreNews: () => this.wake(),
    });
    this.#newGeneration = new NewGeneration({
      ...options,
      sessions: this.#sessions,
      onReport: () => this.wake(),
    });
  }

  get claim(): Versioned<ControllerClaim> {
    return this.#options.claim;
  }

  /** Call when the image has reached the claim. */
  start(): void {
    this.onImage(this.#options.view.image);
  }

  onImage(image: ClusterImage): void {
    this.#observations.onImage(image, this.#options.clock.now());
    this.wake();
  }

  accept(hello: PeerHello, stream: PeerStream<SessionReply, SessionRequest>): void {
    this.#sessions.accept(hello, stream);
    // What is to be made of the former controller's silence depends on whether others are heard.
    if (this.#formerController !== null) this.wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#alarm?.timer.cancel();
    this.#sessions.close();
  }

  wake(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again && this.#isActive()) {
      this.#again = false;
      try {
        await this.#pass();
      } catch (error) {
        this.#onFailure(error);
      }
    }
    this.#running = false;
  }

  /** Nothing is written once the term is over: the guards would refuse it anyhow. */
  #isActive(): boolean {
    return !this.#stopped && this.#options.leaseHeld();
  }

  async #pass(): Promise<void> {
    const now = this.#options.clock.now();
    const generation = this.#newGeneration.wanted;
    if (generation !== null) return this.#restore(generation);
    const plan = reconcile(this.#state(), now);
    this.#setAlarm(plan.nextDeadline);
    if (plan.standDown) return this.#over('cut-off');
    const revisions =
      plan.fencings.length > 0
        ? await inTurns(plan.fencings, (fencing) => this.#fence(fencing))
        : await inTurns(plan.transactions, (txn) => this.#execute(txn));
    if (plan.balances && plan.fencings.length === 0) this.#balanceDueAt = this.#nextBalance();
    const newest = Math.max(0, ...revisions);
    if (newest === 0 || !this.#isActive()) return;
    this.#again = true;
    await this.#options.view.waitFor(newest, IMAGE_WAIT_MS);
  }

  /** A step towards a new generation of a store that was restored from a backup. Nothing else is decided meanwhile. */
  async #restore(generation: number): Promise<void> {
    const step = this.#newGeneration.step(generation);
    this.#setAlarm(step.kind === 'wait' ? step.until : this.#options.clock.now() + RETRY_MS);
    if (step.kind === 'wait') return;
    const common = [claimGuard(this.#options.keys, this.#options.claim)];
    for (const txn of [...batchChanges(step.plan.records, common), planTxn([step.plan.beginning], common)]) {
      if (!this.#isActive()) return;
      const { succeeded, revision } = await this.#options.view.unguardedStore.txn(txn);
      if (succeeded) this.#onWritten(txn);
      else this.#options.logger.debug(`refused: ${txn.reason}`);
      await this.#options.view.waitFor(revision, IMAGE_WAIT_MS);
      // All of it again, with what the image shows now: records of a generation that hasn't begun are nobody's yet.
      if (!succeeded) return;
    }
    this.#again = true;
  }

  #nextBalance(): number {
    const { enabled, checkIntervalMs } = this.#leaderBalance;
    return enabled ? this.#options.clock.now() + checkIntervalMs : Number.POSITIVE_INFINITY;
  }

  #state(): ControllerState {
    const { view, mayStandDown, absenceCountsFrom, ...options } = this.#options;
    return {
      ...options,
      image: view.image,
      sessions: this.#sessions.views,
      silenceCountsFrom: this.#silenceCountsFrom,
      formerController: this.#formerController,
      absenceCountsFrom: absenceCountsFrom(),
      observations: this.#observations,
      mayStandDown: mayStandDown(),
      leaderBalance: { ...this.#leaderBalance, dueAt: this.#balanceDueAt },
    };
  }

  #fence({ registration, evidence, txn }: Fencing): Promise<number> {
    const { suspicion, clock } = this.#options;
    if (evidence === 'refused') {
      suspicion.guessedDead(registration.value.run, registration.createRevision, clock.now());
    }
    return this.#execute(txn);
  }

  /** Carries it out, without what was refused if need be. Answers the store's revision after it, 0 when nothing was sent. */
  async #execute(txn: PlannedTxn): Promise<number> {
    if (!this.#isActive()) return 0;
    const result = await this.#options.view.store.txn(txn);
    if (result.succeeded) {
      this.#onWritten(txn);
      return result.revision;
    }
    return this.#onRefused(txn, result);
  }

  #onWritten(txn: PlannedTxn): void {
    for (const change of txn.changes) {
      this.#log(change.reason, change.event);
      if (change.event !== undefined) this.#options.onEvent(change.event);
    }
  }

  #log(reason: string, event: ControllerEvent | undefined): void {
    const { logger } = this.#options;
    if (event?.type === 'elected' && (event.kind === 'last-known' || event.kind === 'unclean')) {
      logger.warn(`${reason}: records that were acknowledged may be lost`);
    } else if (event?.type === 'fenced' || event?.type === 'leaderless') logger.warn(reason);
    else logger.info(reason);
  }

  async #onRefused(txn: PlannedTxn, result: TxnResult): Promise<number> {
    if (this.#isDeposedBy(txn, result)) {
      this.#over('deposed');
      return 0;
    }
    const left = changesNotRefused(txn, result.reads);
    this.#options.logger.debug(`refused: ${txn.reason}`, { changes: txn.changes.length, tryingAgain: left.length });
    return left.length === 0 ? result.revision : this.#execute(planTxn(left, txn.common));
  }

  #isDeposedBy(txn: PlannedTxn, result: TxnResult): boolean {
    const guard = claimGuard(this.#options.keys, this.#options.claim);
    return !guardHolds(guard, result.reads[txn.comparedKeys.indexOf(guard.key)]?.[0]);
  }

  #over(reason: 'deposed' | 'cut-off'): void {
    if (this.#stopped) return;
    this.stop();
    this.#options.onOver(reason);
  }

  #onFailure(error: unknown): void {
    const { logger, clock } = this.#options;
    const { message } = toOttlaError(error);
    logger[error instanceof StoreUnavailableError ? 'debug' : 'warn']('controller: trying again', { error: message });
    this.#setAlarm(clock.now() + RETRY_MS);
  }

  /** Looks again at the deadline, and often enough to notice that this process was paused. */
  #setAlarm(deadline: number | null): void {
    const { clock, timings } = this.#options;
    this.#alarm?.timer.cancel();
    if (this.#stopped) return;
    const at = Math.min(deadline ?? Number.POSITIVE_INFINITY, clock.now() + timings.heartbeatIntervalMs);
    this.#alarm = { at, timer: clock.after(at - clock.now(), () => this.#onAlarm(at)) };
  }

  #onAlarm(at: number): void {
    const { clock, timings, logger } = this.#options;
    const late = clock.now() - at;
    if (wasPaused(late, timings)) {
      this.#silenceCountsFrom = clock.now();
      this.#formerController = null;
      logger.warn('controller: this process was paused; brokers are given a full session timeout', { pausedMs: late });
    }
    this.wake();
  }
}

/** Heartbeats of that time are still to be read: silence must not be judged before. */
export function wasPaused(lateMs: number, timings: MembershipTimings): boolean {
  return lateMs > timings.heartbeatIntervalMs;
}

/** A few at a time, begun in order. Fails with the first failure, when all that were begun have ended. */
async function inTurns<T>(items: readonly T[], run: (item: T) => Promise<number>): Promise<number[]> {
  const results: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) results.push(await run(item));
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(MAX_IN_FLIGHT, items.length) }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}
