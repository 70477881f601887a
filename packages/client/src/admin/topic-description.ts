import type { door } from '@ottla/rpc';
import type { PartitionInfo, TopicInfo } from '../cluster/topic-info';

export interface ReplicaDescription {
  readonly broker: number;
  readonly inSync: boolean;
  /** Whether its broker is up. */
  readonly online: boolean;
  /** As the broker tells; null when it couldn't be asked, or has not opened the replica. */
  readonly logStartOffset: number | null;
  /** LEO: the offset that the next record gets. From the leader when the broker itself couldn't be asked. */
  readonly logEndOffset: number | null;
  readonly highWatermark: number | null;
}

export interface PartitionDescription {
  readonly partition: number;
  /** Broker id, -1 when the partition has no leader. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly ReplicaDescription[];
  readonly isr: readonly number[];
  /** Eligible leaders outside the ISR (KIP-966). */
  readonly elr: readonly number[];
}

export interface TopicDescription {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  readonly configs: Readonly<Record<string, string>>;
  readonly partitions: readonly PartitionDescription[];
}

type Told = ReadonlyMap<number, door.ReplicaState>;

/** Puts together what the metadata and each broker tell of a topic. */
export function describeTopic(
  info: TopicInfo,
  responses: readonly (door.DescribeReplicasResponse | null)[],
): TopicDescription {
  const { name, topicId, internal, configs } = info;
  const partitions = info.partitions.map((partition) =>
    describePartition(partition, toldOf(info, partition, responses)),
  );
  return { name, topicId, internal, configs, partitions };
}

function toldOf(
  { topicId }: TopicInfo,
  { partition }: PartitionInfo,
  responses: readonly (door.DescribeReplicasResponse | null)[],
): Told {
  const told = new Map<number, door.ReplicaState>();
  for (const response of responses) {
    const state = response?.replicas.find((replica) => replica.topicId === topicId && replica.partition === partition);
    if (response && state) told.set(response.broker, state);
  }
  return told;
}

function describePartition(info: PartitionInfo, told: Told): PartitionDescription {
  const { partition, leader, leaderEpoch, isr, elr } = info;
  const replicas = info.replicas.map((broker) => describeReplica(info, broker, told));
  return { partition, leader, leaderEpoch, replicas, isr, elr };
}

function describeReplica(info: PartitionInfo, broker: number, told: Told): ReplicaDescription {
  const own = told.get(broker);
  const reported = told.get(info.leader)?.followers.find((follower) => follower.broker === broker)?.logEndOffset ?? -1;
  return {
    broker,
    inSync: info.isr.includes(broker),
    online: !info.offlineReplicas.includes(broker),
    logStartOffset: own?.logStartOffset ?? null,
    logEndOffset: own?.logEndOffset ?? (reported < 0 ? null : reported),
    highWatermark: own?.highWatermark ?? null,
  };
}
