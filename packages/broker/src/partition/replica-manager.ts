import type { LogDirectory, PartitionLog } from '@ottla/log';
import type { ClusterImage, ImageDelta, ImageTracker, Versioned } from '@ottla/metadata';
import { toOttlaError } from '@ottla/protocol';
import { type FollowerMessage, type LeaderMessage, type PartitionRecord, Replica } from '@ottla/replication';
import {
  type Clock,
  type Codecs,
  Deferred,
  type Logger,
  type PeerHello,
  type PeerNetwork,
  type PeerStream,
  type Random,
} from '@ottla/runtime';
import type { BrokerConfig } from '../config/schema';
import type { LocalPartition, Partitions } from '../services';
import { ReplicationThrottles } from '../throttle/replication-throttles';
import { FollowerLinks } from './follower-links';
import { type Follower, LeaderLinks } from './leader-links';
import { logConfigOf } from './log-config';
import { MachineTime } from './machine-time';
import { PartitionHost } from './partition-host';
import { RecordWriter } from './record-writer';
import type { ReplicaName } from './removals';
import { nextProducerId, type ReplicasReport, stopAndReport } from './replica-report';
import { verified } from './verified-push';

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
  /** Another topic of the same name has the same. */
  readonly folder: string;
  log: PartitionLog | null;
  host: PartitionHost | null;
  follower: Follower | null;
  /** Recovery has ended, well or not. */
  recovered: Promise<unknown>;
  opened: Promise<void>;
}

const OPENING_AT_ONCE = 16;

/**
 * Every replica that this broker holds. Follows the image: opens what is assigned here, tells each host its record, and
 * points followers at their leaders.
 */
export class ReplicaManager implements Partitions {
  private readonly held = new Map<string, Held>();
  private readonly byFolder = new Map<string, Held>();
  /** Replicas that are being stopped, or their folders deleted. Until that has ended nothing opens the folder. */
  private readonly leaving = new Map<string, { readonly folder: string; readonly left: Promise<void> }>();
  private readonly roleListeners = new Set<(partition: LocalPartition) => void>();
  private readonly leaderLinks: LeaderLinks;
  private readonly followerLinks: FollowerLinks;
  private readonly recordWriter: RecordWriter;
  private readonly waitingToOpen: (() => void)[] = [];
  private readonly time: MachineTime;
  private readonly throttles: ReplicationThrottles;
  /** Of the store; a later one means that the records before it are of no use any more. */
  private generation: number;
  /** The log id of what is held is fixed: replicas may be known by it. */
  private readonly logIdSettled = new Deferred<void>();
  private opening = 0;
  private closed = false;
  private stopFollowing: (() => void) | null = null;

  constructor(private readonly options: ReplicaManagerOptions) {
    const { network, clock, random, logger, hello, tracker } = options;
    const image = (): ClusterImage => tracker.image;
    this.time = new MachineTime(clock);
    this.generation = generationOf(tracker.image);
    this.leaderLinks = new LeaderLinks({ network, clock, random, logger, hello, image });
    this.followerLinks = new FollowerLinks((topicId, partition) => this.host(topicId, partition), logger);
    this.throttles = new ReplicationThrottles({ broker: hello.broker, clock, config: () => options.config, image });
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
    // Recovery may find that the directory has lost records, which gives it another log id.
    await Promise.all([...this.held.values()].map((held) => held.recovered));
    await this.settleLogId();
    await Promise.all([...this.held.values()].map((held) => held.opened));
  }

