import { type ClusterImage, type ClusterKeys, type ImageDelta, keysFor } from '@ottla/metadata';
import { type OttlaError, toOttlaError } from '@ottla/protocol';
import {
  type Clock,
  Deferred,
  type Logger,
  type PeerHello,
  type PeerNetwork,
  type PeerStream,
  type Random,
  type SessionReply,
  type SessionRequest,
} from '@ottla/runtime';
import type { ControllerEvent } from '../core/controller-event';
import { Suspicion } from '../core/detection/suspicion';
import { leavableMemberships, movableLeaderships } from '../core/partitions/draining';
import type { BrokerReport } from '../core/restore/plan-generation';
import {
  DEFAULT_TIMINGS,
  type LeaderBalanceSettings,
  type MembershipTimings,
  type TopicDefaults,
} from '../core/settings';
import { type RestorableView, type Self, unguarded } from './cluster-view';
import { ControllerHost } from './controlling/controller-host';
import { BrokerLease } from './membership/broker-lease';
import { BrokerRegistrar, type RegistrationDetails } from './membership/broker-registrar';
import { evictPredecessor } from './membership/predecessor';
import { SessionClient } from './membership/session-client';

export interface ClusterMemberOptions {
  readonly clusterId: string;
  readonly self: Self;
  /** A started image tracker; it is the caller's to close, after the member. */
  readonly view: RestorableView;
  readonly network: Pick<PeerNetwork, 'openSession' | 'probe'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timings?: Partial<MembershipTimings>;
  readonly defaults: TopicDefaults;
  /** Kafka's defaults when left out. */
  readonly leaderBalance?: LeaderBalanceSettings | undefined;
  /** Another process runs under this broker id: this one must stop. Called at most once. */
  readonly onSuperseded: (error: OttlaError) => void;
  /** What this broker did as controller, or to a controller; for metrics. */
  readonly onEvent?: (event: ControllerEvent) => void;
}

/**
 * Stops every replica of this broker until the store's next generation, and tells what their logs hold then; what is told
 * stays true until that generation begins.
 */
export type ReplicaReporter = () => Promise<Omit<BrokerReport, 'run'>>;

const LEAVE_IN_SYNC_MS = 500;

/**
 * A broker's part in the cluster: its registration, its session with the controller, and its candidature for controller.
 * Order of use: `prepare`, bind the listeners, `start`, ..., `drain`, stop serving, `close`.
 */
export class ClusterMember {
  readonly #options: ClusterMemberOptions;
  readonly #timings: MembershipTimings;
  readonly #keys: ClusterKeys;
  readonly #suspicion: Suspicion;
  readonly #lease: BrokerLease;
  readonly #registrar: BrokerRegistrar;
  readonly #controller: ControllerHost;
  readonly #session: SessionClient;
  readonly #reporter = new Deferred<ReplicaReporter>();
  #stopFollowing: (() => void) | null = null;

