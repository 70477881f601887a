import {
  type ClusterImage,
  type ClusterKeys,
  type TopicRecord,
  topicRecordCodec,
  type Versioned,
} from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import { askedView } from '../partitions/liveness';
import { planPartitionChange } from '../partitions/plan-partitions';
import type { TopicDefaults } from '../settings';
import { minInsyncReplicas, topicDefaults } from '../topics/default-configs';
import { topicGuard } from '../txn/guards';
import { type PlannedChange, Urgency } from '../txn/planned-txn';
import { isReassigning, originalReplicas, reassignedTo, sameAssignment, settledOn, targetReplicas } from './assignment';
import { changeAssignment } from './assignment-change';

export interface ReassignmentRequest {
  readonly topic: string;
  readonly partition: number;
  /** The brokers that shall hold it, the preferred leader first; null cancels the reassignment under way. */
  readonly replicas: readonly number[] | null;
}

export interface ReassignmentContext {
  readonly image: ClusterImage;
  readonly keys: ClusterKeys;
  readonly defaults: TopicDefaults;
}

/**
 * The first step of a reassignment, or its cancellation; null when there is nothing to do. The change relies on the topic's
 * key as it was read and rewrites it (`rewriteTopic`), so that a deletion of the topic can't miss a holder.
 *
 * @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR,
 *   NO_REASSIGNMENT_IN_PROGRESS, LEADER_NOT_AVAILABLE.
 */
export function planReassignment(
  context: ReassignmentContext,
  request: ReassignmentRequest,
  allowReplicationFactorChange = true,
): PlannedChange | null {
  const { image, defaults } = context;
  const { topic, record } = partitionOf(image, request.topic, request.partition);
  const name = `${request.topic}-${request.partition}`;
  const next =
    request.replicas === null
      ? cancelled(name, record.value)
      : retargeted(name, record.value, request.replicas, image, allowReplicationFactorChange);
  if (sameAssignment(next, record.value)) return null;
  const minimum = minInsyncReplicas(topic.value.configs, topicDefaults(image, defaults));
  const change = changeAssignment(record.value, next, askedView(image.brokers), minimum);
  if ('refused' in change) throw new OttlaError(change.code, `${name}: ${change.refused}; try again later`);
  const kind = 'reassigning' as const;
  return planPartitionChange(context, topic, request.partition, record, { kind, ...change });
}

/** Goes into each transaction that gives replicas of the topic to brokers, once. */
export function rewriteTopic(keys: ClusterKeys, topic: Versioned<TopicRecord>): PlannedChange {
  return {
    reason: `topic ${topic.value.name}: other brokers hold it`,
    urgency: Urgency.REASSIGN,
    compare: [topicGuard(keys, topic)],
    success: [{ type: 'put', key: keys.topic(topic.value.name), value: topicRecordCodec.encode(topic.value) }],
  };
}

/** @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION. */
export function partitionOf(
  image: ClusterImage,
  name: string,
  partition: number,
): { topic: Versioned<TopicRecord>; record: Versioned<PartitionRecord> } {
  const topic = image.topics.get(name);
  if (topic === undefined) throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic '${name}' does not exist`);
  const record = image.partitions.get(topic.value.topicId)?.get(partition);
  if (record === undefined || partition >= topic.value.partitions) {
    const message = `Topic '${name}' has ${topic.value.partitions} partition(s), ${partition} is not one of them`;
    throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', message);
  }
  return { topic, record };
}

function cancelled(name: string, record: PartitionRecord) {
  if (isReassigning(record)) return settledOn(originalReplicas(record));
  throw new OttlaError('NO_REASSIGNMENT_IN_PROGRESS', `${name}: no reassignment is in progress`);
}

function retargeted(
  name: string,
  record: PartitionRecord,
  target: readonly number[],
  image: ClusterImage,
  allowReplicationFactorChange: boolean,
) {
  checkTarget(name, record, target, image);
  const present = targetReplicas(record).length;
  if (!allowReplicationFactorChange && target.length !== present) {
    const message = `${name}: it has ${present} replica(s), ${target.length} are asked for, and the request forbids a change`;
    throw new OttlaError('INVALID_REPLICATION_FACTOR', message);
  }
  return reassignedTo(record, target);
}

/** Brokers that hold the partition may be away; those that are to get it must be there to take it. */
function checkTarget(name: string, record: PartitionRecord, target: readonly number[], image: ClusterImage): void {
  const refuse = (reason: string): never => {
    throw new OttlaError('INVALID_REPLICA_ASSIGNMENT', `${name}: ${reason}`);
  };
  if (target.length === 0) refuse('the list of replicas is empty: name at least one broker');
  const twice = target.find((broker, index) => target.indexOf(broker) !== index);
  if (twice !== undefined) refuse(`broker ${twice} is named more than once`);
  const unknown = target.find((broker) => !record.replicas.includes(broker) && !image.brokers.has(broker));
  if (unknown !== undefined) refuse(`broker ${unknown} is not registered: start it first`);
}
