import type { LogDirectory, PartitionLog } from '@ottla/log';
import type { ClusterImage, ImageDelta, ImageTracker, Versioned } from '@ottla/metadata';
import { readBatchHeader, toOttlaError, verifyBatch } from '@ottla/protocol';
import {
  type FollowerMessage,
  type LeaderMessage,
  type PartitionRecord,
  Replica,
  type ReplicaInput,
} from '@ottla/replication';
import type { Clock, Codecs, Logger, PeerHello, PeerNetwork, PeerStream, Random } from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';
import type { LocalPartition, Partitions } from '../services';
import { FollowerLinks } from './follower-links';
import { type Follower, LeaderLinks } from './leader-links';
import { logConfigOf } from './log-config';
import { MachineTime } from './machine-time';
import { PartitionHost } from './partition-host';
import { RecordWriter } from './record-writer';

export interface ReplicaManagerOptions {
  /** As it is now; read again whenever the image's configs changed. */
  readonly config: BrokerConfig;
  readonly hello: PeerHello;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly codecs: Codecs;
  readonly tracker: ImageTracker;
  readonly directory: LogDirectory;
  readonly network: PeerNetwork;
}

interface Held {
  readonly topicId: string;
  readonly partition: number;
  host: PartitionHost | null;
  follower: Follower | null;
  opened: Promise<void>;
}

const OPENING_AT_ONCE = 16;

/**
 * Every replica that this broker holds. Follows the image: opens what is assigned here, tells each host its record, and
 * points followers at their leaders.
 */
export class ReplicaManager implements Partitions {
  private readonly held = new Map<string, Held>();
  private readonly roleListeners = new Set<(partition: LocalPartition) => void>();
  private readonly leaderLinks: LeaderLinks;
  private readonly followerLinks: FollowerLinks;
  private readonly recordWriter: RecordWriter;
  private readonly waitingToOpen: (() => void)[] = [];
  private readonly time: MachineTime;
  private opening = 0;
  private closed = false;
  private stopFollowing: (() => void) | null = null;

  constructor(private readonly options: ReplicaManagerOptions) {
    const { network, clock, random, logger, hello, tracker } = options;
    const image = (): ClusterImage => tracker.image;
    this.time = new MachineTime(clock);
    this.leaderLinks = new LeaderLinks({ network, clock, random, logger, hello, image });
    this.followerLinks = new FollowerLinks((topicId, partition) => this.host(topicId, partition), logger);
    const self = { broker: hello.broker, run: hello.run };
    this.recordWriter = new RecordWriter({ store: tracker.store, clusterId: hello.clusterId, self, image });
  }

  /** Opens what the present image assigns to this broker and follows the image from then on. */
  async start(): Promise<void> {
    const { tracker } = this.options;
    this.stopFollowing = tracker.onChange((image, delta) => this.onImage(image, delta));
    for (const [topicId, partitions] of tracker.image.partitions) {
      for (const partition of partitions.keys()) this.sync(tracker.image, topicId, partition);
    }
    await Promise.all([...this.held.values()].map((held) => held.opened));
  }

  get(topicId: string, partition: number): LocalPartition | null {
    return this.host(topicId, partition);
  }

  all(): Iterable<LocalPartition> {
    return this.hosts();
  }

  *led(): Iterable<LocalPartition> {
    for (const { host } of this.held.values()) if (host?.isLeader) yield host;
  }

  /** Every replica that is open. */
  *hosts(): Iterable<PartitionHost> {
    for (const { host } of this.held.values()) if (host !== null) yield host;
  }

  onRoleChange(listener: (partition: LocalPartition) => void): () => void {
    this.roleListeners.add(listener);
    return () => this.roleListeners.delete(listener);
  }

  /** A follower's stream came in. */
  onReplication(hello: PeerHello, stream: PeerStream<LeaderMessage, FollowerMessage>): void {
    this.followerLinks.accept(hello, stream);
  }

  /** Stops a partition of a deleted topic. Its folder can be deleted afterwards. */
  async release(topicId: string, partition: number): Promise<void> {
    const key = keyOf(topicId, partition);
    const held = this.held.get(key);
    if (held === undefined) return;
    this.held.delete(key);
    await held.opened;
    if (held.follower !== null) this.leaderLinks.follow(held.follower, null);
    await held.host?.stop();
  }

  /** Closes every stream and stops every replica. The logs are closed by the directory's owner. */
  async close(): Promise<void> {
    this.closed = true;
    this.stopFollowing?.();
    this.followerLinks.close();
    this.leaderLinks.close();
    for (const open of this.waitingToOpen.splice(0)) open();
    await Promise.all([...this.held.values()].map((held) => held.opened));
    await Promise.all([...this.hosts()].map((host) => host.stop()));
  }

  private host(topicId: string, partition: number): PartitionHost | null {
    return this.held.get(keyOf(topicId, partition))?.host ?? null;
  }

  private onImage(image: ClusterImage, delta: ImageDelta): void {
    for (const [topicId, partition] of delta.partitions) this.sync(image, topicId, partition);
    for (const name of delta.topics) {
      const topicId = image.topics.get(name)?.value.topicId;
      if (topicId === undefined) continue;
      for (const partition of image.partitions.get(topicId)?.keys() ?? []) {
        this.sync(image, topicId, partition);
        this.applyConfig(image, this.host(topicId, partition));
      }
    }
    if (delta.configs.length > 0) for (const host of this.hosts()) this.applyConfig(image, host);
    if (delta.brokers.length > 0) this.leaderLinks.onBrokersChanged();
  }