  constructor(options: ClusterMemberOptions) {
    this.#options = options;
    this.#timings = { ...DEFAULT_TIMINGS, ...options.timings };
    this.#keys = keysFor(options.clusterId);
    this.#suspicion = new Suspicion(this.#timings.distrustMs);
    const view = unguarded(options.view);
    const reportReplicas = async (): ReturnType<ReplicaReporter> => (await this.#reporter.promise)();
    const shared = {
      ...options,
      view,
      reportReplicas,
      timings: this.#timings,
      keys: this.#keys,
      suspicion: this.#suspicion,
    };
    const onEvent = options.onEvent ?? (() => {});
    this.#lease = new BrokerLease({ ...shared, store: () => view.store, ttlMs: this.#timings.leaseTtlMs });
    this.#registrar = new BrokerRegistrar({
      ...shared,
      lease: this.#lease,
      mayRegisterAgain: () => this.#isHeardOrAlone(),
      onRegistered: () => this.#controller.onImage(view.image),
    });
    this.#controller = new ControllerHost({
      ...shared,
      lease: this.#lease,
      registrar: this.#registrar,
      lastHeardController: () => this.#session.lastHeard,
      onEvent,
    });
    this.#session = new SessionClient({
      ...shared,
      registrar: this.#registrar,
      onEvent,
      onAcknowledged: () => this.#registrar.wake(),
      onDeposed: () => this.#controller.campaignNow(),
    });
  }

  /**
   * How this broker tells what its replicas hold when the store was restored from a backup. Until this is called, which
   * it must be before `start`, the controller gets no answer.
   */
  reportReplicasBy(reporter: ReplicaReporter): void {
    this.#reporter.resolve(reporter);
  }

  /**
   * Before the listeners bind: removes the registration (and controller claim) that a dead predecessor under this broker
   * id left. Takes up to the lease's TTL when the predecessor's address still answers.
   * @throws OttlaError DUPLICATE_BROKER_REGISTRATION when a live process has the broker id.
   */
  prepare(): Promise<void> {
    return evictPredecessor({
      ...this.#options,
      view: unguarded(this.#options.view),
      keys: this.#keys,
      timings: this.#timings,
    });
  }

  /**
   * Registers, then takes part. Resolves when this broker is registered and its image shows it.
   * @throws OttlaError DUPLICATE_BROKER_REGISTRATION, or REQUEST_TIMED_OUT when the image doesn't follow the store.
   */
  async start(details: RegistrationDetails): Promise<void> {
    const { view } = this.#options;
    this.#stopFollowing = view.onChange((image, delta) => this.#onImage(image, delta));
    this.#session.onImage(view.image);
    await this.#registrar.register(details);
    this.#controller.onImage(view.image);
    await view.waitFor((image) => this.#isRegisteredIn(image), this.#timings.leaseTtlMs);
  }

  /** For `PeerNetwork.serve`. */
  onSession(hello: PeerHello, stream: PeerStream<SessionReply, SessionRequest>): void {
    this.#controller.onSession(hello, stream);
  }

  /** This broker is the controller, as far as it knows. */
  get isController(): boolean {
    return this.#controller.leading;
  }

  /**
   * Marks this broker as draining, and waits until it leads nothing that another broker could lead, at most so long; then
   * a moment until it has left the ISRs that can do without it, so that no produce waits for it once it's gone. Resolves
   * either way; true when it leads no such partition.
   */
  async drain(timeoutMs: number): Promise<boolean> {
    const { view, self } = this.#options;
    this.#registrar.drain();
    const drained = (image: ClusterImage) =>
      image.brokers.get(self.broker)?.value.state === 'draining' && movableLeaderships(image, self) === 0;
    try {
      await view.waitFor(drained, timeoutMs);
      await this.#leaveInSync();
      return true;
    } catch {
      this.#options.logger.warn('leaving although other brokers have not taken over everything', {
        leaderships: movableLeaderships(view.image, self),
        waitedMs: timeoutMs,
      });
      return false;
    }
  }

  /** Not for long: when all brokers stop at once there may be no controller any more to see to it. */
  async #leaveInSync(): Promise<void> {
    const { view, self, logger } = this.#options;
    try {
      await view.waitFor((image) => leavableMemberships(image, self.broker) === 0, LEAVE_IN_SYNC_MS);
    } catch (error) {
      logger.debug('leaving while still in sync somewhere', { error: toOttlaError(error).message });
    }
  }

  /** Leaves the cluster: ends the session, and gives up the claim and the registration. */
  async close(): Promise<void> {
    this.#stopFollowing?.();
    this.#session.close();
    this.#controller.close();
    this.#registrar.close();
    await this.#lease.close();
  }

  #onImage(image: ClusterImage, delta: ImageDelta): void {
    if (delta.historyChanged) {
      this.#registrar.onRestored();
      this.#lease.abandon('the store was restored from another past');
    }
    for (const broker of delta.brokers) this.#onRegistration(image, broker);
    this.#session.onImage(image);
    this.#controller.onImage(image);
  }

  #onRegistration(image: ClusterImage, broker: number): void {
    const registration = image.brokers.get(broker);
    const { clock, logger, onEvent } = this.#options;
    if (registration === undefined || !this.#suspicion.onRegistered(registration, clock.now())) return;
    const { run } = registration.value;
    logger.warn(`broker ${broker} was taken for dead wrongly; for now only silence counts against it`, {
      run,
      forMs: this.#timings.distrustMs,
    });
    onEvent?.({ type: 'wrong-guess', broker, run });
  }

  /** The controller hears this broker; or there is none, or this broker is it. */
  #isHeardOrAlone(): boolean {
    const { controller } = this.#options.view.image;
    if (controller === null || controller.value.run === this.#options.self.run) return true;
    return this.#session.acknowledged;
  }

  #isRegisteredIn(image: ClusterImage): boolean {
    return image.brokers.get(this.#options.self.broker)?.value.run === this.#options.self.run;
  }
}