  private async settleLogId(): Promise<void> {
    try {
      await this.options.directory.settleLogId();
      this.logIdSettled.resolve();
    } catch (error) {
      this.logIdSettled.promise.catch(() => {});
      this.logIdSettled.reject(error);
      throw error;
    }
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

  /** Stops a partition of a deleted topic and closes its log. Its folder can be deleted afterwards. */
  release(topicId: string, partition: number): Promise<void> {
    const key = keyOf(topicId, partition);
    const held = this.held.get(key);
    if (held === undefined) return this.leaving.get(key)?.left ?? Promise.resolve();
    return this.leave(key, held.folder, () => this.stop(held));
  }

  /** Stops a replica that was removed from this broker, and has its folder deleted before it's opened here again. */
  discard({ topic, topicId, partition }: ReplicaName, remove: () => Promise<void>): Promise<void> {
    const key = keyOf(topicId, partition);
    const held = this.held.get(key);
    return this.leave(key, folderOf(topic, partition), async () => {
      if (held !== undefined) await this.stop(held);
      await remove();
    });
  }

  /** No producer id at or above it is in a log here. */
  get nextProducerId(): number {
    return nextProducerId(this.held.values());
  }

  /** For the controller, when the store was restored from a backup. Everything stays stopped until its next generation. */
  async stopAndReport(): Promise<ReplicasReport> {
    const { directory, tracker } = this.options;
    // What isn't open: all of it after a start, and what the backup's records don't give to this broker.
    for (const { topic, partition, topicId } of await directory.partitionsOnDisk()) {
      const isKnown = topicId !== null && tracker.image.topicNames.get(topicId) === topic;
      if (isKnown && !this.held.has(keyOf(topicId, partition))) this.hold(topic, topicId, partition);
    }
    await Promise.all([...this.held.values()].map((held) => held.opened));
    for (const { follower } of this.held.values()) if (follower !== null) this.leaderLinks.follow(follower, null);
    return stopAndReport(this.held.values(), directory.logId);
  }

  /** Closes every stream and stops every replica. The logs are closed by the directory's owner. */
  async close(): Promise<void> {
    this.closed = true;
    this.stopFollowing?.();
    this.followerLinks.close();
    this.leaderLinks.close();
    this.throttles.close();
    for (const open of this.waitingToOpen.splice(0)) open();
    await Promise.all([...this.held.values()].map((held) => held.opened));
    await Promise.all([...this.hosts()].map((host) => host.stop()));
    await Promise.all([...this.leaving.values()].map(({ left }) => left));
  }

  private leave(key: string, folder: string, work: () => Promise<void>): Promise<void> {
    const held = this.held.get(key);
    this.held.delete(key);
    if (held !== undefined && this.byFolder.get(folder) === held) this.byFolder.delete(folder);
    const before = this.leaving.get(key)?.left ?? Promise.resolve();
    const done = before.then(work);
    const left = done.catch(() => {});
    const entry = { folder, left };
    this.leaving.set(key, entry);
    void left.then(() => {
      if (this.leaving.get(key) === entry) this.leaving.delete(key);
    });
    return done;
  }

  private async stop(held: Held): Promise<void> {
    await held.opened;
    if (held.follower !== null) this.leaderLinks.follow(held.follower, null);
    await held.host?.stop();
    await held.log?.close({ clean: true });
  }

  private host(topicId: string, partition: number): PartitionHost | null {
    return this.held.get(keyOf(topicId, partition))?.host ?? null;
  }

  /** The records of this generation are in epochs that no replica has known; mod revisions mean something else. */
  private beginGeneration(image: ClusterImage): void {
    this.generation = generationOf(image);
    for (const { topicId, partition, host } of [...this.held.values()]) {
      host?.feed({ type: 'history-lost' });
      if (image.topicNames.has(topicId) && image.partitions.get(topicId)?.has(partition)) continue;
      const name = host?.name ?? `${topicId}-${partition}`;
      this.options.logger.warn(
        `${name}: the metadata store that was restored doesn't know topic id ${topicId}; its folder stays, and isn't used`,
      );
      void this.release(topicId, partition).catch(() => {});
    }
    for (const [topicId, partitions] of image.partitions) {
      for (const partition of partitions.keys()) this.sync(image, topicId, partition);
    }
  }

  private onImage(image: ClusterImage, delta: ImageDelta): void {
    if (generationOf(image) > this.generation) this.beginGeneration(image);
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
    // Of a store that was restored from a backup: what is here is opened when it's to be told.
    if (this.options.tracker.suspended !== null) return;
    if (partition >= image.topics.get(topic)!.value.partitions) return;
    const held = this.held.get(keyOf(topicId, partition));
    if (held !== undefined) this.applyRecord(held, record);
    else if (record.value.replicas.includes(this.options.hello.broker)) this.hold(topic, topicId, partition);
  }

  private hold(topic: string, topicId: string, partition: number): void {
    const folder = folderOf(topic, partition);
    const ended = Promise.resolve();
    const held: Held = {
      ...{ topicId, partition, folder, log: null, host: null, follower: null, recovered: ended, opened: ended },
    };
    const open = async (): Promise<void> => {
      if (!this.closed) held.log = await this.openLog(topic, topicId, partition);
    };
    const begin = (): void => {
      if (this.closed || held.log === null) return;
      held.host = this.hostOver(held.log, topic, topicId, partition);
      held.follower = this.followerOf(held.host);
      this.applyConfig(this.options.tracker.image, held.host);
      const record = this.options.tracker.image.partitions.get(topicId)?.get(partition);
      if (record !== undefined) this.applyFirstRecord(held, record);
    };
    const free = this.freed(folder);
    const opening = free === null ? this.openInTurn(open) : free.then(() => this.openInTurn(open));
    held.recovered = opening.catch(() => {});
    const begun = opening.then(() => this.logIdSettled.promise).then(begin);
    held.opened = begun.catch((error: unknown) => {
      const { message } = toOttlaError(error);
      this.options.logger.error(
        `${topic}-${partition}: the log can't be opened, the replica stays offline: ${message}`,
      );
    });
    this.held.set(keyOf(topicId, partition), held);
    this.byFolder.set(folder, held);
  }

  /** Once nobody uses the folder any more: a deleted topic of the same name, or a replica on its way out. Null when it is free now. */
  private freed(folder: string): Promise<unknown> | null {
    const former = this.byFolder.get(folder);
    if (former !== undefined) void this.release(former.topicId, former.partition).catch(() => {});
    const waits = [...this.leaving.values()].filter((entry) => entry.folder === folder).map(({ left }) => left);
    return waits.length === 0 ? null : Promise.all(waits);
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

  private async openLog(topic: string, topicId: string, partition: number): Promise<PartitionLog> {
    const { config, directory, tracker } = this.options;
    const configs = tracker.image.topics.get(topic)?.value.configs ?? {};
    const producerExpirationMs = config['producer.id.expiration.ms'];
    const wanted = { topic, topicId, partition, config: logConfigOf(config, configs), producerExpirationMs };
    return directory.openPartition(wanted).catch(async (error: unknown) => {
      if (toOttlaError(error).code !== 'INCONSISTENT_TOPIC_ID') throw error;
      await this.clear(topic, partition);
      return directory.openPartition(wanted);
    });
  }

  /** Takes another topic's folder out of the way: for good where a deletion record for its id says so. */
  private async clear(topic: string, partition: number): Promise<void> {
    const { directory, tracker } = this.options;
    const folders = await directory.partitionsOnDisk();
    const found = folders.find((folder) => folder.topic === topic && folder.partition === partition);
    const topicId = found?.topicId ?? null;
    const isDeleted = topicId !== null && tracker.image.deletions.has(topicId);
    await (isDeleted
      ? directory.deletePartition({ topic, partition, topicId })
      : directory.setAside({ topic, partition }));
  }

  private hostOver(log: PartitionLog, topic: string, topicId: string, partition: number): PartitionHost {
    const { clock, logger, codecs } = this.options;
    return new PartitionHost({
      ...{ topic, topicId, partition, clock, logger, codecs, log },
      time: this.time,
      replica: this.replicaOver(log, topic, topicId, partition),
      recordWriter: this.recordWriter,
      router: {
        toLeader: (message) =>
          this.throttles.toLeader(topicId, partition, message, () =>
            this.leaderLinks.send(topicId, partition, message),
          ),
        toFollower: (broker, message) => this.followerLinks.send(broker, message),
        writable: (broker) => this.followerLinks.writable(broker),
        admit: (broker) => this.throttles.push(topicId, partition, broker),
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
    if (host === null || topic?.topicId !== host.topicId) return;
    const { config } = this.options;
    host.updateConfig(logConfigOf(config, topic.configs), config['producer.id.expiration.ms']);
  }

  /** A log that knows a later epoch than the record: what the store has been told since is lost. */
  private applyFirstRecord(held: Held, record: Versioned<PartitionRecord>): void {
    const { tracker } = this.options;
    const report = held.host?.report();
    if (report !== undefined && report !== null && report.highestEpoch > record.value.leaderEpoch) {
      const what = `the log has leader epoch ${report.highestEpoch}, the record ${record.value.leaderEpoch}`;
      tracker.suspend(`${held.host!.name}: ${what}`);
    }
    if (tracker.suspended === null) this.applyRecord(held, record);
  }

  private applyRecord(held: Held, record: Versioned<PartitionRecord>): void {
    const { host, follower } = held;
    if (host === null || follower === null) return;
    host.feed({ type: 'record-changed', record: record.value, modRevision: record.modRevision });
    const { leader, replicas } = record.value;
    const { broker } = this.options.hello;
    const follows = leader !== null && leader.broker !== broker && replicas.includes(broker);
    this.leaderLinks.follow(follower, follows ? leader : null);
  }

  private followerOf(host: PartitionHost): Follower {
    return {
      topicId: host.topicId,
      partition: host.partition,
      streamOpened: () => host.feed({ type: 'stream-opened' }),
      streamClosed: () => host.feed({ type: 'stream-closed' }),
      fromLeader: (message) => {
        const input = verified(message, host.name, this.options.logger);
        if (input !== null) host.feed(input);
      },
    };
  }
}

function generationOf({ generation }: ClusterImage): number {
  return generation?.value.generation ?? 0;
}

function folderOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}