  /** A partition that its topic doesn't know (yet) is being created, or deleted: neither is opened. */
  private sync(image: ClusterImage, topicId: string, partition: number): void {
    const record = image.partitions.get(topicId)?.get(partition);
    const topic = image.topicNames.get(topicId);
    if (record === undefined || topic === undefined || this.closed) return;
    if (partition >= image.topics.get(topic)!.value.partitions) return;
    if (!record.value.replicas.includes(this.options.hello.broker)) return;
    const held = this.held.get(keyOf(topicId, partition));
    if (held === undefined) this.hold(topic, topicId, partition);
    else if (held.host !== null) this.applyRecord(held, record);
  }

  private hold(topic: string, topicId: string, partition: number): void {
    const held: Held = { topicId, partition, host: null, follower: null, opened: Promise.resolve() };
    const open = async (): Promise<void> => {
      if (this.closed) return;
      held.host = await this.open(topic, topicId, partition);
      held.follower = this.followerOf(held.host);
      this.applyConfig(this.options.tracker.image, held.host);
      const record = this.options.tracker.image.partitions.get(topicId)?.get(partition);
      if (record !== undefined) this.applyRecord(held, record);
    };
    held.opened = this.openInTurn(open).catch((error: unknown) => {
      const { message } = toOttlaError(error);
      this.options.logger.error(
        `${topic}-${partition}: the log can't be opened, the replica stays offline: ${message}`,
      );
    });
    this.held.set(keyOf(topicId, partition), held);
  }

  private async openInTurn(open: () => Promise<void>): Promise<void> {
    if (this.opening >= OPENING_AT_ONCE) await new Promise<void>((resolve) => this.waitingToOpen.push(resolve));
    this.opening++;
    try {
      await open();
    } finally {
      this.opening--;
      this.waitingToOpen.shift()?.();
    }
  }

  private async open(topic: string, topicId: string, partition: number): Promise<PartitionHost> {
    const { config, directory, clock, logger, codecs, tracker } = this.options;
    const configs = tracker.image.topics.get(topic)?.value.configs ?? {};
    const wanted = { topic, topicId, partition, config: logConfigOf(config, configs) };
    const log = await directory.openPartition(wanted).catch(async (error: unknown) => {
      if (toOttlaError(error).code !== 'INCONSISTENT_TOPIC_ID') throw error;
      await directory.setAside({ topic, partition });
      return directory.openPartition(wanted);
    });
    return new PartitionHost({
      ...{ topic, topicId, partition, clock, logger, codecs, log },
      time: this.time,
      replica: this.replicaOver(log, topic, topicId, partition),
      recordWriter: this.recordWriter,
      router: {
        toLeader: (message) => this.leaderLinks.send(topicId, partition, message),
        toFollower: (broker, message) => this.followerLinks.send(broker, message),
        writable: (broker) => this.followerLinks.writable(broker),
      },
      onRoleChange: (host) => {
        for (const listener of [...this.roleListeners]) listener(host);
      },
    });
  }

  private replicaOver(log: PartitionLog, topic: string, topicId: string, partition: number): Replica {
    const { config, hello, directory } = this.options;
    return new Replica(
      {
        self: { broker: hello.broker, run: hello.run, logId: directory.logId },
        ...{ topic, topicId, partition },
        replicaLagTimeMaxMs: config['replica.lag.time.max.ms'],
        windowBytes: config['replica.fetch.max.bytes'],
        maxPendingProduces: config['partition.max.pending.produces'],
        producerExpirationMs: config['producer.id.expiration.ms'],
      },
      {
        logStart: log.logStart,
        firstBatchOffset: log.firstBatchOffset,
        logEnd: log.logEnd,
        highWatermark: directory.highWatermark(topic, partition),
        epochs: log.epochs.clone(),
        producers: log.producers.clone(),
      },
    );
  }

  private applyConfig(image: ClusterImage, host: PartitionHost | null): void {
    const topic = host === null ? undefined : image.topics.get(host.topic)?.value;
    if (topic?.topicId === host?.topicId) host?.updateConfig(logConfigOf(this.options.config, topic?.configs ?? {}));
  }

  private applyRecord(held: Held, record: Versioned<PartitionRecord>): void {
    const { host, follower } = held;
    if (host === null || follower === null) return;
    host.feed({ type: 'record-changed', record: record.value, modRevision: record.modRevision });
    const { leader } = record.value;
    const { broker } = this.options.hello;
    this.leaderLinks.follow(follower, leader === null || leader.broker === broker ? null : leader);
  }

  private followerOf(host: PartitionHost): Follower {
    return {
      topicId: host.topicId,
      partition: host.partition,
      streamOpened: () => host.feed({ type: 'stream-opened' }),
      streamClosed: () => host.feed({ type: 'stream-closed' }),
      fromLeader: (message) => {
        const input = this.checked(message, host.name);
        if (input !== null) host.feed(input);
      },
    };
  }

  /** A push with its batch headers, each batch verified; null, logged, when it came damaged: the leader sends it again. */
  private checked(message: LeaderMessage, name: string): ReplicaInput | null {
    if (message.type !== 'push') return { type: 'leader-message', message, headers: [] };
    try {
      const headers = [];
      for (let at = 0; at < message.records.byteLength; at += headers.at(-1)!.batchLength) {
        const header = readBatchHeader(message.records, at);
        verifyBatch(message.records, at, header);
        headers.push(header);
      }
      return { type: 'leader-message', message, headers };
    } catch (error) {
      this.options.logger.error(`${name}: dropping records that the leader sent: ${toOttlaError(error).message}`);
      return null;
    }
  }
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}
