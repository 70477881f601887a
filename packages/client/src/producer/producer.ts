import { OttlaError, type RecordInput, toOttlaError } from '@ottla/protocol';
import { Deferred, withDeadline } from '@ottla/runtime';
import type { Cluster } from '../cluster/cluster';
import type { TopicInfo } from '../cluster/topic-info';
import type { ProducerRecord, ProducerSettings, RecordMetadata } from './options';
import { type PartitionContext, PartitionQueue } from './partition-queue';
import { partitionForKey, StickyPartition } from './partitioner';
import { type Delivered, type PendingBatch, type ProducerIdentity, recordBytes } from './pending-batch';
import { ProduceLink } from './produce-link';

interface TopicQueue {
  readonly name: string;
  readonly sticky: StickyPartition;
  readonly partitions: Map<number, PartitionQueue>;
  /** Records that came before the topic's partitions were known; null while they are known. */
  unplaced: { record: ProducerRecord; input: RecordInput; bytes: number; delivered: Delivered | null }[] | null;
  /** Resolves when the records that wait were placed, or refused. */
  placed: Promise<void>;
}

const textEncoder = new TextEncoder();

/**
 * Sends records in batches to the leaders of their partitions, again where that helps, until their delivery timeout.
 * Records of one partition are sent in the order in which they were given.
 */
export class Producer {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #context: PartitionContext;
  readonly #topics = new Map<string, TopicQueue>();
  readonly #links = new Map<string, ProduceLink>();
  readonly #pending = new Set<PendingBatch>();
  readonly #closing = new AbortController();
  readonly #onClosed: () => void;
  #identity: Promise<ProducerIdentity> | null = null;
  #bufferedBytes = 0;
  #roomWaiters: Deferred<void>[] = [];
  #unheard: OttlaError | null = null;
  #closed: Promise<void> | null = null;

