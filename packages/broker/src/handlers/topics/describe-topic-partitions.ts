import type { ClusterImage, TopicRecord } from '@ottla/metadata';
import {
  apis,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  ErrorCode,
  OttlaError,
} from '@ottla/protocol';
import { AUTHORIZED_OPERATIONS } from '../authorized-operations';
import { defineHandler } from '../handler';
import { knownBrokers } from '../known-brokers';
import { NO_TOPIC_ID, partitionRecord } from '../topic-lookup';

type TopicResponse = DescribeTopicPartitionsResponse['topics'][number];
type PartitionResponse = TopicResponse['partitions'][number];
type Cursor = NonNullable<DescribeTopicPartitionsRequest['cursor']>;

/** Most partitions of one answer. */
const PAGE_LIMIT = 2_000;

/** Partitions of topics in the order of their names, a page at a time: the next one begins at the cursor (KIP-966). */
export const describeTopicPartitions = defineHandler(apis.DescribeTopicPartitions, {
  handle({ body }, services) {
    const image = services.image();
    const { cursor } = body;
    if (cursor !== null && cursor.partitionIndex < 0) {
      throw new OttlaError(
        'INVALID_REQUEST',
        `the cursor begins at partition ${cursor.partitionIndex}: expected 0 or more`,
      );
    }
    const brokers = new Set(knownBrokers(services, image).keys());
    const names = namesFrom(body, image);
    const limit = Math.max(1, Math.min(body.responsePartitionLimit, PAGE_LIMIT));
    return page(names, cursor, limit, image, brokers);
  },

  failure: ({ body }, error) => ({
    topics: body.topics.map(({ name }) => ({
      errorCode: error.errorCode,
      name,
      topicId: NO_TOPIC_ID,
      partitions: [],
    })),
  }),
});

function namesFrom({ topics, cursor }: DescribeTopicPartitionsRequest, image: ClusterImage): string[] {
  const names = topics.length === 0 ? image.topics.keys() : topics.map(({ name }) => name);
  const from = cursor?.topicName ?? '';
  return [...new Set(names)].filter((name) => name >= from).sort();
}

function page(
  names: readonly string[],
  cursor: Cursor | null,
  limit: number,
  image: ClusterImage,
  brokers: ReadonlySet<number>,
): DescribeTopicPartitionsResponse {
  const topics: TopicResponse[] = [];
  let left = limit;
  for (const name of names) {
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } };
    const topic = image.topics.get(name)?.value;
    if (topic === undefined) {
      topics.push({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, topicId: NO_TOPIC_ID, partitions: [] });
      continue;
    }
    const from = cursor?.topicName === name ? cursor.partitionIndex : 0;
    const upTo = Math.min(topic.partitions, from + left);
    topics.push(described(topic, from, upTo, image, brokers));
    left -= Math.max(upTo - from, 0);
    if (upTo < topic.partitions) return { topics, nextCursor: { topicName: name, partitionIndex: upTo } };
  }
  return { topics, nextCursor: null };
}

function described(
  topic: TopicRecord,
  from: number,
  upTo: number,
  image: ClusterImage,
  brokers: ReadonlySet<number>,
): TopicResponse {
  const partitions: PartitionResponse[] = [];
  for (let partition = from; partition < upTo; partition++) {
    partitions.push(describedPartition(topic.topicId, partition, image, brokers));
  }
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: topic.internal,
    partitions,
    topicAuthorizedOperations: AUTHORIZED_OPERATIONS.topic,
  };
}

function describedPartition(
  topicId: string,
  partitionIndex: number,
  image: ClusterImage,
  brokers: ReadonlySet<number>,
): PartitionResponse {
  const record = partitionRecord(image, topicId, partitionIndex);
  if (record === null) {
    const errorCode = ErrorCode.LEADER_NOT_AVAILABLE;
    return { errorCode, partitionIndex, leaderId: -1, replicaNodes: [], isrNodes: [], offlineReplicas: [] };
  }
  const { leader, leaderEpoch, replicas, isr, elr, lastKnownLeader } = record;
  const nobodyIsEligible = leader === null && isr.length === 0 && elr.length === 0;
  return {
    errorCode: ErrorCode.NONE,
    partitionIndex,
    leaderId: leader?.broker ?? -1,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr.map(({ broker }) => broker),
    eligibleLeaderReplicas: elr.map(({ broker }) => broker),
    lastKnownElr: nobodyIsEligible && lastKnownLeader !== null ? [lastKnownLeader.broker] : [],
    offlineReplicas: replicas.filter((broker) => !brokers.has(broker)),
  };
}
