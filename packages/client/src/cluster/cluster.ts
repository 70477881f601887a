import { OttlaError, toOttlaError } from '@ottla/protocol';
import { Backoff, type CallOptions, type DoorClient, type door } from '@ottla/rpc';
import type { Settings } from '../options';
import { Connections } from './connections';
import { type BrokerInfo, MetadataCache } from './metadata';

export interface RequestOptions {
  /** Ends the request. */
  readonly signal?: AbortSignal | undefined;
}

/** The connections to a cluster and what is known of it, shared by producers, consumers and admin. */
export class Cluster {
  readonly settings: Settings;
  readonly metadata: MetadataCache;
  readonly connections: Connections;
  readonly #bootstrap: readonly string[];
  #closed = false;

  constructor(bootstrap: readonly string[], settings: Settings) {
    this.settings = settings;
    this.#bootstrap = bootstrap;
    this.connections = new Connections(settings.clock);
    this.metadata = new MetadataCache({
      clock: settings.clock,
      maxAgeMs: settings.metadataMaxAgeMs,
      fetch: (request) => this.askAny((broker, options) => broker.metadata(request, options)),
      onBrokers: (before, after) => this.#onBrokers(before, after),
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  backoff(): Backoff {
    const { retryBackoffMs, retryBackoffMaxMs, random } = this.settings;
    return new Backoff({ initialMs: retryBackoffMs, maxMs: retryBackoffMaxMs, random });
  }

  /** Reaches some broker, trying until the connect timeout. */
  async connect(signal?: AbortSignal): Promise<void> {
    const { clock, connectTimeoutMs } = this.settings;
    const deadline = clock.now() + connectTimeoutMs;
    const backoff = this.backoff();
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await this.metadata.refresh([]);
      } catch (error) {
        const delayMs = backoff.next();
        if (!toOttlaError(error).retriable || clock.now() + delayMs > deadline) throw error;
        await clock.sleep(delayMs, signal);
      }
    }
  }

  broker(id: number): DoorClient {
    const info = this.metadata.brokers.get(id);
    if (info === undefined)
      throw new OttlaError('BROKER_NOT_AVAILABLE', `broker ${id} is not registered at the moment`);
    return this.connections.to(info.address);
  }

  /**
   * Asks the brokers one after the other, in an order drawn at random, until one answers. Only for requests that may
   * be carried out twice.
   */
  async askAny<T>(
    ask: (broker: DoorClient, options: CallOptions) => Promise<T>,
    { signal }: RequestOptions = {},
  ): Promise<T> {
    const failures: OttlaError[] = [];
    for (const address of this.#addresses()) {
      signal?.throwIfAborted();
      this.#checkOpen();
      try {
        return await ask(this.connections.to(address), { timeoutMs: this.#attemptTimeoutMs(), signal });
      } catch (thrown) {
        signal?.throwIfAborted();
        const error = toOttlaError(thrown);
        if (!isUnreachable(error)) throw error;
        failures.push(error);
      }
    }
    throw nobodyAnswered(failures);
  }

  /** A broker that answers just now, for a request that mustn't be carried out twice. */
  async reachable(options: RequestOptions = {}): Promise<DoorClient> {
    const nothing: door.MetadataRequest = { topics: [], allTopics: false, allowAutoTopicCreation: false };
    return this.askAny(async (broker, call) => {
      await broker.metadata(nothing, call);
      return broker;
    }, options);
  }

  close(): void {
    this.#closed = true;
    this.connections.close();
  }

  #addresses(): string[] {
    const known = shuffled([...this.metadata.brokers.values()], (bound) => this.settings.random.below(bound));
    return [...new Set([...known.map(({ address }) => address), ...this.#bootstrap])];
  }

  /** A broker that is there and doesn't answer mustn't use up the time of the others. */
  #attemptTimeoutMs(): number {
    return Math.min(this.settings.requestTimeoutMs, this.settings.connectTimeoutMs);
  }

  /** A broker that isn't told of may be registering again; only one that moved has left its address for good. */
  #onBrokers(before: ReadonlyMap<number, BrokerInfo>, after: ReadonlyMap<number, BrokerInfo>): void {
    const inUse = new Set([...this.#bootstrap, ...[...after.values()].map(({ address }) => address)]);
    for (const { id, address } of before.values()) {
      if (after.has(id) && !inUse.has(address)) this.connections.drop(address);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new OttlaError('NETWORK_EXCEPTION', 'the client is closed');
  }
}

function isUnreachable({ code }: OttlaError): boolean {
  return code === 'NETWORK_EXCEPTION' || code === 'REQUEST_TIMED_OUT' || code === 'BROKER_NOT_AVAILABLE';
}

function nobodyAnswered(failures: readonly OttlaError[]): OttlaError {
  const reasons = failures.map(({ message }) => message).join('; ');
  const message = `no broker could be reached (${reasons}): check that the cluster is up and the addresses are right`;
  return new OttlaError('NETWORK_EXCEPTION', message, { cause: failures[0] });
}

function shuffled<T>(items: T[], below: (bound: number) => number): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
