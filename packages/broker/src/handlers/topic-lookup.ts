import type { ClusterImage, TopicRecord } from '@ottla/metadata';
import { OttlaError, ZERO_UUID } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';

/** The topic id that stands for none. */
export const NO_TOPIC_ID = ZERO_UUID;

/** How a request names a topic: by id where there is one, else by name. */
export interface TopicReference {
  readonly name?: string | null | undefined;
  readonly topicId?: string | undefined;
}

/** Null when there is no such topic. */
export function findTopic(image: ClusterImage, reference: TopicReference): TopicRecord | null {
  const { topicId, name } = reference;
  const known = topicId === undefined || topicId === NO_TOPIC_ID ? (name ?? null) : image.topicNames.get(topicId);
  return known === null || known === undefined ? null : (image.topics.get(known)?.value ?? null);
}

/** Throws UNKNOWN_TOPIC_ID or UNKNOWN_TOPIC_OR_PARTITION when there is no such topic. */
export function requireTopic(image: ClusterImage, reference: TopicReference): TopicRecord {
  const topic = findTopic(image, reference);
  if (topic !== null) return topic;
  const { topicId, name } = reference;
  if (topicId !== undefined && topicId !== NO_TOPIC_ID) {
    throw new OttlaError('UNKNOWN_TOPIC_ID', `there is no topic with the id ${topicId}; it may have been deleted`);
  }
  throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic ${name}`);
}

/** Throws UNKNOWN_TOPIC_OR_PARTITION when the topic has no such partition. */
export function requirePartition(topic: TopicRecord, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < topic.partitions) return;
  const last = topic.partitions - 1;
  throw new OttlaError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `topic ${topic.name} has partitions 0 to ${last}, there is no ${partition}`,
  );
}

export function partitionRecord(image: ClusterImage, topicId: string, partition: number): PartitionRecord | null {
  return image.partitions.get(topicId)?.get(partition)?.value ?? null;
}
