import {
  type BrokerRegistration,
  brokerRegistrationCodec,
  type ClusterImage,
  type ClusterKeys,
  type Compare,
  type KeyValue,
  LeaseNotFoundError,
  lastRunCodec,
  type Op,
  StoreUnavailableError,
  type TxnResult,
} from '@ottla/metadata';
import { OttlaError, toOttlaError } from '@ottla/protocol';
import { type Clock, Deferred, type Logger, type Timer } from '@ottla/runtime';
import type { MembershipTimings } from '../../core/settings';
import type { ClusterView, Self } from '../cluster-view';
import type { BrokerLease } from './broker-lease';

/** What a broker says of itself when it registers. */
export interface RegistrationDetails
  extends Pick<BrokerRegistration, 'logIds' | 'rack' | 'kafka' | 'grpc' | 'peer' | 'startedAt'> {
  /** What the log ids rest on; absent where they rest on nothing that the store could deny. */
  readonly start?: RegisteredStart;
}

/** A start of a broker, among those that registered. */
export interface RegisteredStart {
  /** From 1. */
  readonly number: number;
  /** The run in which the broker had registered last when its log ids were settled; null when in none. */
  readonly predecessor: string | null;
}

export interface BrokerRegistrarOptions {
  readonly keys: ClusterKeys;
  readonly self: Self;
  readonly view: ClusterView;
  readonly lease: BrokerLease;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timings: Pick<MembershipTimings, 'leaseTtlMs'>;
  /**
   * Whether to register again after the registration was deleted. A broker that the controller doesn't hear would only
   * be fenced again; call `wake` when the answer may have changed.
   */
  readonly mayRegisterAgain: () => boolean;
  /** The broker is registered, anew or in another state; it may have heard of it through its image before. */
  readonly onRegistered: () => void;
  /** Another process registered under this broker id. Called at most once. */
  readonly onSuperseded: (error: OttlaError) => void;
}

interface Registered {
  readonly createRevision: number;
  readonly modRevision: number;
  readonly lease: string;
  readonly state: BrokerRegistration['state'];
}

const RETRY_MS = 200;
/** The store may hold a lease that long beyond its TTL. */
const LEASE_MARGIN_MS = 2_000;

/**
 * Keeps the broker registered under its lease, in the same run for as long as the process lives: again after the lease
 * was lost or the registration was deleted.
 *
 * A registration is only ever created. When the broker begins to drain it rewrites its own in place, guarded by its mod
 * revision: it stays the same holder's, and whoever relies on a registration compares the mod revision, so that whatever
 * was decided for the active broker is refused from then on.
 */
export class BrokerRegistrar {
  readonly #options: BrokerRegistrarOptions;
  readonly #first = new Deferred<void>();
  #details: RegistrationDetails | null = null;
  #wanted: BrokerRegistration['state'] = 'active';
  #registered: Registered | null = null;
  #everRegistered = false;
  #running = false;
  #again = false;
  #retry: Timer | null = null;
  #closed = false;
  /** Until then a registration of another run may be one that a restored backup holds. */
  #pastUntil = Number.NEGATIVE_INFINITY;
  /** The store may have forgotten in which run this broker registered last. */
  #forgotten = false;
  #stopFollowing: (() => void) | null = null;

