import { LogDirectory } from '@ottla/log';
import {
  type BrokerRegistration,
  brokerRegistrationCodec,
  generationCodec,
  ImageTracker,
  keysFor,
  MemoryStore,
  partitionRecordCodec,
  topicRecordCodec,
} from '@ottla/metadata';
import { checkProducedBatches, decodeBatch, readBatchHeader } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import { MemoryDisk, nodeClock, nodeCodecs, nodeRandom, silentLogger } from '@ottla/runtime';
import { brokerConfig, type SettingName } from '../../src/config/schema';
import { ReplicaManager } from '../../src/partition/replica-manager';
import type { LocalPartition } from '../../src/services';
import { batchOf } from './batches';
import { eventually } from './eventually';
import { MemoryPeers } from './memory-peers';

export const TOPIC = 'letters';
export const TOPIC_ID = '11111111-2222-4333-8444-555555555555';
export const keys = keysFor('world');

export interface WorldBroker {
  readonly id: number;
  readonly run: string;
  readonly logId: string;
  readonly disk: MemoryDisk;
  readonly directory: LogDirectory;
  readonly replicas: ReplicaManager;
  readonly tracker: ImageTracker;
  partition(): LocalPartition;
}

/** Brokers' replicas over one store, each on a disk of its own, without doors and controller: tests write the records. */
export class ReplicaWorld {
  readonly store = new MemoryStore({ clock: nodeClock });
  readonly peers = new MemoryPeers();
  readonly brokers = new Map<number, WorldBroker>();
  /** Of brokers that are started from now on, and of the topic when it's created. */
  settings: Partial<Record<SettingName, unknown>> = {};
  topicConfigs: Record<string, string> = {};

  async create(): Promise<void> {
    const generation = generationCodec.encode({ version: 1, clusterId: 'world', generation: 1 });
    await this.put(keys.generation(), generation);
  }

  /** Starts a broker; with the disk of an earlier one it is that broker in another run. */
  async start(id: number, disk = new MemoryDisk()): Promise<WorldBroker> {
    const shared = { clock: nodeClock, random: nodeRandom, logger: silentLogger };
    const run = nodeRandom.uuid();
    const hello = { clusterId: 'world', broker: id, run };
    const tracker = new ImageTracker({ ...shared, store: this.store, clusterId: 'world' });
    await tracker.start();
    const where = { dir: '/data', clusterId: 'world', brokerId: id, run, bootId: 'boot' };
    const directory = await LogDirectory.open({ ...shared, ...where, disk: disk.mount() });
    const network = this.peers.network();
    const config = brokerConfig({ 'node.id': id, 'replica.lag.time.max.ms': 500, ...this.settings });
    const replicas = new ReplicaManager({ ...shared, config, hello, codecs: nodeCodecs, tracker, directory, network });
    const port = 100 + id;
    const handlers = { onReplication: replicas.onReplication.bind(replicas), onSession: () => {} };
    await network.serve({ host: 'memory', port }, handlers, hello);
    await replicas.start();
    const { logId } = directory;
    await this.register(id, run, logId, port);
    const partition = (): LocalPartition => replicas.get(TOPIC_ID, 0)!;
    const broker = { id, run, logId, disk, directory, replicas, tracker, partition };
    this.brokers.set(id, broker);
    return broker;
  }

  /** The process dies: its streams break, its registration goes. */
  async kill(id: number): Promise<MemoryDisk> {
    const broker = this.brokers.get(id)!;
    this.brokers.delete(id);
    this.peers.cut(100 + id);
    broker.disk.kill();
    await this.close(broker);
    await this.store.txn({ compare: [], success: [{ type: 'delete', key: keys.broker(id) }] });
    return broker.disk;
  }

  async closeAll(): Promise<void> {
    for (const broker of this.brokers.values()) await this.close(broker);
    await this.store.close();
  }

