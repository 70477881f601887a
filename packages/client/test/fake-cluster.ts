import { type AnyApi, encodeResponse, OttlaError, readRequest } from '@ottla/protocol';
import {
  createGrpcServer,
  type DoorCall,
  type DoorHandlers,
  type door,
  type FetchedRecords,
  type FetchRead,
  type GrpcServer,
  type Produced,
  serveDoor,
} from '@ottla/rpc';
import { nodeClock, silentLogger } from '@ottla/runtime';
import { FakeLog } from './fake-log';

const HOST = '127.0.0.1';

interface FakePartition {
  readonly log: FakeLog;
  leader: number;
  epoch: number;
}

interface FakeTopic {
  readonly topicId: string;
  readonly partitions: FakePartition[];
  readonly configs: Record<string, string>;
}

interface FakeBroker {
  readonly id: number;
  server: GrpcServer | null;
  port: number;
}

/** What happens to a produce instead of, or after, its append. */
export type ProduceFault = (entry: door.ProduceEntry, append: () => Produced) => Promise<Produced>;

/** Brokers that serve the client door on real ports over logs in memory, and fail on demand. */
export class FakeCluster {
  readonly topics = new Map<string, FakeTopic>();
  readonly brokers = new Map<number, FakeBroker>();
  /** Taken one by one by the next produces. */
  readonly produceFaults: ProduceFault[] = [];
  readonly calls: string[] = [];
  autoCreate = false;
  /** What brokers tell in metadata lags behind by what is put here. */
  staleMetadata: ((topic: door.TopicMetadata) => door.TopicMetadata) | null = null;
  /** Answers requests of the Kafka protocol, by the name of their API; the responses' bodies. */
  readonly kafkaAnswers = new Map<string, (body: unknown, broker: number) => object>();
  #nextProducerId = 1_000;

  static async start(brokers = 1): Promise<FakeCluster> {
    const cluster = new FakeCluster();
    for (let id = 1; id <= brokers; id++) await cluster.startBroker(id);
    return cluster;
  }

  get bootstrap(): string {
    return [...this.brokers.values()].map(({ port }) => `${HOST}:${port}`).join(',');
  }

  createTopic(name: string, partitions = 1, configs: Record<string, string> = {}): FakePartition[] {
    const ids = [...this.brokers.keys()];
    const created = Array.from({ length: partitions }, (_, number) => ({
      log: new FakeLog(),
      leader: ids[number % ids.length]!,
      epoch: 0,
    }));
    this.topics.set(name, { topicId: `id-of-${name}`, partitions: created, configs });
    return created;
  }

  moveLeader(topic: string, partition: number, leader: number): void {
    const moved = this.#partition(topic, partition);
    moved.leader = leader;
    moved.epoch += 1;
    moved.log.wake();
  }

  async startBroker(id: number): Promise<void> {
    const broker = this.brokers.get(id) ?? { id, server: null, port: 0 };
    const server = createGrpcServer({ clock: nodeClock, logger: silentLogger });
    serveDoor(server, this.#handlers(id), { clock: nodeClock });
    broker.port = (await server.listen({ host: HOST, port: broker.port })).port;
    broker.server = server;
    this.brokers.set(id, broker);
  }

  /** Cuts the broker's connections and stops it. */
  async killBroker(id: number): Promise<void> {
    const broker = this.brokers.get(id)!;
    await broker.server?.close();
    broker.server = null;
  }

  async close(): Promise<void> {
    for (const { log } of [...this.topics.values()].flatMap(({ partitions }) => partitions)) log.wake();
    await Promise.all([...this.brokers.keys()].map((id) => this.killBroker(id)));
  }

  #partition(topic: string, partition: number): FakePartition {
    const found = this.topics.get(topic)?.partitions[partition];
    if (found === undefined) throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no ${topic}-${partition}`);
    return found;
  }

  #led(id: number, topic: string, partition: number): FakePartition {
    const found = this.#partition(topic, partition);
    if (found.leader !== id)
      throw new OttlaError('NOT_LEADER_OR_FOLLOWER', `broker ${id} doesn't lead ${topic}-${partition}`);
    return found;
  }

