import {
  type GroupApi,
  type GroupRequests,
  type GroupResponses,
  offsetCommitKey,
  offsetCommitValue,
  partitionForGroup,
} from '@ottla/groups';
import type { ClusterImage, ImageDelta } from '@ottla/metadata';
import { decodeBatch, encodeBatch, readBatchHeader } from '@ottla/protocol';
import { type ManualClock, nodeCodecs, SeededRandom } from '@ottla/runtime';
import type { SettingName } from '../../src/config/schema';
import { GroupHost } from '../../src/groups/group-host';
import { FakeCluster, SELF } from './fake-cluster';
import { fakeServices, type LogLines } from './fake-services';
import type { MemoryPartition } from './memory-partition';

export const OFFSETS = '__consumer_offsets';
/** Partitions of the topic of offsets. */
export const PARTITIONS = 2;
const NOW = 1_700_000_000_000;

const groupOf = (partition: number): string =>
  [...'abcdefgh'].find((group) => partitionForGroup(group, PARTITIONS) === partition)!;

/** Groups that partition 0 and partition 1 of the topic of offsets coordinate. */
export const [ZERO, ONE] = [groupOf(0), groupOf(1)];

export const turn = () => new Promise((resolve) => setImmediate(resolve));

export const commitError = (response: GroupResponses['OffsetCommit']): number =>
  response.topics[0]!.partitions[0]!.errorCode;

/** Appends a committed offset as another coordinator would have. */
export function store(partition: MemoryPartition, group: string, offset: number): void {
  const key = offsetCommitKey.write(1, { group, topic: 't', partition: 0 });
  const value = offsetCommitValue.write(3, { offset, leaderEpoch: -1, metadata: '', commitTimestamp: NOW });
  const bytes = encodeBatch({ records: [{ timestamp: NOW, key, value }] });
  void partition.produce(bytes, [readBatchHeader(bytes)], { acks: 1, timeoutMs: 0 });
}

export function recordsIn(partition: MemoryPartition) {
  return partition.batches.flatMap(({ bytes, header }) => decodeBatch(bytes, 0, header));
}

/** A broker that leads both partitions of the topic of offsets, in memory and on manual time. */
export class GroupWorld {
  readonly cluster = new FakeCluster();
  readonly clock: ManualClock;
  readonly logger: LogLines;
  readonly host: GroupHost;
  readonly partitions: readonly MemoryPartition[];
  private readonly imageListeners = new Set<(image: ClusterImage, delta: ImageDelta) => void>();

  constructor(prepare: (cluster: FakeCluster) => void = () => {}, config: Partial<Record<SettingName, unknown>> = {}) {
    const { cluster } = this;
    cluster.addTopic(OFFSETS, Array<number>(PARTITIONS).fill(1), { internal: true });
    cluster.addTopic('t');
    this.partitions = [0, 1].map((partition) => cluster.partition(OFFSETS, partition));
    prepare(cluster);
    const services = fakeServices({ cluster, config: { 'group.initial.rebalance.delay.ms': 0, ...config } });
    this.clock = services.clock;
    this.logger = services.logger;
    this.host = new GroupHost({
      self: SELF,
      config: services.config,
      partitions: cluster,
      tracker: this.tracker(),
      codecs: nodeCodecs,
      clock: services.clock,
      random: new SeededRandom(3),
      logger: services.logger,
    });
  }

  /** Closes the host, and expects that it leaves nothing behind. */
  close(): void {
    this.host.close();
    expect(this.clock.pendingTimers).toBe(0);
    expect(this.partitions.map((partition) => partition.listenerCount)).toEqual([0, 0]);
  }

  offsets(partition = 0): MemoryPartition {
    return this.partitions[partition]!;
  }

  ask<A extends GroupApi>(api: A, body: Partial<GroupRequests[A]>, version = 5): Promise<GroupResponses[A]> {
    return this.host.handle(api, {
      version,
      clientId: 'c',
      clientHost: '/10.0.0.9',
      body: body as GroupRequests[A],
    });
  }

  /** The answer to a request that is not answered before its patience ends. */
  async late<T>(answer: Promise<T>): Promise<T> {
    await turn();
    this.clock.advance(1000);
    return answer;
  }

  /** The image gives the partition to another broker, and the replica follows. */
  lose(partition: number): void {
    this.lead(partition, 2);
    this.offsets(partition).resign();
    this.cluster.roleChanged(this.offsets(partition));
  }

  /** The image gives the partition to this broker, and the replica follows. */
  win(partition: number, epoch: number): void {
    this.lead(partition, 1, epoch);
    this.offsets(partition).becomeLeader(epoch);
    this.cluster.roleChanged(this.offsets(partition));
  }

  /** The image gives the partition to a broker. */
  lead(partition: number, broker: number, epoch = 0): void {
    this.cluster.setLeader(this.cluster.image.topics.get(OFFSETS)!.value, partition, broker, epoch);
  }

  deleteTopic(name: string): void {
    this.cluster.removeTopic(name);
    const delta = { topics: [name] } as unknown as ImageDelta;
    for (const listener of this.imageListeners) listener(this.cluster.image, delta);
  }

  async fetchOffset(group: string): Promise<{ errorCode: number; offset: number }> {
    const topics = [{ name: 't', partitionIndexes: [0] }];
    const asked = [{ groupId: group, memberId: null, memberEpoch: -1, topics }];
    const { groups } = await this.ask('OffsetFetch', { groups: asked, requireStable: false }, 8);
    const [answer] = groups!;
    const partition = answer!.topics[0]?.partitions[0];
    return { errorCode: answer!.errorCode || (partition?.errorCode ?? 0), offset: partition?.committedOffset ?? -1 };
  }

  commit(group: string, offset: number): Promise<GroupResponses['OffsetCommit']> {
    const partition = { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' };
    const body = {
      groupId: group,
      generationIdOrMemberEpoch: -1,
      retentionTimeMs: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: 't', partitions: [partition] }],
    };
    return this.ask('OffsetCommit', body, 8);
  }

  join(group: string, memberId = ''): Promise<GroupResponses['JoinGroup']> {
    return this.ask('JoinGroup', {
      groupId: group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: new Uint8Array(0) }],
      reason: null,
    });
  }

  /** Joins with the member id that the first join is answered with. */
  async joined(group: string): Promise<GroupResponses['JoinGroup']> {
    const { memberId } = await this.join(group);
    const answer = this.join(group, memberId);
    await turn();
    this.clock.advance(0);
    return answer;
  }

  private tracker() {
    const { cluster, imageListeners } = this;
    return {
      get image() {
        return cluster.image;
      },
      onChange(listener: (image: ClusterImage, delta: ImageDelta) => void) {
        imageListeners.add(listener);
        return () => imageListeners.delete(listener);
      },
    };
  }
}
