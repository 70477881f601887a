import { type TopicRecord, topicRecordCodec, type Versioned } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import { targetReplicas } from '../reassignment/assignment';
import { topicGuard } from '../txn/guards';
import { batchChanges, type PlannedChange, planTxn, Urgency } from '../txn/planned-txn';
import { checkAssignment } from './assignment';
import { newPartitionRecord, putNewPartition } from './new-partition';
import { place, placeableBrokers } from './placement';
import { type CreationContext, type CreationPlan, checkPartitionCount, PARTITIONS_WITH_TOPIC } from './plan-create';
import type { CreatePartitionsRequest } from './topic-requests';

/**
 * Every transaction relies on the topic as it was read, so that it's refused once the topic grew, changed or is gone.
 * @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT,
 *   INVALID_REPLICATION_FACTOR.
 */
export function planCreatePartitions(
  context: Omit<CreationContext, 'validateConfigs'>,
  request: CreatePartitionsRequest,
): CreationPlan {
  const { image, keys, defaults } = context;
  const topic = existingTopic(context, request.name);
  checkIncrease(topic.value, request.count);
  const assignment = assignReplicas(context, topic.value, request);
  const grown: TopicRecord = { ...topic.value, partitions: request.count };
  const guard = topicGuard(keys, topic);
  const changes = assignment.map((replicas, index) => {
    const record = newPartitionRecord(replicas, topic.value, image, defaults);
    return putNewPartition(image, keys, topic.value.topicId, topic.value.partitions + index, record);
  });
  const show: PlannedChange = {
    reason: `topic ${request.name}: grow to ${request.count} partitions`,
    urgency: Urgency.SETTINGS,
    compare: [],
    success: [{ type: 'put', key: keys.topic(request.name), value: topicRecordCodec.encode(grown) }],
  };
  return {
    topic: grown,
    firstPartition: topic.value.partitions,
    replicationFactor: assignment[0]!.length,
    transactions: [
      ...batchChanges(changes.slice(PARTITIONS_WITH_TOPIC), [guard]),
      planTxn([show, ...changes.slice(0, PARTITIONS_WITH_TOPIC)], [guard]),
    ],
  };
}

function existingTopic(context: Omit<CreationContext, 'validateConfigs'>, name: string): Versioned<TopicRecord> {
  const topic = context.image.topics.get(name);
  if (topic !== undefined) return topic;
  throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic '${name}' does not exist`);
}

function checkIncrease(topic: TopicRecord, count: number): void {
  checkPartitionCount(topic.name, count);
  if (count === topic.partitions) {
    throw new OttlaError('INVALID_PARTITIONS', `Topic '${topic.name}' already has ${count} partition(s)`);
  }
  if (count < topic.partitions) {
    throw new OttlaError(
      'INVALID_PARTITIONS',
      `Topic '${topic.name}' has ${topic.partitions} partition(s); ${count} would not be an increase`,
    );
  }
}

function assignReplicas(
  context: Omit<CreationContext, 'validateConfigs'>,
  topic: TopicRecord,
  request: CreatePartitionsRequest,
): number[][] {
  const { image } = context;
  const partitions = request.count - topic.partitions;
  const first = image.partitions.get(topic.topicId)?.get(0)?.value;
  const replicationFactor = first === undefined ? 1 : targetReplicas(first).length;
  if (request.assignments === undefined) {
    return place(placeableBrokers(image), { firstPartition: topic.partitions, partitions, replicationFactor });
  }
  if (request.assignments.length !== partitions) {
    throw new OttlaError(
      'INVALID_REPLICA_ASSIGNMENT',
      `Topic '${topic.name}': ${partitions} partition(s) are to be added, but replicas of ` +
        `${request.assignments.length} are assigned`,
    );
  }
  return request.assignments.map((assigned, index) =>
    checkAssignment(topic.name, topic.partitions + index, assigned, replicationFactor, image),
  );
}
