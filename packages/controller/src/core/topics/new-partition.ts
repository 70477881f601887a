import {
  type BrokerRegistration,
  type ClusterImage,
  type ClusterKeys,
  partitionRecordCodec,
  type TopicRecord,
  type Versioned,
} from '@ottla/metadata';
import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import { effectiveMinIsr } from '../partitions/in-sync';
import type { TopicDefaults } from '../settings';
import { absentGuard, partitionGuard, registrationGuard } from '../txn/guards';
import { type PlannedChange, Urgency } from '../txn/planned-txn';
import { minInsyncReplicas, topicDefaults } from './default-configs';

/**
 * A new partition's record. It begins with a leader, so that clients find it complete as soon as they see it. The logs
 * are empty: every active replica is in sync.
 */
export function newPartitionRecord(
  replicas: readonly number[],
  topic: TopicRecord,
  image: ClusterImage,
  defaults: TopicDefaults,
): PartitionRecord {
  const active = replicas
    .map((broker) => image.brokers.get(broker)?.value)
    .filter((registration) => registration !== undefined && canLead(registration)) as BrokerRegistration[];
  const isr: ReplicaId[] = active.map(({ broker, logIds }) => ({ broker, logId: logIds[0]! }));
  const leader = active[0];
  return {
    version: 1,
    replicas: [...replicas],
    adding: [],
    removing: [],
    leader: leader === undefined ? null : { broker: leader.broker, run: leader.run },
    leaderEpoch: 0,
    isr,
    elr: [],
    minIsr: effectiveMinIsr(minInsyncReplicas(topic.configs, topicDefaults(image, defaults)), replicas.length),
    lastKnownLeader: isr[0] ?? null,
    unclean: false,
  };
}

function canLead(registration: BrokerRegistration): boolean {
  return registration.state === 'active' && registration.logIds.length > 0;
}

/** Writes a partition that the topic doesn't show yet; over one that an earlier attempt left, if it's unchanged. */
export function putNewPartition(
  image: ClusterImage,
  keys: ClusterKeys,
  topicId: string,
  partition: number,
  record: PartitionRecord,
): PlannedChange {
  const key = keys.partition(topicId, partition);
  const leftover = image.partitions.get(topicId)?.get(partition);
  const leader: Versioned<BrokerRegistration> | undefined =
    record.leader === null ? undefined : image.brokers.get(record.leader.broker);
  return {
    reason: `create partition ${partition} of topic id ${topicId}`,
    urgency: Urgency.SETTINGS,
    compare: [
      leftover === undefined ? absentGuard(key) : partitionGuard(keys, topicId, partition, leftover),
      ...(leader === undefined ? [] : [registrationGuard(keys, leader)]),
    ],
    success: [{ type: 'put', key, value: partitionRecordCodec.encode(record) }],
  };
}