  constructor(options: BrokerRegistrarOptions) {
    this.#options = options;
    options.lease.onLost(() => this.#onLeaseLost());
  }

  /** The create revision of this broker's registration; null while it has none that it may rely on. */
  get createRevision(): number | null {
    return this.#options.lease.id === null ? null : (this.#registered?.createRevision ?? null);
  }

  get draining(): boolean {
    return this.#wanted === 'draining';
  }

  /**
   * Resolves when the broker is registered, however long the store takes.
   * @throws OttlaError DUPLICATE_BROKER_REGISTRATION when another process holds the broker id.
   */
  register(details: RegistrationDetails): Promise<void> {
    this.#details = details;
    this.#stopFollowing = this.#options.view.onChange((image) => this.#onImage(image));
    this.wake();
    return this.#first.promise;
  }

  /**
   * The store was restored from a backup. An earlier run of this broker that is registered there is no successor: that
   * registration ends with its lease.
   */
  onRestored(): void {
    const { clock, timings } = this.#options;
    this.#forgotten = true;
    this.#pastUntil = clock.now() + timings.leaseTtlMs + LEASE_MARGIN_MS;
  }

  /** Something changed that registering waits for. */
  wake(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  /** From now on the broker asks for its leaderships to be taken over, and to be given no more. */
  drain(): void {
    this.#wanted = 'draining';
    this.wake();
  }

  /** The registration ends with the lease, which is the caller's to close. */
  close(): void {
    this.#closed = true;
    this.#registered = null;
    this.#retry?.cancel();
    this.#stopFollowing?.();
    this.#first.reject(new OttlaError('BROKER_NOT_AVAILABLE', 'the broker is leaving the cluster'));
    this.#first.promise.catch(() => {});
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#settle();
      } catch (error) {
        this.#onFailure(error);
      }
    }
    this.#running = false;
  }