  /** Made by `ClusterClient.producer`. */
  constructor(cluster: Cluster, settings: ProducerSettings, onClosed: () => void) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#onClosed = onClosed;
    this.#context = this.#partitionContext();
  }

  /** Bytes of records that wait for delivery, before compression. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Resolves when the record is delivered as `acks` asks for. Waits for room first when the buffer is full, at most for
   * the delivery timeout.
   */
  async send(record: ProducerRecord): Promise<RecordMetadata> {
    while (this.#bufferedBytes >= this.#settings.bufferMemory) await this.#room();
    const delivery = new Deferred<RecordMetadata>();
    this.#take(record, (error, metadata) => (error === null ? delivery.resolve(metadata!) : delivery.reject(error)));
    return delivery.promise;
  }

  /**
   * Takes a record without a promise of its own. When it answers with a promise the buffer is full: wait for it before
   * the next record. `delivered` is told how the record fared; a failure that nobody is told of rejects the next
   * `flush` or `close`. Throws THROTTLING_QUOTA_EXCEEDED when called on and on without waiting.
   */
  enqueue(record: ProducerRecord, delivered: Delivered | null = null): Promise<void> | null {
    if (this.#bufferedBytes >= 2 * this.#settings.bufferMemory) {
      const message = `${this.#bufferedBytes} bytes wait for delivery: wait for the promise that enqueue answers with`;
      throw new OttlaError('THROTTLING_QUOTA_EXCEEDED', message);
    }
    this.#take(record, delivered);
    return this.#bufferedBytes < this.#settings.bufferMemory ? null : this.#room();
  }

  /** Sends without lingering; resolves when every record taken so far has been delivered or has failed. */
  async flush(): Promise<void> {
    await this.#settleAll();
    const unheard = this.#unheard;
    this.#unheard = null;
    if (unheard !== null) throw unheard;
  }

  /** Takes no more records, delivers those taken within the delivery timeout, and disconnects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      this.#closing.abort(new OttlaError('NETWORK_EXCEPTION', 'the producer is closed'));
      for (const link of this.#links.values()) link.close();
      this.#onClosed();
    }
  }

  /** Gives up at once: what isn't delivered fails. */
  abandon(reason: OttlaError): void {
    this.#closing.abort(reason);
    for (const batch of [...this.#pending]) batch.fail(reason);
    for (const topic of this.#topics.values()) this.#failUnplaced(topic, reason);
    for (const link of this.#links.values()) link.close();
  }

  #take(record: ProducerRecord, delivered: Delivered | null): void {
    if (this.#closed !== null || this.#closing.signal.aborted) {
      throw new OttlaError('NETWORK_EXCEPTION', 'the producer is closed: records can no longer be sent');
    }
    const input = this.#input(record);
    const bytes = recordBytes(input);
    const topic = this.#topic(record.topic);
    this.#bufferedBytes += bytes;
    if (topic.unplaced !== null) topic.unplaced.push({ record, input, bytes, delivered });
    else this.#place(topic, record, input, bytes, delivered);
  }

  #input({ key = null, value, headers = {}, timestamp }: ProducerRecord): RecordInput {
    return {
      timestamp: timestamp ?? this.#context.clock.wall(),
      key: bytesOf(key),
      value: bytesOf(value),
      headers: Object.entries(headers).map(([name, content]) => ({ key: name, value: bytesOf(content) })),
    };
  }

  #topic(name: string): TopicQueue {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      const sticky = new StickyPartition(this.#cluster.settings.random, this.#settings.batchSize);
      topic = { name, sticky, partitions: new Map(), unplaced: null, placed: Promise.resolve() };
      this.#topics.set(name, topic);
    }
    if (topic.unplaced === null && this.#cluster.metadata.known(name) === undefined) {
      topic.unplaced = [];
      topic.placed = this.#learnPartitions(topic);
    }
    return topic;
  }

  /** Asks for the topic, again while that may help, and places the records that wait for it. */
  async #learnPartitions(topic: TopicQueue): Promise<void> {
    const { clock, settings, closing } = this.#context;
    const deadline = clock.now() + settings.deliveryTimeoutMs;
    const backoff = this.#context.backoff();
    for (;;) {
      try {
        await this.#cluster.metadata.topic(topic.name, { autoCreate: true });
        this.#placeAll(topic);
        return;
      } catch (thrown) {
        const error = toOttlaError(thrown);
        const delayMs = backoff.next();
        if (!error.retriable || closing.aborted || clock.now() + delayMs > deadline) {
          this.#failUnplaced(topic, error);
          return;
        }
        await clock.sleep(delayMs, closing).catch(() => {});
      }
    }
  }

  #placeAll(topic: TopicQueue): void {
    const unplaced = topic.unplaced ?? [];
    topic.unplaced = null;
    for (const { record, input, bytes, delivered } of unplaced) this.#place(topic, record, input, bytes, delivered);
  }

  #failUnplaced(topic: TopicQueue, error: OttlaError): void {
    const unplaced = topic.unplaced ?? [];
    topic.unplaced = null;
    for (const { bytes, delivered } of unplaced) this.#refuse(bytes, delivered, error);
  }

  #refuse(bytes: number, delivered: Delivered | null, error: OttlaError): void {
    this.#giveRoom(bytes);
    if (delivered === null) this.#unheard ??= error;
    else delivered(error, null);
  }

  #place(
    topic: TopicQueue,
    record: ProducerRecord,
    input: RecordInput,
    bytes: number,
    delivered: Delivered | null,
  ): void {
    const info = this.#cluster.metadata.known(topic.name);
    const partition = choosePartition(topic.sticky, info, record, input.key, bytes);
    if (partition === null) {
      const message = `topic ${topic.name} has no partition ${record.partition}: it has ${info?.partitions.length ?? 0}`;
      this.#refuse(bytes, delivered, new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', message));
      return;
    }
    let queue = topic.partitions.get(partition);
    if (queue === undefined) {
      queue = new PartitionQueue(topic.name, partition, this.#context);
      topic.partitions.set(partition, queue);
    }
    queue.append(input, bytes, delivered);
  }

  async #settleAll(): Promise<void> {
    const topics = [...this.#topics.values()];
    await Promise.all(topics.map(({ placed }) => placed));
    for (const { partitions } of topics) for (const partition of partitions.values()) partition.flush();
    const batches = [...this.#pending];
    await Promise.all(batches.map((batch) => new Promise<void>((resolve) => batch.onSettled(resolve))));
  }

  #room(): Promise<void> {
    const { clock, settings } = this.#context;
    const waiter = new Deferred<void>();
    this.#roomWaiters.push(waiter);
    return withDeadline(
      waiter.promise,
      clock,
      settings.deliveryTimeoutMs,
      `no room for a record within ${settings.deliveryTimeoutMs} ms: the brokers take less than is sent (bufferMemory is ${settings.bufferMemory})`,
    );
  }

  #giveRoom(bytes: number): void {
    this.#bufferedBytes -= bytes;
    if (this.#bufferedBytes >= this.#settings.bufferMemory) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const waiter of waiters) waiter.resolve();
  }

  #linkTo(address: string): ProduceLink {
    let link = this.#links.get(address);
    if (link === undefined) {
      const refreshAll = (): void => {
        this.#cluster.metadata.refresh(this.#topics.keys()).catch(() => {});
      };
      link = new ProduceLink(this.#context.clock, () => this.#cluster.connections.to(address), refreshAll);
      this.#links.set(address, link);
    }
    return link;
  }

  async #initProducerId(): Promise<ProducerIdentity> {
    const request = { producerId: -1, producerEpoch: -1 };
    const { producerId, producerEpoch } = await this.#cluster.askAny((broker, options) =>
      broker.initProducerId(request, options),
    );
    return { producerId, producerEpoch };
  }

  #partitionContext(): PartitionContext {
    const { metadata, settings } = this.#cluster;
    return {
      settings: this.#settings,
      clock: settings.clock,
      codecs: settings.codecs,
      closing: this.#closing.signal,
      backoff: () => this.#cluster.backoff(),
      linkToLeader: (topic, partition) => {
        const leader = metadata.leader(topic, partition);
        return leader === null ? null : this.#linkTo(leader.broker.address);
      },
      refresh: (topic) => metadata.refresh([topic]),
      takeHint: (topic, partition, leader) => metadata.takeHint(topic, partition, leader),
      identity: (unused) => {
        if (unused) return this.#initProducerId();
        this.#identity ??= this.#initProducerId().catch((error) => {
          this.#identity = null;
          throw error;
        });
        return this.#identity;
      },
      onCreated: (batch) => {
        this.#pending.add(batch);
        batch.onSettled(() => {
          this.#pending.delete(batch);
          this.#giveRoom(batch.bytes);
        });
      },
      onUnheard: (error) => {
        this.#unheard ??= error;
      },
    };
  }
}

function choosePartition(
  sticky: StickyPartition,
  info: TopicInfo | undefined,
  { partition }: ProducerRecord,
  key: Uint8Array | null,
  bytes: number,
): number | null {
  const count = info?.partitions.length ?? 0;
  if (partition !== undefined) return partition >= 0 && partition < count ? partition : null;
  if (count === 0) return null;
  if (key !== null) return partitionForKey(key, count);
  const available = info!.partitions.filter(({ leader }) => leader >= 0).map(({ partition: number }) => number);
  return sticky.choose(count, available, bytes);
}

function bytesOf(content: Uint8Array | string | null): Uint8Array | null {
  return typeof content === 'string' ? textEncoder.encode(content) : content;
}
