import { type AnyApi, errorName, type InputOf, type MessageOf, OttlaError } from '@ottla/protocol';
import type { CallOptions, DoorClient, door } from '@ottla/rpc';
import type { Cluster, RequestOptions } from '../cluster/cluster';
import { listOffset, type OffsetQuery } from '../cluster/list-offsets';
import { type TopicInfo, topicInfo } from '../cluster/topic-info';
import { type ClusterDescription, clusterDescription } from './cluster-description';
import {
  alterConfigs,
  brokerOf,
  type ConfigChange,
  type ConfigDescription,
  type ConfigResource,
  describeConfigs,
} from './configs';
import { type AskKafka, requestFrame, responseBody } from './kafka-request';
import {
  type AskedAssignment,
  type ElectionKind,
  electLeaders,
  listReassignments,
  type PartitionResult,
  type Reassignment,
  reassign,
  type TopicPartition,
} from './partitions';
import {
  type DeletedRecords,
  deleteRecords,
  describeLogDirs,
  describeProducers,
  type LogDirDescription,
  type ProducerDescription,
  type RecordDeletion,
} from './replicas';
import { describeTopic, type TopicDescription } from './topic-description';

export interface NewTopic {
  readonly name: string;
  /** Default: the broker's `num.partitions`. */
  readonly partitions?: number;
  /** Default: the broker's `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** The replicas of each partition, preferred leader first; instead of `partitions` and `replicationFactor`. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

export interface CreateTopicOptions extends RequestOptions {
  /** How long the brokers may take until all of them know the topic, in ms. Default 30,000. */
  readonly timeoutMs?: number;
  /** Check only, create nothing. */
  readonly validateOnly?: boolean;
}

export interface CreatePartitionsOptions extends CreateTopicOptions {
  /** The replicas of each new partition, preferred leader first. Default: the cluster chooses. */
  readonly assignments?: readonly (readonly number[])[];
}

export interface CreatedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: number;
  readonly replicationFactor: number;
}

export interface TopicOptions extends RequestOptions {
  readonly timeoutMs?: number;
}

export interface KafkaRequestOptions extends TopicOptions {
  /** Default: any. */
  readonly broker?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** How much longer than the broker the client waits. */
const GRACE_MS = 5_000;

/** Topics and the state of the cluster. Failures are OttlaErrors. */
export class Admin {
  readonly #cluster: Cluster;