  #handlers(id: number): DoorHandlers {
    const counted = <T>(name: string, result: T): T => {
      this.calls.push(name);
      return result;
    };
    return {
      metadata: async (request) => counted('metadata', this.#metadata(request)),
      initProducerId: async () => counted('initProducerId', { producerId: this.#nextProducerId++, producerEpoch: 0 }),
      produce: (entry) => this.#produce(id, entry),
      fetch: (read, call) => this.#fetch(id, read, call),
      currentLeader: (topic, partition) => {
        const found = this.topics.get(topic)?.partitions[partition];
        return found === undefined ? null : { leader: found.leader, leaderEpoch: found.epoch };
      },
      listOffsets: async (request) => ({ results: request.entries.map((entry) => this.#listOffset(id, entry)) }),
      createTopics: async ({ topics, validateOnly }) => ({
        topics: topics.map((topic) => this.#create(topic, validateOnly)),
      }),
      deleteTopics: async ({ names }) => ({ topics: names.map((name) => this.#delete(name)) }),
      createPartitions: async () => ({ topics: [] }),
      describeReplicas: async ({ topics }) => ({
        broker: id,
        replicas: topics.flatMap((name) => this.#replicas(id, name)),
      }),
      kafka: async ({ frame }) => ({ frame: this.#kafka(id, frame) }),
      describeCluster: async () => ({ clusterId: 'fake', controllerId: 1, controllerEpoch: 4, brokers: [] }),
    };
  }

  #kafka(id: number, frame: Uint8Array): Uint8Array {
    const { api, header, body } = readRequest(frame);
    this.calls.push(api.name);
    const answer = this.kafkaAnswers.get(api.name);
    if (answer === undefined) throw new OttlaError('UNSUPPORTED_VERSION', `this broker doesn't serve ${api.name}`);
    const response = answer(body, id) as never;
    const { chunks } = encodeResponse(api as AnyApi, header.apiVersion, header.correlationId, response);
    return Buffer.concat(chunks as Uint8Array[]).subarray(4);
  }

  #metadata({ topics, allTopics, allowAutoTopicCreation }: door.MetadataRequest): door.MetadataResponse {
    const names = allTopics ? [...this.topics.keys()] : topics;
    if (allowAutoTopicCreation && this.autoCreate) {
      for (const name of names) if (!this.topics.has(name)) this.createTopic(name);
    }
    const up = [...this.brokers.values()].filter(({ server }) => server !== null);
    return {
      clusterId: 'fake',
      controllerId: 1,
      brokers: up.map(({ id, port }) => ({ id, host: HOST, port, rack: '' })),
      topics: names.map((name) => this.#topicMetadata(name)).map((topic) => this.staleMetadata?.(topic) ?? topic),
    };
  }

  #topicMetadata(name: string): door.TopicMetadata {
    const topic = this.topics.get(name);
    const base = {
      name,
      topicId: topic?.topicId ?? '',
      internal: name.startsWith('__'),
      configs: topic?.configs ?? {},
    };
    if (topic === undefined)
      return { ...base, errorCode: 3, errorMessage: `topic ${name} doesn't exist`, partitions: [] };
    const replicas = [...this.brokers.keys()];
    const partitions = topic.partitions.map(({ leader, epoch }, partition) => {
      const up = this.brokers.get(leader)?.server !== null && leader >= 0;
      return {
        errorCode: 0,
        partition,
        leader: up ? leader : -1,
        leaderEpoch: epoch,
        replicas,
        isr: replicas,
        elr: [],
        offlineReplicas: replicas.filter((id) => this.brokers.get(id)?.server === null),
      };
    });
    return { ...base, errorCode: 0, errorMessage: '', partitions };
  }

  async #produce(id: number, entry: door.ProduceEntry): Promise<Produced> {
    this.calls.push('produce');
    const append = (): Produced => {
      const { log, epoch } = this.#led(id, entry.topic, entry.partition);
      return { baseOffset: log.append(entry.records, epoch), logStartOffset: log.logStart };
    };
    const fault = this.produceFaults.shift();
    return fault === undefined ? append() : fault(entry, append);
  }

  async #fetch(id: number, read: FetchRead, { signal }: DoorCall): Promise<FetchedRecords> {
    this.calls.push('fetch');
    for (;;) {
      const { log } = this.#led(id, read.topic, read.partition);
      const chunks = log.read(read.offset, read.maxBytes);
      const { highWatermark, logStart } = log;
      if (chunks.length > 0 || read.maxWaitMs === 0 || signal.aborted) {
        return { chunks, highWatermark, lastStableOffset: highWatermark, logStartOffset: logStart };
      }
      await log.changed(signal);
    }
  }

  #listOffset(id: number, { topic, partition, timestamp }: door.ListOffsetsEntry): door.ListOffsetsResult {
    const none = { topic, partition, errorCode: 0, errorMessage: '', timestamp: -1, leaderEpoch: 0 };
    try {
      const { log } = this.#led(id, topic, partition);
      if (timestamp === -1) return { ...none, offset: log.highWatermark };
      return { ...none, offset: timestamp === -2 ? log.logStart : -1 };
    } catch (error) {
      const { errorCode, message } = error as OttlaError;
      return { ...none, errorCode, errorMessage: message, offset: -1 };
    }
  }

  #create(topic: door.NewTopic, validateOnly: boolean): door.TopicResult {
    const { name, partitions, configs } = topic;
    const failed = { name, topicId: '', partitions: 0, replicationFactor: 0 };
    if (this.topics.has(name)) return { ...failed, errorCode: 36, errorMessage: `topic ${name} exists` };
    if (!validateOnly) this.createTopic(name, Math.max(1, partitions), configs);
    return { name, topicId: `id-of-${name}`, errorCode: 0, errorMessage: '', partitions, replicationFactor: 1 };
  }

  #delete(name: string): door.TopicResult {
    const result = { name, topicId: '', partitions: 0, replicationFactor: 0 };
    if (this.topics.delete(name)) return { ...result, errorCode: 0, errorMessage: '' };
    return { ...result, errorCode: 3, errorMessage: '' };
  }

  #replicas(id: number, name: string): door.ReplicaState[] {
    const topic = this.topics.get(name)!;
    return topic.partitions.map(({ log, leader, epoch }, partition) => ({
      topic: name,
      topicId: topic.topicId,
      partition,
      isLeader: leader === id,
      leaderEpoch: epoch,
      logStartOffset: log.logStart,
      logEndOffset: log.logEnd,
      highWatermark: log.highWatermark,
      followers:
        leader === id ? [...this.brokers.keys()].map((broker) => ({ broker, logEndOffset: 7, inIsr: true })) : [],
    }));
  }
}
