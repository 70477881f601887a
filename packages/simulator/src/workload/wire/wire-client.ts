import {
  type AnyApi,
  apis,
  ErrorCode,
  errorName,
  type InputOf,
  type MessageOf,
  OttlaError,
  toOttlaError,
} from '@ottla/protocol';
import type { Clock, Random, TcpNetwork } from '@ottla/runtime';
import { WireConnection } from './wire-connection';

export interface WireClientOptions {
  readonly name: string;
  readonly network: TcpNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly bootstrap: readonly Address[];
  readonly requestTimeoutMs: number;
  /**
   * Asks the broker that it talked to last before any other, so that it stays with a leader that only it can reach.
   */
  readonly sticky: boolean;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface PartitionView {
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface TopicView {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly PartitionView[];
}

const CONNECT_TIMEOUT_MS = 400;
const METADATA_VERSION = 12;
/** Least time between two requests for metadata, in ms. */
const REFRESH_PAUSE_MS = 20;

/** A small, honest Kafka client: connections by broker, metadata, and requests to leaders and coordinators. */
export class WireClient {
  readonly name: string;
  private readonly connections = new Map<string, WireConnection>();
  private readonly opening = new Map<string, Promise<WireConnection>>();
  private readonly brokers = new Map<number, Address>();
  private readonly topics = new Map<string, TopicView>();
  private readonly missing = new Set<string>();
  private refreshing: Promise<void> | null = null;
  private refreshedAt = Number.NEGATIVE_INFINITY;
  private last: Address | null = null;

  constructor(private readonly options: WireClientOptions) {
    this.name = options.name;
  }

  get clock(): Clock {
    return this.options.clock;
  }

  topic(name: string): TopicView | null {
    return this.topics.get(name) ?? null;
  }

  /** Whether the last metadata that was asked for said that there is no such topic. */
  isMissing(name: string): boolean {
    return this.missing.has(name);
  }

  leader(name: string, partition: number): PartitionView | null {
    const view = this.topics.get(name)?.partitions[partition];
    return view === undefined || view.leader < 0 ? null : view;
  }

  /** Asks for the metadata of some topics again. Fails silently: what was known stays known. */
  async refresh(...names: string[]): Promise<void> {
    if (this.refreshing !== null) return this.refreshing;
    this.refreshing = this.fetchMetadata(names).finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  /** Takes a hint from an answer (KIP-951). */
  noteLeader(name: string, partition: number, leader: number, leaderEpoch: number): void {
    const topic = this.topics.get(name);
    const known = topic?.partitions[partition];
    if (topic === undefined || known === undefined || leader < 0 || leaderEpoch <= known.leaderEpoch) return;
    const partitions = topic.partitions.map((view, index) => (index === partition ? { leader, leaderEpoch } : view));
    this.topics.set(name, { ...topic, partitions });
  }

  async ask<A extends AnyApi>(
    broker: number,
    api: A,
    version: number,
    body: InputOf<A['request']>,
    timeoutMs = this.options.requestTimeoutMs,
  ): Promise<MessageOf<A['response']>> {
    const connection = await this.connectionTo(this.addressOf(broker));
    return connection.ask(api, version, body, timeoutMs);
  }

  /** Sends in the order of the calls to `ready` connections; see `connect`. */
  askNow<A extends AnyApi>(
    broker: number,
    api: A,
    version: number,
    body: InputOf<A['request']>,
  ): Promise<MessageOf<A['response']>> {
    const connection = this.connections.get(keyOf(this.addressOf(broker)));
    if (connection === undefined || !connection.isOpen) {
      return Promise.reject(new OttlaError('NETWORK_EXCEPTION', `not connected to broker ${broker}`));
    }
    return connection.ask(api, version, body, this.options.requestTimeoutMs);
  }

  tell<A extends AnyApi>(broker: number, api: A, version: number, body: InputOf<A['request']>): void {
    const connection = this.connections.get(keyOf(this.addressOf(broker)));
    if (connection?.isOpen) connection.tell(api, version, body);
  }

  /** Resolves when there is a connection to the broker. */
  async connect(broker: number): Promise<void> {
    await this.connectionTo(this.addressOf(broker));
  }

  /** Asks one broker after the other until one answers without a retriable error of its own. */
  async askAny<A extends AnyApi>(
    api: A,
    version: number,
    body: InputOf<A['request']>,
  ): Promise<MessageOf<A['response']>> {
    let failure: OttlaError = new OttlaError('BROKER_NOT_AVAILABLE', 'no broker is known');
    for (const address of this.anyAddresses()) {
      try {
        const connection = await this.connectionTo(address);
        const answer = await connection.ask(api, version, body, this.options.requestTimeoutMs);
        this.last = address;
        return answer;
      } catch (error) {
        failure = toOttlaError(error);
      }
    }
    throw failure;
  }

  async coordinator(group: string): Promise<number> {
    const answer = await this.askAny(apis.FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: [group] });
    const found = answer.coordinators[0];
    if (found === undefined) throw new OttlaError('COORDINATOR_NOT_AVAILABLE', 'the answer names no coordinator');
    if (found.errorCode !== ErrorCode.NONE) throw new OttlaError(errorName(found.errorCode), 'no coordinator');
    this.brokers.set(found.nodeId, { host: found.host, port: found.port });
    return found.nodeId;
  }

  close(): void {
    for (const connection of this.connections.values()) connection.close();
    this.connections.clear();
  }

  private async fetchMetadata(names: readonly string[]): Promise<void> {
    const early = this.refreshedAt + REFRESH_PAUSE_MS - this.clock.now();
    if (early > 0) await this.clock.sleep(early);
    this.refreshedAt = this.clock.now();
    const wanted = [...new Set([...this.topics.keys(), ...names])];
    const topics = wanted.map((name) => ({ name }));
    try {
      const body = { topics, allowAutoTopicCreation: false };
      this.take(await this.askAny(apis.Metadata, METADATA_VERSION, body));
    } catch (error) {
      if (!(error instanceof OttlaError)) throw error;
    }
  }

  private take(answer: MessageOf<(typeof apis)['Metadata']['response']>): void {
    for (const { nodeId, host, port } of answer.brokers) this.brokers.set(nodeId, { host, port });
    for (const topic of answer.topics) {
      if (topic.name === null) continue;
      const known = this.topics.get(topic.name);
      if (topic.errorCode !== ErrorCode.NONE) {
        if (topic.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) this.forget(topic.name);
        continue;
      }
      const before = known?.topicId === topic.topicId ? known.partitions : [];
      const sorted = [...topic.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex);
      const partitions = sorted.map(({ partitionIndex, leaderId: leader, leaderEpoch }) => {
        const old = before[partitionIndex];
        return old !== undefined && old.leaderEpoch > leaderEpoch ? old : { leader, leaderEpoch };
      });
      this.missing.delete(topic.name);
      this.topics.set(topic.name, { name: topic.name, topicId: topic.topicId, partitions });
    }
  }

  private forget(name: string): void {
    this.topics.delete(name);
    this.missing.add(name);
  }

  private addressOf(broker: number): Address {
    const address = this.brokers.get(broker);
    if (address === undefined)
      throw new OttlaError('BROKER_NOT_AVAILABLE', `the address of broker ${broker} is unknown`);
    return address;
  }

  private anyAddresses(): Address[] {
    const { bootstrap, random, sticky } = this.options;
    const rotated = [...bootstrap];
    for (let last = rotated.length - 1; last > 0; last--) {
      const other = random.below(last + 1);
      [rotated[last], rotated[other]] = [rotated[other]!, rotated[last]!];
    }
    if (!sticky || this.last === null) return rotated;
    const { last } = this;
    return [last, ...rotated.filter((address) => keyOf(address) !== keyOf(last))];
  }

  private async connectionTo(address: Address): Promise<WireConnection> {
    const key = keyOf(address);
    const open = this.connections.get(key);
    if (open?.isOpen) return open;
    const under = this.opening.get(key);
    if (under !== undefined) return under;
    const opening = this.open(key, address).finally(() => this.opening.delete(key));
    this.opening.set(key, opening);
    return opening;
  }

  private async open(key: string, address: Address): Promise<WireConnection> {
    const { network, clock, name: id } = this.options;
    const connection = await WireConnection.open(network, address, { id, clock, timeoutMs: CONNECT_TIMEOUT_MS });
    this.connections.set(key, connection);
    return connection;
  }
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
