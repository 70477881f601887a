import type { door } from '@ottla/rpc';

export interface PartitionInfo {
  readonly partition: number;
  /** Broker id, -1 when the partition has no leader. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** Eligible leaders outside the ISR (KIP-966). */
  readonly elr: readonly number[];
  readonly offlineReplicas: readonly number[];
}

export interface TopicInfo {
  readonly name: string;
  readonly topicId: string;
  readonly internal: boolean;
  /** In order of their numbers, which begin at 0. */
  readonly partitions: readonly PartitionInfo[];
  /** What is set on the topic itself. */
  readonly configs: Readonly<Record<string, string>>;
}

export function topicInfo({ name, topicId, internal, partitions, configs }: door.TopicMetadata): TopicInfo {
  const sorted = partitions.map(partitionInfo).sort((a, b) => a.partition - b.partition);
  return { name, topicId, internal, partitions: sorted, configs: { ...configs } };
}

function partitionInfo(metadata: door.PartitionMetadata): PartitionInfo {
  const { partition, leader, leaderEpoch, replicas, isr, elr, offlineReplicas } = metadata;
  return { partition, leader, leaderEpoch, replicas, isr, elr, offlineReplicas };
}

/**
 * The newer of two views of a topic, partition by partition: an answer from a broker that lags behind doesn't bring an
 * older leader back.
 */
export function newerOf(known: TopicInfo | undefined, told: TopicInfo): TopicInfo {
  if (known === undefined || known.topicId !== told.topicId) return told;
  const partitions = told.partitions.map((partition) => {
    const before = known.partitions[partition.partition];
    return before !== undefined && before.leaderEpoch > partition.leaderEpoch ? before : partition;
  });
  return { ...told, partitions };
}