  /** One step towards being registered as wanted. */
  async #settle(): Promise<void> {
    if (this.#details === null || this.#closed) return;
    if (this.#registered === null) {
      if (this.#everRegistered && !this.#options.mayRegisterAgain()) return;
      await this.#create(this.#details);
    }
    if (this.#registered !== null && this.#registered.state !== this.#wanted) await this.#rewrite(this.#details);
  }

  async #create(details: RegistrationDetails): Promise<void> {
    const { keys, self, lease, view } = this.#options;
    const leaseId = await lease.acquire();
    const state = this.#wanted;
    const key = keys.broker(self.broker);
    const lastRun = await this.#readLastRun(details);
    const result = await view.store.txn({
      compare: [{ key, target: 'create', equals: 0 }, lastRun.guard],
      success: [{ type: 'put', key, value: this.#encode(details, state), lease: leaseId }, lastRun.write],
      failure: [{ type: 'get', key }],
    });
    if (!result.succeeded) return this.#onOccupied(result, leaseId);
    this.#adopt({ createRevision: result.revision, modRevision: result.revision, lease: leaseId, state });
  }

  /**
   * The run that registers becomes the last one, in the same transaction. Whoever registered as this broker since its log
   * ids were settled may hold, under the same ids, records that this process lacks.
   */
  async #readLastRun(details: RegistrationDetails): Promise<{ guard: Compare; write: Op }> {
    const { keys, self, view } = this.#options;
    const key = keys.lastRun(self.broker);
    const { revision, kv } = await view.store.get(key);
    if (revision < view.image.revision) this.onRestored();
    const last = kv === null ? null : lastRunCodec.decode(kv.value, kv.key);
    if (last !== null && last.run !== self.run && !this.#forgotten) {
      const settled = details.start === undefined || last.run === details.start.predecessor;
      if (!settled || this.#everRegistered) throw this.#superseded(last.run);
    }
    const starts = details.start?.number ?? (last?.starts ?? 0) + 1;
    const value = lastRunCodec.encode({ ...last, version: 1, broker: self.broker, run: self.run, starts });
    return {
      guard: { key, target: 'mod', equals: kv?.modRevision ?? 0 },
      write: { type: 'put', key, value },
    };
  }

  /**
   * The key exists: by an earlier attempt of this run, under this lease or a lost one; or by another process. Without it, it
   * was deleted since, or the last run is another one.
   */
  async #onOccupied(result: TxnResult, leaseId: string): Promise<void> {
    const kv = result.reads[0]?.[0];
    if (kv === undefined) {
      this.#again = true;
      return;
    }
    const { run, state } = brokerRegistrationCodec.decode(kv.value, kv.key);
    if (run !== this.#options.self.run) {
      // The answer of a restored store may come before the image hears of the restore.
      if (result.revision < this.#options.view.image.revision) this.onRestored();
      if (!this.#isOfThePast()) throw this.#superseded(run);
      throw new StoreUnavailableError(`run ${run} is still registered in the restored store`, false);
    }
    this.#again = true;
    if (kv.lease !== leaseId) return this.#removeStale(kv);
    this.#adopt({ createRevision: kv.createRevision, modRevision: kv.modRevision, lease: leaseId, state });
  }

  async #removeStale(kv: KeyValue): Promise<void> {
    await this.#options.view.store.txn({
      compare: [{ key: kv.key, target: 'mod', equals: kv.modRevision }],
      success: [{ type: 'delete', key: kv.key }],
    });
  }

  async #rewrite(details: RegistrationDetails): Promise<void> {
    const { keys, self, lease, view } = this.#options;
    const registered = this.#registered;
    if (registered === null || lease.id !== registered.lease) return;
    const key = keys.broker(self.broker);
    const state = this.#wanted;
    const result = await view.store.txn({
      compare: [{ key, target: 'mod', equals: registered.modRevision }],
      success: [{ type: 'put', key, value: this.#encode(details, state), lease: registered.lease }],
      failure: [{ type: 'get', key }],
    });
    if (result.succeeded) this.#adopt({ ...registered, modRevision: result.revision, state });
    else await this.#onRewriteRefused(result, registered);
  }

  async #onRewriteRefused(result: TxnResult, registered: Registered): Promise<void> {
    const kv = result.reads[0]?.[0];
    const stillOwn = kv !== undefined && kv.createRevision === registered.createRevision;
    if (stillOwn) return this.#onOccupied(result, registered.lease);
    this.#registered = null;
    this.#again = true;
  }

  #adopt(registered: Registered): void {
    if (this.#closed || this.#options.lease.id !== registered.lease) return;
    const { logger, self } = this.#options;
    this.#registered = registered;
    this.#forgotten = false;
    if (!this.#everRegistered) logger.info(`broker ${self.broker} registered`, { run: self.run });
    else logger.info(`broker ${self.broker} is registered`, { run: self.run, state: registered.state });
    this.#everRegistered = true;
    this.#first.resolve();
    this.#options.onRegistered();
  }

  #onImage(image: ClusterImage): void {
    const registered = this.#registered;
    const seen = image.brokers.get(this.#options.self.broker);
    if (registered !== null && image.revision >= registered.modRevision) {
      if (seen?.createRevision !== registered.createRevision) this.#onDeleted();
    }
    if (
      this.#everRegistered &&
      this.#registered === null &&
      seen !== undefined &&
      seen.value.run !== this.#options.self.run &&
      !this.#isOfThePast()
    ) {
      return this.#giveUp(this.#superseded(seen.value.run));
    }
    if (this.#everRegistered && this.#registered === null) this.wake();
  }

  #isOfThePast(): boolean {
    return this.#options.clock.now() < this.#pastUntil;
  }

  #onDeleted(): void {
    this.#registered = null;
    if (this.#closed) return;
    this.#options.logger.warn(`the registration of broker ${this.#options.self.broker} was deleted by another broker`);
  }

  #onLeaseLost(): void {
    this.#registered = null;
    this.wake();
  }

  #onFailure(error: unknown): void {
    const failure = toOttlaError(error);
    if (failure.code === 'DUPLICATE_BROKER_REGISTRATION') return this.#giveUp(failure);
    if (error instanceof LeaseNotFoundError) this.#options.lease.reportGone(error.leaseId);
    const level = error instanceof StoreUnavailableError || error instanceof LeaseNotFoundError ? 'debug' : 'warn';
    this.#options.logger[level]('registering failed, trying again', { error: failure.message });
    if (this.#closed) return;
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(RETRY_MS, () => this.wake());
  }

  #giveUp(failure: OttlaError): void {
    if (this.#closed) return;
    this.#first.reject(failure);
    this.close();
    if (this.#everRegistered) this.#options.onSuperseded(failure);
  }

  #superseded(run: string): OttlaError {
    const { broker } = this.#options.self;
    return new OttlaError(
      'DUPLICATE_BROKER_REGISTRATION',
      `another process (run ${run}) has registered as broker ${broker}; this one (run ${this.#options.self.run}) must ` +
        'stop: give each process a node.id of its own',
    );
  }

  #encode({ start: _start, ...details }: RegistrationDetails, state: BrokerRegistration['state']): Uint8Array {
    const { broker, run } = this.#options.self;
    return brokerRegistrationCodec.encode({ version: 1, broker, run, ...details, state });
  }
}
