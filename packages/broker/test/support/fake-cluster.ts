import type {
  AskedElection,
  CreatedTopic,
  CreatePartitionsRequest,
  CreateTopicRequest,
  ReassignmentRequest,
  ReassignOptions,
  TopicPartition,
  TopicReference,
} from '@ottla/controller';
import {
  ALL_BROKERS,
  type BrokerRegistration,
  type ClusterImage,
  type TopicRecord,
  type Versioned,
} from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import type { BrokerServices, LocalPartition, Partitions } from '../../src/services';
import { MemoryPartition } from './memory-partition';

export const SELF = { broker: 1, run: 'run-1' };
const CLUSTER = 'test-cluster';

function versioned<T>(value: T): Versioned<T> {
  return { value, createRevision: 1, modRevision: 1 };
}

export function registration(broker: number, over: Partial<BrokerRegistration> = {}): BrokerRegistration {
  const host = `10.0.0.${broker}`;
  return {
    version: 1,
    broker,
    run: `run-${broker}`,
    logIds: [],
    state: 'active',
    rack: null,
    kafka: [{ listener: 'PLAINTEXT', host, port: 9090 + broker }],
    grpc: { host, port: 9190 + broker },
    peer: { host, port: 9290 + broker },
    startedAt: 0,
    ...over,
  };
}

export function topicIdOf(index: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
}

/** A cluster as one broker sees it: an image that a test changes, and this broker's partitions in memory. */
export class FakeCluster implements Partitions {
  readonly topics: Pick<BrokerServices['topics'], 'createTopic' | 'ensureTopic' | 'deleteTopic' | 'createPartitions'> =
    this.topicAdmin();
  readonly configs: BrokerServices['configs'] = this.configAdmin();
  readonly partitionAdmin: BrokerServices['partitionAdmin'] = this.partitionAdministration();
  readonly reassigned: { readonly requests: readonly ReassignmentRequest[]; readonly options: ReassignOptions }[] = [];
  readonly elections: { readonly kind: AskedElection; readonly partitions: readonly TopicPartition[] | null }[] = [];
  /** What happens to partitions that are reassigned or elect, by 'topic-partition'; the others succeed. */
  readonly partitionErrors = new Map<string, OttlaError>();
  readonly created: CreateTopicRequest[] = [];
  readonly deleted: TopicReference[] = [];
  readonly grown: CreatePartitionsRequest[] = [];
  /** What the next administration of a topic is refused with. */
  adminError: Error | null = null;
  image: ClusterImage;
  private readonly partitions = new Map<string, MemoryPartition>();
  private readonly imageListeners = new Set<(image: ClusterImage) => void>();
  private readonly roleListeners = new Set<(partition: LocalPartition) => void>();
  private topicCount = 0;

  constructor(brokers: readonly number[] = [SELF.broker]) {
    this.image = {
      clusterId: CLUSTER,
      revision: 1,
      generation: null,
      controller: versioned({ version: 1, broker: brokers[0]!, run: `run-${brokers[0]}`, epoch: 1 }),
      producerIds: null,
      brokers: new Map(brokers.map((broker) => [broker, versioned(registration(broker))])),
      topics: new Map(),
      topicNames: new Map(),
      partitions: new Map(),
      deletions: new Map(),
      configs: new Map(),
      unreadable: new Map(),
    };
  }

  get listenerCount(): number {
    return this.imageListeners.size;
  }

  onImageChange(listener: (image: ClusterImage) => void): () => void {
    this.imageListeners.add(listener);
    return () => this.imageListeners.delete(listener);
  }

  change(change: Partial<ClusterImage>): void {
    this.image = { ...this.image, ...change, revision: this.image.revision + 1 };
    for (const listener of [...this.imageListeners]) listener(this.image);
  }

  setBrokers(...brokers: BrokerRegistration[]): void {
    this.change({ brokers: new Map(brokers.map((value) => [value.broker, versioned(value)])) });
  }

  /** A topic, each of whose partitions is led by the broker at its place in `leaders`; null for none. */
  addTopic(
    name: string,
    leaders: readonly (number | null)[] = [SELF.broker],
    over: Partial<TopicRecord> = {},
  ): TopicRecord {
    this.topicCount += 1;
    const topicId = over.topicId ?? topicIdOf(this.topicCount);
    const record: TopicRecord = {
      version: 1,
      name,
      topicId,
      partitions: leaders.length,
      configs: {},
      internal: false,
      ...over,
    };
    this.change({
      topics: new Map(this.image.topics).set(name, versioned(record)),
      topicNames: new Map(this.image.topicNames).set(topicId, name),
      partitions: new Map(this.image.partitions).set(topicId, new Map()),
    });
    for (const [partition, leader] of leaders.entries()) this.setLeader(record, partition, leader);
    return record;
  }

  setLeader(topic: TopicRecord, partition: number, leader: number | null, leaderEpoch = 0): void {
    const replicas = [...this.image.brokers.keys()].slice(0, 3);
    const record: PartitionRecord = {
      version: 1,
      replicas,
      adding: [],
      removing: [],
      leader: leader === null ? null : { broker: leader, run: `run-${leader}` },
      leaderEpoch,
      isr: replicas.map((broker) => ({ broker, logId: `log-${broker}` })),
      elr: [],
      minIsr: 1,
      lastKnownLeader: null,
      unclean: false,
    };
    const partitions = new Map(this.image.partitions.get(topic.topicId)).set(partition, versioned(record));
    this.change({ partitions: new Map(this.image.partitions).set(topic.topicId, partitions) });
    if (leader === SELF.broker) this.open(topic, partition);
  }

