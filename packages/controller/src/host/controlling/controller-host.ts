import {
  type ClusterImage,
  type ClusterKeys,
  type ControllerClaim,
  controllerClaimCodec,
  type KeyValue,
  StoreUnavailableError,
  type Versioned,
} from '@ottla/metadata';
import { toOttlaError } from '@ottla/protocol';
import type {
  Clock,
  Logger,
  PeerHello,
  PeerNetwork,
  PeerStream,
  Random,
  SessionReply,
  SessionRequest,
  Timer,
} from '@ottla/runtime';
import type { ControllerEvent } from '../../core/controller-event';
import { formerController, type HeardController } from '../../core/detection/former-controller';
import type { Suspicion } from '../../core/detection/suspicion';
import type { BrokerReport } from '../../core/restore/plan-generation';
import type { LeaderBalanceSettings, MembershipTimings, TopicDefaults } from '../../core/settings';
import { absentGuard } from '../../core/txn/guards';
import type { RestorableView, Self } from '../cluster-view';
import type { BrokerLease } from '../membership/broker-lease';
import type { BrokerRegistrar } from '../membership/broker-registrar';
import { ControllerTerm } from './controller-term';

export interface ControllerHostOptions {
  readonly keys: ClusterKeys;
  readonly self: Self;
  readonly view: RestorableView;
  readonly reportReplicas: () => Promise<Omit<BrokerReport, 'run'>>;
  readonly lease: BrokerLease;
  readonly registrar: Pick<BrokerRegistrar, 'createRevision' | 'draining'>;
  readonly network: Pick<PeerNetwork, 'probe'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timings: MembershipTimings;
  readonly defaults: TopicDefaults;
  /** Kafka's defaults when left out. */
  readonly leaderBalance?: LeaderBalanceSettings | undefined;
  readonly suspicion: Suspicion;
  /** The controller whose claim was gone last, as this broker heard it; null when it heard none, or was it itself. */
  readonly lastHeardController: () => HeardController | null;
  readonly onEvent: (event: ControllerEvent) => void;
}

/** The last claim that was made, and the revision that wrote both it and the key that remembers it. */
interface LastClaim {
  readonly epoch: number;
  readonly revision: number;
}

const NO_CLAIM: LastClaim = { epoch: 0, revision: 0 };

/** Challengers wait a random part of this, so that not all of them ask the store at once. */
const CHALLENGE_MS = 20;
const RETRY_MS = 200;
/** After it stood down because it heard nobody, a controller doesn't stand down again for so many session timeouts. */
const STAND_DOWN_PAUSE = 10;

/**
 * Makes this broker the controller when there is none, and runs its term. The claim is only ever created, under the
 * broker's lease; its epoch is one above the last claim's, which a key of its own remembers.
 */
export class ControllerHost {
  readonly #options: ControllerHostOptions;
  #term: ControllerTerm | null = null;
  #campaign: Timer | null = null;
  #campaigning = false;
  #last: LastClaim = NO_CLAIM;
  #notBefore = Number.NEGATIVE_INFINITY;
  #stoodDownAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: ControllerHostOptions) {
    this.#options = options;
    options.lease.onLost(() => this.#endTerm('the lease was lost'));
  }

  /** This broker is the controller, as far as it knows. */
  get leading(): boolean {
    return this.#term !== null && this.#options.lease.id !== null;
  }

  onSession(hello: PeerHello, stream: PeerStream<SessionReply, SessionRequest>): void {
    if (this.#term !== null && this.leading) return this.#term.accept(hello, stream);
    stream.send({ type: 'not-controller' });
    stream.close();
  }

  onImage(image: ClusterImage): void {
    const { controller } = image;
    if (controller !== null) this.#last = { epoch: controller.value.epoch, revision: controller.createRevision };
    if (this.#term !== null) return this.#onImageInTerm(this.#term, image);
    if (controller === null) this.#scheduleCampaign(this.#backOff());
    else if (controller.value.run === this.#options.self.run) this.#scheduleCampaign(0);
  }

  /** There is no controller, as this broker was the first to make sure. */
  campaignNow(): void {
    this.#scheduleCampaign(0);
  }

  /** Ends the term. The claim vanishes with the lease. */
  close(): void {
    this.#closed = true;
    this.#campaign?.cancel();
    this.#term?.stop();
    this.#term = null;
  }

  #onImageInTerm(term: ControllerTerm, image: ClusterImage): void {
    const { createRevision } = term.claim;
    if (image.revision < createRevision) return;
    if (image.controller?.createRevision === createRevision) return term.onImage(image);
    this.#endTerm('another broker took over');
    this.onImage(image);
  }

  #endTerm(reason: string): void {
    const term = this.#term;
    if (term === null) return;
    term.stop();
    this.#term = null;
    const { epoch } = term.claim.value;
    this.#options.logger.info(`no longer the controller: ${reason}`, { epoch });
    this.#options.onEvent({ type: 'stood-down', epoch, reason });
  }

  #scheduleCampaign(delayMs: number): void {
    const { clock } = this.#options;
    if (this.#closed || this.#campaigning || this.#term !== null) return;
    if (this.#campaign !== null && delayMs > 0) return;
    this.#campaign?.cancel();
    const delay = Math.max(delayMs, this.#notBefore - clock.now());
    this.#campaign = clock.after(delay, () => {
      this.#campaign = null;
      void this.#runCampaign();
    });
  }

  #backOff(): number {
    const alone = this.#options.view.image.brokers.size <= 1;
    return alone ? 0 : this.#options.random.below(CHALLENGE_MS);
  }