  /** Creates the topic with one partition on these brokers, led by the first. */
  async createTopic(...ids: number[]): Promise<void> {
    const members = ids.map((id) => this.brokers.get(id)!);
    const [leader] = members;
    const record: PartitionRecord = {
      ...{ version: 1, replicas: ids, adding: [], removing: [], leaderEpoch: 0, elr: [], minIsr: 1, unclean: false },
      leader: { broker: leader!.id, run: leader!.run },
      isr: members.map(({ id, logId }) => ({ broker: id, logId })),
      lastKnownLeader: null,
    };
    await this.write(record);
    const topic = {
      version: 1 as const,
      name: TOPIC,
      topicId: TOPIC_ID,
      partitions: 1,
      configs: this.topicConfigs,
      internal: false,
    };
    await this.put(keys.topic(TOPIC), topicRecordCodec.encode(topic));
    await eventually(() => members.every(({ replicas }) => replicas.get(TOPIC_ID, 0) !== null), 'replicas open');
    await this.leads(leader!);
  }

  /** What the controller would do: the broker leads the next epoch, with this ISR. */
  async elect(id: number, isr: number[]): Promise<void> {
    const { value } = await this.record();
    const leader = this.brokers.get(id)!;
    const members = isr.map((member) => ({ broker: member, logId: this.brokers.get(member)!.logId }));
    const leaderEpoch = value.leaderEpoch + 1;
    await this.write({ ...value, leader: { broker: id, run: leader.run }, leaderEpoch, isr: members });
    await this.leads(leader);
  }

  async record(): Promise<{ value: PartitionRecord; modRevision: number }> {
    const key = keys.partition(TOPIC_ID, 0);
    const { kv } = await this.store.get(key);
    return { value: partitionRecordCodec.decode(kv!.value, key), modRevision: kv!.modRevision };
  }

  isr(): number[] {
    const image = [...this.brokers.values()][0]!.tracker.image;
    const record = image.partitions.get(TOPIC_ID)!.get(0)!.value;
    return record.isr.map(({ broker }) => broker).sort();
  }

  async register(id: number, run: string, logId: string, port: number): Promise<void> {
    const endpoint = { host: 'memory', port };
    const registration: BrokerRegistration = {
      ...{ version: 1, broker: id, run, logIds: [logId], state: 'active', rack: null, kafka: [], startedAt: 0 },
      ...{ grpc: endpoint, peer: endpoint },
    };
    await this.put(keys.broker(id), brokerRegistrationCodec.encode(registration));
  }

  private async leads(broker: WorldBroker): Promise<void> {
    await eventually(() => broker.partition()?.isLeader === true, `broker ${broker.id} to lead`);
  }

  private async close(broker: WorldBroker): Promise<void> {
    broker.tracker.close();
    await broker.replicas.close();
    await broker.directory.close({ clean: false }).catch(() => {});
  }

  private write(record: PartitionRecord): Promise<unknown> {
    return this.put(keys.partition(TOPIC_ID, 0), partitionRecordCodec.encode(record));
  }

  private put(key: string, value: Uint8Array): Promise<unknown> {
    return this.store.txn({ compare: [], success: [{ type: 'put', key, value }] });
  }
}

export function produce(partition: LocalPartition, value: string, timeoutMs = 2_000): Promise<{ baseOffset: number }> {
  const records = batchOf([value]);
  const headers = checkProducedBatches(records, { maxMessageBytes: 1_000_000 });
  return partition.produce(records, headers, { acks: -1, timeoutMs });
}

/** The values below the high watermark. */
export async function valuesOf(partition: LocalPartition): Promise<string[]> {
  const values: string[] = [];
  for (let offset = partition.logStart; offset < partition.highWatermark; ) {
    const { chunks } = await partition.read(offset, { maxBytes: 1, isolation: 'read_uncommitted', atLeastOne: true });
    const bytes = Buffer.concat(chunks as Uint8Array[]);
    for (const record of decodeBatch(bytes, 0, readBatchHeader(bytes))) {
      values.push(Buffer.from(record.value!).toString());
      offset = record.offset + 1;
    }
  }
  return values;
}
