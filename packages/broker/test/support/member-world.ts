import { ClusterMember, TopicAdmin } from '@ottla/controller';
import { HeldDirectory, LogDirectory } from '@ottla/log';
import { ImageTracker, type MachineSnapshot, MemoryStore } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import { type Logger, MemoryDisk, nodeClock, nodeCodecs, nodeRandom, silentLogger } from '@ottla/runtime';
import { ensureGeneration, readLastRun } from '../../src/composition/generation';
import { contradiction, readSeen, seenIn, writeSeen } from '../../src/composition/seen-store';
import { brokerConfig } from '../../src/config/schema';
import { Deletions } from '../../src/partition/deletions';
import { ReplicaManager } from '../../src/partition/replica-manager';
import { ProducerIds } from '../../src/producer-ids';
import type { LocalPartition } from '../../src/services';
import { MemoryPeers } from './memory-peers';

const CLUSTER = 'world';
export const TIMINGS = {
  sessionTimeoutMs: 400,
  heartbeatIntervalMs: 40,
  leaseTtlMs: 800,
  probeTimeoutMs: 50,
  restoreGraceMs: 2_500,
};
const DEFAULTS = { partitions: 1, replicationFactor: 3, minInsyncReplicas: 1, uncleanLeaderElection: false };

export interface MemberBroker {
  readonly id: number;
  readonly disk: MemoryDisk;
  readonly tracker: ImageTracker;
  readonly member: ClusterMember;
  readonly replicas: ReplicaManager;
  readonly directory: LogDirectory;
  readonly topics: TopicAdmin;
  readonly producerIds: ProducerIds;
  readonly deletions: Deletions;
  readonly warnings: string[];
}

/** Whole brokers, controller included, but without doors; over one store that can be put back to an earlier state. */
export class MemberWorld {
  readonly store = new MemoryStore({ clock: nodeClock });
  readonly peers = new MemoryPeers();
  readonly brokers = new Map<number, MemberBroker>();

  async start(id: number, disk = new MemoryDisk()): Promise<MemberBroker> {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const shared = { clock: nodeClock, random: nodeRandom, codecs: nodeCodecs, logger };
    const self = { broker: id, run: nodeRandom.uuid() };
    const hello = { clusterId: CLUSTER, ...self };
    await ensureGeneration(this.store, CLUSTER, { ...shared, timeoutMs: 1_000 });
    const tracker = new ImageTracker({ ...shared, store: this.store, clusterId: CLUSTER });
    await tracker.start();
    const where = { dir: '/data', clusterId: CLUSTER, brokerId: id, run: self.run, bootId: 'boot' };
    const held = await HeldDirectory.take({ ...shared, ...where, disk: disk.mount() });
    const lastRun = await readLastRun(this.store, { clusterId: CLUSTER, broker: id }, { ...shared, timeoutMs: 1_000 });
    const seen = await readSeen(disk.mount(), '/data');
    const restored = seen === null ? null : contradiction(seen, tracker.image, held.isAheadOf(lastRun));
    if (restored !== null) tracker.suspend(restored, seen!.generation);
    const directory = await LogDirectory.use(held, lastRun);
    const network = this.peers.network();
    const onSuperseded = (error: Error): void => void warnings.push(`superseded: ${error.message}`);
    const member = new ClusterMember({
      ...{ ...shared, clusterId: CLUSTER, self, view: tracker, network, defaults: DEFAULTS, onSuperseded },
      timings: TIMINGS,
    });
    const config = brokerConfig({ 'node.id': id, 'replica.lag.time.max.ms': 500 });
    const replicas = new ReplicaManager({ ...shared, config, hello, tracker, directory, network });
    const producerIds = new ProducerIds({
      ...{ ...shared, store: tracker.store, clusterId: CLUSTER, self },
      knownBelow: () => Math.max(tracker.image.producerIds?.value.nextProducerId ?? 0, replicas.nextProducerId),
      onRestored: (reason) => tracker.suspend(reason),
    });
    member.reportReplicasBy(async () => {
      const report = await replicas.stopAndReport();
      return { ...report, nextProducerId: Math.max(report.nextProducerId, producerIds.givenOutBelow) };
    });
    await member.prepare();
    const peer = { host: 'memory', port: 100 + id };
    const handlers = {
      onReplication: replicas.onReplication.bind(replicas),
      onSession: member.onSession.bind(member),
    };
    await network.serve(peer, handlers, hello);
    await replicas.start();
    const release = replicas.release.bind(replicas);
    const deletions = new Deletions({ ...shared, broker: id, clusterId: CLUSTER, tracker, directory, release });
    deletions.start();
    const start = { number: directory.starts, predecessor: directory.predecessor };
    await member.start({ logIds: [directory.logId], rack: null, kafka: [], grpc: peer, peer, startedAt: 0, start });
    const topics = new TopicAdmin({ ...shared, view: tracker, defaults: DEFAULTS, validateConfigs: () => {} });
    const broker = { id, disk, tracker, member, replicas, directory, topics, producerIds, deletions, warnings };
    this.brokers.set(id, broker);
    return broker;
  }

  /** What a broker's checkpoints do every few seconds. */
  async checkpoint(id: number): Promise<void> {
    const { disk, tracker } = this.brokers.get(id)!;
    await writeSeen(disk.mount(), '/data', seenIn(tracker.image));
  }

  /** The process dies; what it wrote stays. */
  async kill(id: number): Promise<MemoryDisk> {
    const broker = this.brokers.get(id)!;
    this.brokers.delete(id);
    this.peers.cut(100 + id);
    broker.disk.kill();
    await this.close(broker);
    return broker.disk;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.brokers.values()].map((broker) => this.close(broker)));
    await this.store.close();
  }

  backup(): MachineSnapshot {
    return this.store.backup();
  }

  restore(backup: MachineSnapshot): void {
    this.store.restore(backup);
  }

  /** The record of the topic's first partition, in the image of the first broker; null without one. */
  record(topic: string): PartitionRecord | null {
    const { image } = [...this.brokers.values()][0]!.tracker;
    const topicId = image.topics.get(topic)?.value.topicId;
    return topicId === undefined ? null : (image.partitions.get(topicId)?.get(0)?.value ?? null);
  }

  /** The topic's first partition where it's led; null when it isn't. */
  leader(topic: string): LocalPartition | null {
    for (const { replicas } of this.brokers.values()) {
      for (const partition of replicas.led()) if (partition.topic === topic) return partition;
    }
    return null;
  }

  generation(): number {
    const generations = [...this.brokers.values()].map(({ tracker }) =>
      tracker.suspended === null ? (tracker.image.generation?.value.generation ?? 0) : 0,
    );
    return Math.min(...generations);
  }

  private async close(broker: MemberBroker): Promise<void> {
    await broker.member.close();
    broker.tracker.close();
    await broker.deletions.close();
    await broker.replicas.close();
    await broker.directory.close({ clean: false }).catch(() => {});
  }
}

/** Waits until the condition holds in a world that lives on real time. Fails after `withinMs`. */
export async function eventually(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  for (const until = Date.now() + withinMs; !condition(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() > until) throw new Error(`did not happen: ${what}`);
  }
}
