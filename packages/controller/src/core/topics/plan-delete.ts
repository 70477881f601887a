import {
  type ClusterImage,
  type ClusterKeys,
  type DeletionRecord,
  deletionRecordCodec,
  type TopicRecord,
  type Versioned,
} from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import { absentGuard, topicGuard } from '../txn/guards';
import { type PlannedTxn, planTxn, Urgency } from '../txn/planned-txn';
import type { TopicReference } from './topic-requests';

export interface DeletionPlan {
  readonly topic: TopicRecord;
  readonly transaction: PlannedTxn;
}

/**
 * One transaction takes the topic and its partitions away, and names every broker that holds a replica. Whoever gives a
 * replica of a topic to another broker rewrites the topic's key in the same transaction, so that this one, which relies
 * on the topic as it was read, can't miss a holder.
 * @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID.
 */
export function planDeleteTopic(image: ClusterImage, keys: ClusterKeys, reference: TopicReference): DeletionPlan {
  const topic = topicOf(image, reference);
  const { topicId, name, partitions } = topic.value;
  const deletion: DeletionRecord = { version: 1, topicId, name, partitions, brokers: holders(image, topicId) };
  const change = {
    reason: `delete topic ${name} (${topicId})`,
    urgency: Urgency.SETTINGS,
    compare: [topicGuard(keys, topic), absentGuard(keys.deletion(topicId))],
    success: [
      { type: 'delete' as const, key: keys.topic(name) },
      { type: 'delete-prefix' as const, prefix: keys.partitions(topicId) },
      { type: 'put' as const, key: keys.deletion(topicId), value: deletionRecordCodec.encode(deletion) },
    ],
  };
  return { topic: topic.value, transaction: planTxn([change]) };
}

/** Every broker that holds a replica of the topic, or may have begun to. */
function holders(image: ClusterImage, topicId: string): number[] {
  const brokers = new Set<number>();
  for (const { value } of image.partitions.get(topicId)?.values() ?? []) {
    for (const broker of [...value.replicas, ...value.adding, ...(value.removed ?? [])]) brokers.add(broker);
  }
  return [...brokers].sort((a, b) => a - b);
}

function topicOf(image: ClusterImage, reference: TopicReference): Versioned<TopicRecord> {
  const name = 'name' in reference ? reference.name : image.topicNames.get(reference.topicId);
  const topic = name === undefined ? undefined : image.topics.get(name);
  if (topic !== undefined) return topic;
  throw 'name' in reference
    ? new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic '${reference.name}' does not exist`)
    : new OttlaError('UNKNOWN_TOPIC_ID', `There is no topic with id ${reference.topicId}`);
}