  async #runCampaign(): Promise<void> {
    if (this.#campaigning || this.#closed || this.#term !== null || !this.#mayLead()) return;
    this.#campaigning = true;
    let again = false;
    try {
      again = !(await this.#claim());
    } catch (error) {
      again = true;
      const level = error instanceof StoreUnavailableError ? 'debug' : 'warn';
      this.#options.logger[level]('could not claim to be the controller', { error: toOttlaError(error).message });
    }
    this.#campaigning = false;
    if (again && this.#isVacant()) this.#scheduleCampaign(RETRY_MS);
  }

  /** A broker that is about to leave leaves it to others, if there are any. */
  #mayLead(): boolean {
    const { registrar, view, self } = this.#options;
    if (registrar.createRevision === null) return false;
    if (!registrar.draining) return true;
    return ![...view.image.brokers.values()].some(
      ({ value }) => value.broker !== self.broker && value.state === 'active',
    );
  }

  #isVacant(): boolean {
    const { controller } = this.#options.view.image;
    return controller === null || controller.value.run === this.#options.self.run;
  }

  /** False when it has to be tried again. */
  async #claim(): Promise<boolean> {
    const { keys, view, lease, registrar, self } = this.#options;
    const leaseId = lease.id;
    const registered = registrar.createRevision;
    if (leaseId === null || registered === null) return true;
    const claim: ControllerClaim = { version: 1, broker: self.broker, run: self.run, epoch: nextEpoch(this.#last) };
    const value = controllerClaimCodec.encode(claim);
    const { succeeded, revision, reads } = await view.store.txn({
      compare: [
        absentGuard(keys.controller()),
        { key: epochKey(keys), target: 'mod', equals: this.#last.revision },
        { key: keys.broker(self.broker), target: 'create', equals: registered },
      ],
      success: [
        { type: 'put', key: keys.controller(), value, lease: leaseId },
        { type: 'put', key: epochKey(keys), value },
      ],
      failure: [
        { type: 'get', key: keys.controller() },
        { type: 'get', key: epochKey(keys) },
      ],
    });
    if (!succeeded) return this.#onClaimRefused(reads[0]?.[0], reads[1]?.[0], leaseId);
    await this.#begin({ value: claim, createRevision: revision, modRevision: revision }, leaseId);
    return true;
  }

  /**
   * Refused by a claim of another broker; by one of this very run (an attempt whose answer was lost, or one under a
   * lease that was lost); or for not knowing the last epoch, which is known now.
   */
  async #onClaimRefused(kv: KeyValue | undefined, last: KeyValue | undefined, leaseId: string): Promise<boolean> {
    if (kv === undefined) {
      const knew = this.#last.revision;
      this.#last = last === undefined ? NO_CLAIM : { epoch: decodeClaim(last).epoch, revision: last.modRevision };
      return this.#last.revision === knew ? false : this.#claim();
    }
    const value = decodeClaim(kv);
    if (value.run !== this.#options.self.run) return true;
    if (kv.lease === leaseId) {
      await this.#begin({ value, createRevision: kv.createRevision, modRevision: kv.modRevision }, leaseId);
      return true;
    }
    await this.#deleteClaim(kv.createRevision);
    return false;
  }

  async #begin(claim: Versioned<ControllerClaim>, leaseId: string): Promise<void> {
    const { view, lease, clock, logger, timings, onEvent, lastHeardController } = this.#options;
    await view.waitFor(claim.createRevision, timings.leaseTtlMs);
    if (this.#closed || lease.id !== leaseId) return;
    if (view.image.controller?.createRevision !== claim.createRevision) return;
    const term = new ControllerTerm({
      ...this.#options,
      claim,
      formerController: formerController(lastHeardController(), claim.value, clock.now(), timings),
      leaseHeld: () => lease.id === leaseId,
      absenceCountsFrom: () => lease.absenceCountsFrom(timings.sessionTimeoutMs),
      mayStandDown: () => this.#mayStandDown(),
      onOver: (reason) => void this.#onOver(reason),
    });
    this.#term = term;
    logger.info(`broker ${claim.value.broker} is the controller`, { epoch: claim.value.epoch });
    onEvent({ type: 'claimed', epoch: claim.value.epoch });
    term.start();
  }

  #mayStandDown(): boolean {
    const { clock, timings } = this.#options;
    return clock.now() - this.#stoodDownAt > STAND_DOWN_PAUSE * timings.sessionTimeoutMs;
  }

  async #onOver(reason: 'deposed' | 'cut-off'): Promise<void> {
    const claim = this.#term?.claim;
    if (claim === undefined) return;
    if (reason === 'deposed') return this.#endTerm('another broker took over');
    const { clock, timings, logger } = this.#options;
    this.#stoodDownAt = clock.now();
    this.#notBefore = clock.now() + timings.sessionTimeoutMs;
    this.#endTerm('it hears no other broker');
    try {
      await this.#deleteClaim(claim.createRevision);
    } catch (error) {
      logger.warn('the claim could not be given up', { error: toOttlaError(error).message });
    }
  }

  async #deleteClaim(createRevision: number): Promise<void> {
    const key = this.#options.keys.controller();
    await this.#options.view.store.txn({
      compare: [{ key, target: 'create', equals: createRevision }],
      success: [{ type: 'delete', key }],
    });
  }
}

/** Outlives the claims: holds the last one, so that epochs never go back. */
function epochKey(keys: ClusterKeys): string {
  return `${keys.prefix}controller-epoch`;
}

function decodeClaim(kv: KeyValue): ControllerClaim {
  return controllerClaimCodec.decode(kv.value, kv.key);
}

/** A controller epoch is never used twice. */
export function nextEpoch(last: LastClaim): number {
  return last.epoch + 1;
}
