import type { BrokerRegistration, ClusterImage, ClusterKeys, ControllerClaim, Op, Versioned } from '@ottla/metadata';
import { type OttlaError, toOttlaError } from '@ottla/protocol';
import type {
  Clock,
  Logger,
  PeerAddress,
  PeerNetwork,
  PeerStream,
  Random,
  SessionReply,
  SessionRequest,
  Timer,
} from '@ottla/runtime';
import type { ControllerEvent } from '../../core/controller-event';
import type { HeardController } from '../../core/detection/former-controller';
import type { Suspicion } from '../../core/detection/suspicion';
import type { BrokerReport } from '../../core/restore/plan-generation';
import type { MembershipTimings } from '../../core/settings';
import { claimGuard, registrationGuard } from '../../core/txn/guards';
import type { RestorableView, Self } from '../cluster-view';
import type { BrokerRegistrar } from './broker-registrar';

export interface SessionClientOptions {
  readonly clusterId: string;
  readonly keys: ClusterKeys;
  readonly self: Self;
  readonly view: RestorableView;
  /** Stops the replicas of this broker, and tells what they hold. */
  readonly reportReplicas: () => Promise<Omit<BrokerReport, 'run'>>;
  readonly registrar: Pick<BrokerRegistrar, 'createRevision'>;
  readonly network: Pick<PeerNetwork, 'openSession' | 'probe'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timings: MembershipTimings;
  readonly suspicion: Suspicion;
  readonly onEvent: (event: ControllerEvent) => void;
  /** The controller answers again, or for the first time. */
  readonly onAcknowledged: () => void;
  /** This broker deposed the controller. */
  readonly onDeposed: () => void;
}

type Evidence = 'refused' | 'silent' | 'superseded';

/** The session with one controller, as long as its claim lasts. */
interface Session {
  readonly claim: Versioned<ControllerClaim>;
  /** The create revision of the registration that the controller had when the session began; null when it had none. */
  readonly registeredIn: number | null;
  stream: PeerStream<SessionRequest, SessionReply> | null;
  sequence: number;
  /** When the controller was last heard, or could first have been. */
  heardAt: number;
  /** When it last answered on this stream. */
  answeredAt: number | null;
  reconnectDelayMs: number;
  reconnect: Timer | null;
  tick: Timer | null;
  /** Set while the controller's silence would last for too long before the next tick. */
  silence: Timer | null;
  /** Set while this broker is about to depose the controller. */
  challenge: Timer | null;
}

const FIRST_RECONNECT_MS = 10;
const REPLICAS_A_MESSAGE = 1_000;
/** Challengers of a dead controller begin so long after each other, in the order of their ids: usually one is enough. */
const CHALLENGE_STEP_MS = 10;
const CHALLENGE_MAX_MS = 100;

/**
 * The broker's session with the controller: heartbeats, and noticing the controller's death. Whoever finds that nobody
 * listens at the controller's address, or hasn't heard it for longer than a session timeout, deletes its claim.
 */
export class SessionClient {
  readonly #options: SessionClientOptions;
  #session: Session | null = null;
  #lastHeard: HeardController | null = null;
  #closed = false;

  constructor(options: SessionClientOptions) {
    this.#options = options;
  }

  /** The current controller answers this broker's heartbeats: the last ones, not only some earlier ones. */
  get acknowledged(): boolean {
    const answeredAt = this.#session?.answeredAt ?? Number.NEGATIVE_INFINITY;
    return this.#options.clock.now() - answeredAt <= 2 * this.#options.timings.heartbeatIntervalMs;
  }

  /** The controller whose claim was gone last, as it was heard until then; null while there is a session with one. */
  get lastHeard(): HeardController | null {
    return this.#lastHeard;
  }