  removeTopic(name: string): void {
    const topics = new Map(this.image.topics);
    const topicNames = new Map(this.image.topicNames);
    topicNames.delete(topics.get(name)!.value.topicId);
    topics.delete(name);
    this.change({ topics, topicNames });
  }

  get(topicId: string, partition: number): MemoryPartition | null {
    return this.partitions.get(`${topicId}/${partition}`) ?? null;
  }

  partition(name: string, partition = 0): MemoryPartition {
    return this.get(this.image.topics.get(name)!.value.topicId, partition)!;
  }

  all(): Iterable<LocalPartition> {
    return this.partitions.values();
  }

  *led(): Iterable<LocalPartition> {
    for (const partition of this.partitions.values()) if (partition.isLeader) yield partition;
  }

  onRoleChange(listener: (partition: LocalPartition) => void): () => void {
    this.roleListeners.add(listener);
    return () => this.roleListeners.delete(listener);
  }

  roleChanged(partition: LocalPartition): void {
    for (const listener of [...this.roleListeners]) listener(partition);
  }

  /** The settings of a broker, or of all. */
  setConfigs(broker: number | null, configs: Record<string, string>): void {
    const name = `brokers/${broker ?? ALL_BROKERS}`;
    this.change({ configs: new Map(this.image.configs).set(name, versioned({ version: 1, configs })) });
  }

  private partitionAdministration(): BrokerServices['partitionAdmin'] {
    const resultOf = ({ topic, partition }: TopicPartition) => {
      return { topic, partition, error: this.partitionErrors.get(`${topic}-${partition}`) ?? null };
    };
    return {
      reassign: async (requests, options) => {
        this.reassigned.push({ requests, options });
        return requests.map(resultOf);
      },
      elect: async (kind, partitions) => {
        this.elections.push({ kind, partitions });
        const all = [...this.image.topics.keys()].map((topic) => ({ topic, partition: 0 }));
        return (partitions ?? all).map(resultOf);
      },
    };
  }

  private configAdmin(): BrokerServices['configs'] {
    return {
      alterTopic: async (name, edit, { validateOnly }) => {
        const topic = this.image.topics.get(name)?.value;
        if (topic === undefined) throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', 'there is no such topic');
        const altered = { ...topic, configs: { ...edit(topic.configs) } };
        if (!validateOnly) this.change({ topics: new Map(this.image.topics).set(name, versioned(altered)) });
      },
      alterBrokers: async (broker, edit, { validateOnly }) => {
        const present = this.image.configs.get(`brokers/${broker ?? ALL_BROKERS}`)?.value.configs ?? {};
        const altered = edit(present);
        if (!validateOnly) this.setConfigs(broker, { ...altered });
      },
    };
  }

  private open(topic: TopicRecord, partition: number): void {
    const key = `${topic.topicId}/${partition}`;
    if (this.partitions.has(key)) return;
    const opened = new MemoryPartition(topic.name, topic.topicId, partition);
    this.partitions.set(key, opened);
    this.roleChanged(opened);
  }

  private topicAdmin() {
    const create = async (request: CreateTopicRequest): Promise<TopicRecord> => {
      if (this.adminError !== null) throw this.adminError;
      if (request.partitions > 100) throw new OttlaError('INVALID_PARTITIONS', 'too many for this fake');
      this.created.push(request);
      const count = request.assignments?.size ?? (request.partitions < 0 ? 1 : request.partitions);
      const over = { configs: { ...request.configs }, internal: request.internal ?? false };
      return this.addTopic(request.name, Array<number>(count).fill(SELF.broker), over);
    };
    return {
      createTopic: async (request: CreateTopicRequest): Promise<CreatedTopic> => {
        if (this.image.topics.has(request.name)) throw new OttlaError('TOPIC_ALREADY_EXISTS', 'it exists');
        return { topic: await create(request), replicationFactor: Math.max(request.replicationFactor, 1) };
      },
      ensureTopic: async (request: CreateTopicRequest): Promise<TopicRecord> =>
        this.image.topics.get(request.name)?.value ?? create(request),
      deleteTopic: async (reference: TopicReference): Promise<TopicRecord> => {
        if (this.adminError !== null) throw this.adminError;
        this.deleted.push(reference);
        const name = 'name' in reference ? reference.name : (this.image.topicNames.get(reference.topicId) ?? '');
        const topic = this.image.topics.get(name);
        if (topic === undefined) throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', 'there is no such topic');
        this.removeTopic(name);
        return topic.value;
      },
      createPartitions: async (request: CreatePartitionsRequest): Promise<TopicRecord> => {
        if (this.adminError !== null) throw this.adminError;
        this.grown.push(request);
        const topic = this.image.topics.get(request.name);
        if (topic === undefined) throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', 'there is no such topic');
        return topic.value;
      },
    };
  }
}