  /** Made by `ClusterClient`. */
  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Rejects with TOPIC_ALREADY_EXISTS, INVALID_REPLICATION_FACTOR, INVALID_CONFIG and the like. */
  async createTopic(topic: NewTopic, options: CreateTopicOptions = {}): Promise<CreatedTopic> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, validateOnly = false } = options;
    const request = { topics: [newTopic(topic)], timeoutMs, validateOnly };
    const { topics } = await this.#once(options, timeoutMs, (broker, call) => broker.createTopics(request, call));
    const { name, topicId, partitions, replicationFactor } = single(topics);
    return { name, topicId, partitions, replicationFactor };
  }

  /** Rejects with UNKNOWN_TOPIC_OR_PARTITION and the like. */
  async deleteTopic(name: string, options: TopicOptions = {}): Promise<void> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const request = { names: [name], timeoutMs };
    const { topics } = await this.#once(options, timeoutMs, (broker, call) => broker.deleteTopics(request, call));
    single(topics);
  }

  /** Adds partitions until the topic has `count`. Rejects with INVALID_PARTITIONS and the like. */
  async createPartitions(name: string, count: number, options: CreatePartitionsOptions = {}): Promise<void> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, validateOnly = false, assignments = [] } = options;
    const brokers = assignments.map((ids, partition) => ({ partition, brokers: [...ids] }));
    const request = { topics: [{ name, count, assignments: brokers }], timeoutMs, validateOnly };
    const { topics } = await this.#once(options, timeoutMs, (broker, call) => broker.createPartitions(request, call));
    single(topics);
  }

  /** All topics in the order of their names, those of the brokers' own use only if asked for. */
  async listTopics(options: RequestOptions & { readonly internal?: boolean } = {}): Promise<TopicInfo[]> {
    const request = { topics: [], allTopics: true, allowAutoTopicCreation: false };
    const { topics } = await this.#any(options, (broker, call) => broker.metadata(request, call));
    return topics
      .filter(({ errorCode, internal }) => errorCode === 0 && (options.internal || !internal))
      .map(topicInfo)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** A topic with each replica's offsets, as the broker that holds it tells them. */
  async describeTopic(name: string, options: RequestOptions = {}): Promise<TopicDescription> {
    const request = { topics: [name], allTopics: false, allowAutoTopicCreation: false };
    const { topics, brokers } = await this.#any(options, (broker, call) => broker.metadata(request, call));
    const told = topics.find((topic) => topic.name === name);
    if (told === undefined || told.errorCode !== 0) throw topicError(name, told);
    const info = topicInfo(told);
    const holders = new Set(info.partitions.flatMap(({ replicas }) => replicas));
    const ids = brokers.map(({ id }) => id).filter((id) => holders.has(id));
    await this.#cluster.metadata.refresh([name]);
    return describeTopic(info, await Promise.all(ids.map((id) => this.#replicasOn(id, name, options))));
  }

  async describeCluster(options: RequestOptions = {}): Promise<ClusterDescription> {
    return clusterDescription(await this.#any(options, (broker, call) => broker.describeCluster({}, call)));
  }

  /**
   * Begins reassignments, or with null for the replicas cancels them. Results in the order asked for; how far they are
   * is told by `listReassignments` and `describeTopic`.
   */
  reassign(asked: readonly AskedAssignment[], options: TopicOptions = {}): Promise<PartitionResult[]> {
    return reassign(this.#ask(options), asked, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }

  /** The reassignments under way, in the order of topics and partitions. */
  listReassignments(options: RequestOptions = {}): Promise<Reassignment[]> {
    return listReassignments(this.#ask(options));
  }

  /**
   * Elects the preferred leaders, or with `unclean` anyone for partitions without a leader, which may lose records. With
   * null for the partitions wherever it's needed; results are then of those only.
   */
  electLeaders(
    kind: ElectionKind,
    partitions: readonly TopicPartition[] | null,
    options: TopicOptions = {},
  ): Promise<PartitionResult[]> {
    return electLeaders(this.#ask(options), kind, partitions, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }

  /** Effective values and where they are from. Of all brokers: what was changed for all of them while they run. */
  describeConfigs(resource: ConfigResource, options: TopicOptions = {}): Promise<ConfigDescription[]> {
    return describeConfigs(this.#askOf(brokerOf(resource), options), resource);
  }

  /**
   * Changes overrides of a topic or of brokers while they run: all of them or, when one is refused, none. Rejects with
   * INVALID_CONFIG, INVALID_REQUEST for what can't be changed, UNKNOWN_TOPIC_OR_PARTITION and the like.
   */
  alterConfigs(
    resource: ConfigResource,
    changes: readonly ConfigChange[],
    options: CreateTopicOptions = {},
  ): Promise<void> {
    return alterConfigs(this.#ask(options), resource, changes, options.validateOnly ?? false);
  }

  /** The data directories of one broker, or of all that are up. */
  async describeLogDirs(options: KafkaRequestOptions = {}): Promise<LogDirDescription[]> {
    const { broker, ...rest } = options;
    const ids = broker === undefined ? (await this.describeCluster(rest)).brokers.map(({ id }) => id) : [broker];
    return (await Promise.all(ids.map((id) => describeLogDirs(this.#askOf(id, rest), id)))).flat();
  }

  /** The idempotent producers of a partition, as its leader knows them, or the broker given. */
  async describeProducers(of: TopicPartition, options: KafkaRequestOptions = {}): Promise<ProducerDescription[]> {
    const broker = options.broker ?? (await this.#leaderOf(of));
    return describeProducers(this.#askOf(broker, options), of);
  }

  /**
   * Deletes the records of a partition before an offset; resolves when no replica in sync has them any more. Rejects with
   * OFFSET_OUT_OF_RANGE, POLICY_VIOLATION for a topic that is compacted only, REQUEST_TIMED_OUT and the like.
   */
  async deleteRecords(deletion: RecordDeletion, options: TopicOptions = {}): Promise<DeletedRecords> {
    const ask = this.#askOf(await this.#leaderOf(deletion), options);
    return deleteRecords(ask, deletion, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }

  /**
   * Puts any request of the Kafka protocol but Produce and Fetch, in the newest version: to the broker given, or to one
   * that answers just now. Errors within the response are the caller's to look at.
   */
  async kafka<A extends AnyApi>(
    api: A,
    body: InputOf<A['request']>,
    options: KafkaRequestOptions = {},
  ): Promise<MessageOf<A['response']>> {
    const { broker, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const frame = requestFrame(api, body);
    const answer =
      broker === undefined
        ? await this.#once(options, timeoutMs, (door, call) => door.kafka({ frame }, call))
        : await this.#cluster
            .broker(broker)
            .kafka({ frame }, { timeoutMs: timeoutMs + GRACE_MS, signal: options.signal });
    return responseBody(api, answer.frame);
  }

  /** The offset asked for; null when no record has such a timestamp. */
  async listOffset(query: OffsetQuery, { signal }: RequestOptions = {}): Promise<number | null> {
    await this.#cluster.metadata.topic(query.topic);
    return listOffset(this.#cluster, query, signal);
  }

  #ask(options: TopicOptions): AskKafka {
    return this.#askOf(undefined, options);
  }

  #askOf(broker: number | undefined, options: TopicOptions): AskKafka {
    return (api, body) => this.kafka(api, body, { ...options, broker });
  }

  /** As the cluster says now. */
  async #leaderOf({ topic, partition }: TopicPartition): Promise<number> {
    const { metadata } = this.#cluster;
    await metadata.refresh([topic]);
    const { partitions } = await metadata.topic(topic);
    if (partitions[partition] === undefined) {
      const known = `topic ${topic} has partitions 0 to ${partitions.length - 1}`;
      throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `${known}, there is no ${partition}`);
    }
    const leader = metadata.leader(topic, partition);
    if (leader !== null) return leader.broker.id;
    throw new OttlaError('LEADER_NOT_AVAILABLE', `${topic}-${partition} has no leader now: try again later`);
  }

  /** Nothing when the broker can't be reached: its replicas are described without offsets. */
  async #replicasOn(
    id: number,
    topic: string,
    { signal }: RequestOptions,
  ): Promise<door.DescribeReplicasResponse | null> {
    try {
      const timeoutMs = this.#cluster.settings.connectTimeoutMs;
      return await this.#cluster.broker(id).describeReplicas({ topics: [topic] }, { timeoutMs, signal });
    } catch {
      signal?.throwIfAborted();
      return null;
    }
  }

  #any<T>(options: RequestOptions, ask: (broker: DoorClient, call: CallOptions) => Promise<T>): Promise<T> {
    return this.#cluster.askAny(ask, options);
  }

  /** For what mustn't be carried out twice: one broker that answers just now is asked, once. */
  async #once<T>(
    { signal }: RequestOptions,
    timeoutMs: number,
    ask: (broker: DoorClient, call: CallOptions) => Promise<T>,
  ): Promise<T> {
    const broker = await this.#cluster.reachable({ signal });
    return ask(broker, { timeoutMs: timeoutMs + GRACE_MS, signal });
  }
}

function newTopic({ name, partitions, replicationFactor, assignments = [], configs = {} }: NewTopic): door.NewTopic {
  return {
    name,
    partitions: partitions ?? -1,
    replicationFactor: replicationFactor ?? -1,
    assignments: assignments.map((brokers, partition) => ({ partition, brokers: [...brokers] })),
    configs: { ...configs },
  };
}

function single(results: readonly door.TopicResult[]): door.TopicResult {
  const [result] = results;
  if (result === undefined) throw new OttlaError('UNKNOWN_SERVER_ERROR', 'the broker answered nothing about the topic');
  if (result.errorCode !== 0) throw topicError(result.name, result);
  return result;
}

function topicError(name: string, told: Pick<door.TopicResult, 'errorCode' | 'errorMessage'> | undefined): OttlaError {
  const code = told === undefined ? 'UNKNOWN_TOPIC_OR_PARTITION' : errorName(told.errorCode);
  if (code === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new OttlaError(code, told?.errorMessage || `topic ${name} doesn't exist: create it, or check its name`);
  }
  return new OttlaError(code, told?.errorMessage || `topic ${name}: ${code}`);
}