  onImage(image: ClusterImage): void {
    const { controller } = image;
    if (this.#closed) return;
    if (this.#session !== null && this.#session.claim.createRevision !== controller?.createRevision) this.#end();
    if (controller === null || controller.value.run === this.#options.self.run) return;
    if (this.#session === null) this.#begin(controller);
    if (isSuperseded(image, controller.value)) this.#depose(this.#session!, 'superseded');
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #begin(claim: Versioned<ControllerClaim>): void {
    const registration = this.#registrationOf(claim.value);
    const session: Session = {
      claim,
      registeredIn: registration?.createRevision ?? null,
      stream: null,
      sequence: 0,
      heardAt: this.#options.clock.now(),
      answeredAt: null,
      reconnectDelayMs: FIRST_RECONNECT_MS,
      reconnect: null,
      tick: null,
      silence: null,
      challenge: null,
    };
    this.#session = session;
    this.#lastHeard = null;
    this.#connect(session);
    this.#scheduleTick(session);
  }

  #end(): void {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    this.#lastHeard = this.#heardOf(session);
    session.tick?.cancel();
    session.silence?.cancel();
    session.reconnect?.cancel();
    session.challenge?.cancel();
    session.stream?.close();
  }

  #heardOf({ claim, registeredIn, heardAt }: Session): HeardController | null {
    if (registeredIn === null) return null;
    return { claim: claim.value, registeredIn, heardAt, goneAt: this.#options.clock.now() };
  }

  #connect(session: Session): void {
    const address = this.#addressOf(session);
    session.reconnect = null;
    if (!this.#isCurrent(session) || address === null) return;
    const { clusterId, self, network } = this.#options;
    const stream = network.openSession(address, { clusterId, ...self });
    session.stream = stream;
    session.sequence = 0;
    stream.onMessage((reply) => this.#onReply(session, stream, reply));
    stream.onClose((error) => void this.#onClose(session, stream, error));
    this.#sendHeartbeat(session);
  }

  /** Null while the controller isn't registered in the run that it claimed in. */
  #addressOf(session: Session): PeerAddress | null {
    return this.#registrationOf(session.claim.value)?.value.peer ?? null;
  }

  #registrationOf({ broker, run }: ControllerClaim): Versioned<BrokerRegistration> | null {
    const registration = this.#options.view.image.brokers.get(broker);
    return registration?.value.run === run ? registration : null;
  }

  #sendHeartbeat(session: Session): void {
    const { self, view } = this.#options;
    session.stream?.send({
      type: 'heartbeat',
      ...self,
      sequence: session.sequence++,
      imageRevision: view.image.revision,
      exceededGeneration: view.exceededGeneration ?? 0,
    });
  }

  /** The store was restored from a backup, and the controller wants to know what the replicas here hold. */
  async #tellReplicas(session: Session, generation: number): Promise<void> {
    const { view, reportReplicas, logger } = this.#options;
    const { stream } = session;
    view.suspend(`the controller is about to begin generation ${generation}`);
    try {
      const { replicas, nextProducerId } = await reportReplicas();
      if (!this.#isCurrent(session) || session.stream !== stream) return;
      for (let at = 0; at === 0 || at < replicas.length; at += REPLICAS_A_MESSAGE) {
        const part = replicas.slice(at, at + REPLICAS_A_MESSAGE);
        const last = at + part.length >= replicas.length;
        stream?.send({ type: 'replicas', generation, replicas: part, nextProducerId, last });
      }
    } catch (error) {
      logger.error(`the controller can't be told what the replicas hold: ${toOttlaError(error).message}`);
    }
  }

  #onReply(session: Session, stream: Session['stream'], reply: SessionReply): void {
    if (!this.#isCurrent(session) || session.stream !== stream) return;
    if (reply.type === 'not-controller') return;
    if (reply.type === 'report-replicas') return void this.#tellReplicas(session, reply.generation);
    const acknowledgedBefore = this.acknowledged;
    session.heardAt = this.#options.clock.now();
    session.answeredAt = session.heardAt;
    session.reconnectDelayMs = FIRST_RECONNECT_MS;
    if (!acknowledgedBefore) this.#options.onAcknowledged();
  }

  async #onClose(session: Session, stream: Session['stream'], error: OttlaError | null): Promise<void> {
    if (!this.#isCurrent(session) || session.stream !== stream) return;
    session.stream = null;
    session.answeredAt = null;
    const { run } = session.claim.value;
    const address = this.#addressOf(session);
    if (error !== null && address !== null && this.#options.suspicion.refusalCounts(run, this.#options.clock.now())) {
      const answer = await this.#options.network.probe(address, this.#options.timings.probeTimeoutMs);
      if (!this.#isCurrent(session)) return;
      this.#options.logger.debug(`probed controller ${session.claim.value.broker}: ${answer}`, { run });
      if (answer === 'refused') this.#depose(session, 'refused');
    }
    this.#scheduleReconnect(session);
  }

  #scheduleReconnect(session: Session): void {
    if (session.reconnect !== null || session.stream !== null) return;
    session.reconnect = this.#options.clock.after(session.reconnectDelayMs, () => this.#connect(session));
    session.reconnectDelayMs = Math.min(session.reconnectDelayMs * 2, this.#options.timings.heartbeatIntervalMs);
  }

  #scheduleTick(session: Session): void {
    const { clock, timings } = this.#options;
    const at = clock.now() + timings.heartbeatIntervalMs;
    session.tick = clock.after(timings.heartbeatIntervalMs, () => this.#onTick(session, at));
  }

  #onTick(session: Session, dueAt: number): void {
    this.#notePause(session, dueAt);
    if (session.stream !== null) this.#sendHeartbeat(session);
    else this.#scheduleReconnect(session);
    this.#watchSilence(session);
    this.#scheduleTick(session);
  }

  /** Answers of that time are still to be read: they aren't the controller's silence. */
  #notePause(session: Session, dueAt: number): void {
    const { clock, timings } = this.#options;
    if (clock.now() - dueAt > timings.heartbeatIntervalMs) session.heardAt = clock.now();
  }

  /** To the millisecond: waiting for a tick would cost up to a heartbeat interval more. */
  #watchSilence(session: Session): void {
    const { clock, timings } = this.#options;
    session.silence?.cancel();
    const at = Math.max(clock.now(), session.heardAt + silenceTimeout(timings));
    if (at - clock.now() >= timings.heartbeatIntervalMs) return;
    session.silence = clock.after(at - clock.now(), () => {
      this.#notePause(session, at);
      if (this.#stillHolds(session, 'silent')) this.#depose(session, 'silent');
    });
  }

  #depose(session: Session, evidence: Evidence): void {
    const { clock } = this.#options;
    const backOff = this.#backOff(session, evidence);
    const at = clock.now() + backOff;
    session.challenge ??= clock.after(backOff, () => {
      this.#notePause(session, at);
      void this.#challenge(session, evidence).finally(() => {
        session.challenge = null;
      });
    });
  }

  async #challenge(session: Session, evidence: Evidence): Promise<void> {
    if (!this.#isCurrent(session) || !this.#stillHolds(session, evidence)) return;
    try {
      await this.#deleteClaim(session, evidence);
    } catch (error) {
      this.#options.logger.debug('the controller could not be deposed', { error: toOttlaError(error).message });
    }
  }

  #backOff(session: Session, evidence: Evidence): number {
    const { random, timings, view, self } = this.#options;
    if (evidence === 'silent') return random.below(timings.heartbeatIntervalMs / 2);
    const { broker } = session.claim.value;
    const ahead = [...view.image.brokers.keys()].filter((other) => other !== broker && other < self.broker).length;
    return Math.min(ahead * CHALLENGE_STEP_MS, CHALLENGE_MAX_MS);
  }

  #stillHolds(session: Session, evidence: Evidence): boolean {
    if (evidence === 'refused') return session.answeredAt === null;
    if (evidence === 'superseded') return isSuperseded(this.#options.view.image, session.claim.value);
    return this.#options.clock.now() - session.heardAt >= silenceTimeout(this.#options.timings);
  }

  /**
   * Guarded by the claim's create revision and by this broker's own registration: a broker that was fenced itself has no
   * say. A refused connection says that the process is dead: its registration goes along, so that whoever wins finds
   * what it led without a leader.
   */
  async #deleteClaim(session: Session, evidence: Evidence): Promise<void> {
    const { keys, self, view, registrar, suspicion, clock } = this.#options;
    const own = registrar.createRevision;
    if (own === null) return;
    const { broker, run } = session.claim.value;
    const registration = view.image.brokers.get(broker);
    const compare = [
      claimGuard(keys, session.claim),
      { key: keys.broker(self.broker), target: 'create' as const, equals: own },
    ];
    const success: Op[] = [{ type: 'delete', key: keys.controller() }];
    if (registration !== undefined && evidence !== 'silent') compare.push(registrationGuard(keys, registration));
    if (evidence === 'refused') {
      if (registration?.value.run === run) success.push({ type: 'delete', key: keys.broker(broker) });
      suspicion.guessedDead(run, registration?.createRevision ?? session.claim.createRevision, clock.now());
    }
    const { succeeded } = await view.store.txn({ compare, success });
    if (!succeeded) return;
    this.#options.logger.warn(`deposed controller ${broker}: ${evidence}`, { run, epoch: session.claim.value.epoch });
    this.#options.onEvent({ type: 'deposed-controller', broker, run, evidence });
    this.#options.onDeposed();
  }

  #isCurrent(session: Session): boolean {
    return !this.#closed && this.#session === session;
  }
}

/** The controller judges brokers by the session timeout: where only their connection is cut, it is to judge first. */
export function silenceTimeout(timings: MembershipTimings): number {
  return timings.sessionTimeoutMs + timings.heartbeatIntervalMs;
}

/** The broker is registered in another run: the process that claimed is gone. */
export function isSuperseded(image: ClusterImage, claim: ControllerClaim): boolean {
  const registration = image.brokers.get(claim.broker)?.value;
  return registration !== undefined && registration.run !== claim.run;
}
