import { errorName, OttlaError } from '@ottla/protocol';
import { type door, formatAddress } from '@ottla/rpc';
import type { Clock } from '@ottla/runtime';
import { newerOf, type PartitionInfo, type TopicInfo, topicInfo } from './topic-info';

export interface BrokerInfo {
  readonly id: number;
  /** host:port */
  readonly address: string;
  readonly rack: string | null;
}

export interface MetadataOptions {
  readonly clock: Clock;
  readonly maxAgeMs: number;
  /** Asks some broker. */
  fetch(request: door.MetadataRequest): Promise<door.MetadataResponse>;
  /** The brokers as they were known, and as they are told now. */
  onBrokers(before: ReadonlyMap<number, BrokerInfo>, after: ReadonlyMap<number, BrokerInfo>): void;
}

interface KnownTopic {
  readonly info: TopicInfo;
  readonly at: number;
}

interface Refresh {
  readonly topics: Set<string>;
  autoCreate: boolean;
  promise: Promise<void> | null;
}

/** What the client knows of the cluster: the brokers, and the topics that it was asked about. */
export class MetadataCache {
  readonly #options: MetadataOptions;
  readonly #topics = new Map<string, KnownTopic>();
  readonly #failures = new Map<string, OttlaError>();
  #brokers: ReadonlyMap<number, BrokerInfo> = new Map();
  #next = newRefresh();
  #running: Promise<void> | null = null;
  clusterId = '';
  /** -1 when there is none. */
  controllerId = -1;

  constructor(options: MetadataOptions) {
    this.#options = options;
  }

  get brokers(): ReadonlyMap<number, BrokerInfo> {
    return this.#brokers;
  }

  /** What is known of the topic, however old; undefined when nothing is. */
  known(topic: string): TopicInfo | undefined {
    return this.#topics.get(topic)?.info;
  }

  /** The partition's leader; null when none is known, or its broker isn't. */
  leader(topic: string, partition: number): { broker: BrokerInfo; leaderEpoch: number } | null {
    const info = this.known(topic)?.partitions[partition];
    const broker = info === undefined ? undefined : this.#brokers.get(info.leader);
    return broker === undefined ? null : { broker, leaderEpoch: info!.leaderEpoch };
  }

  /** The topic, asked for if what is known is too old. Throws UNKNOWN_TOPIC_OR_PARTITION and the like. */
  async topic(name: string, options: { autoCreate?: boolean } = {}): Promise<TopicInfo> {
    const known = this.#topics.get(name);
    if (known !== undefined && this.#options.clock.now() - known.at < this.#options.maxAgeMs) return known.info;
    await this.refresh([name], options);
    const info = this.known(name);
    if (info === undefined) throw this.#failures.get(name) ?? noSuchTopic(name);
    return info;
  }

  /** Asks for topics; requests made while one is under way go together in the next. */
  refresh(topics: Iterable<string>, { autoCreate = false } = {}): Promise<void> {
    const next = this.#next;
    for (const topic of topics) next.topics.add(topic);
    next.autoCreate ||= autoCreate;
    next.promise ??= this.#runAfter(this.#running, next);
    return next.promise;
  }

  async #runAfter(running: Promise<void> | null, refresh: Refresh): Promise<void> {
    await running?.catch(() => {});
    if (this.#next === refresh) this.#next = newRefresh();
    this.#running = this.#run(refresh);
    return this.#running;
  }

  /** Takes the leader that a broker named in its refusal; false when that is no news. */
  takeHint(topic: string, partition: number, { leader, leaderEpoch }: door.CurrentLeader): boolean {
    const known = this.#topics.get(topic);
    const before = known?.info.partitions[partition];
    if (known === undefined || before === undefined || leaderEpoch <= before.leaderEpoch) return false;
    if (!this.#brokers.has(leader)) return false;
    const partitions: PartitionInfo[] = [...known.info.partitions];
    partitions[partition] = { ...before, leader, leaderEpoch };
    this.#topics.set(topic, { info: { ...known.info, partitions }, at: known.at });
    return true;
  }

  async #run({ topics, autoCreate }: Refresh): Promise<void> {
    const request = { topics: [...topics], allTopics: false, allowAutoTopicCreation: autoCreate };
    this.#take(await this.#options.fetch(request));
  }

  #take(response: door.MetadataResponse): void {
    this.clusterId = response.clusterId;
    this.controllerId = response.controllerId;
    const before = this.#brokers;
    this.#brokers = new Map(response.brokers.map((broker) => [broker.id, brokerInfo(broker)]));
    this.#options.onBrokers(before, this.#brokers);
    for (const topic of response.topics) this.#takeTopic(topic);
  }

  #takeTopic(topic: door.TopicMetadata): void {
    const { name, errorCode, errorMessage } = topic;
    if (errorCode === 0) {
      this.#failures.delete(name);
      this.#topics.set(name, { info: newerOf(this.known(name), topicInfo(topic)), at: this.#options.clock.now() });
      return;
    }
    const code = errorName(errorCode);
    this.#failures.set(name, new OttlaError(code, errorMessage || `topic ${name}: ${code}`));
    // A topic that a broker doesn't know may have been deleted; other errors say nothing about it.
    if (code === 'UNKNOWN_TOPIC_OR_PARTITION') this.#topics.delete(name);
  }
}

function newRefresh(): Refresh {
  return { topics: new Set(), autoCreate: false, promise: null };
}

function brokerInfo({ id, host, port, rack }: door.BrokerAddress): BrokerInfo {
  return { id, address: formatAddress({ host, port }), rack: rack === '' ? null : rack };
}

function noSuchTopic(name: string): OttlaError {
  return new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `topic ${name} doesn't exist: create it, or check its name`);
}
