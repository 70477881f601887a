import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Partitions of topics, in pages, with their eligible leader replicas (KIP-966). */
export const DescribeTopicPartitions = defineApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0',
  flexibleFrom: 0,
  request: {
    topics: f.array('0+', { name: f.string('0+') }),
    responsePartitionLimit: f.int32('0+').default(2000),
    cursor: f
      .struct('0+', {
        topicName: f.string('0+'),
        partitionIndex: f.int32('0+'),
      })
      .nullable('0+')
      .default(null),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    topics: f.array('0+', {
      errorCode: f.int16('0+'),
      name: f.string('0+').nullable('0+'),
      topicId: f.uuid('0+'),
      isInternal: f.bool('0+').default(false),
      partitions: f.array('0+', {
        errorCode: f.int16('0+'),
        partitionIndex: f.int32('0+'),
        leaderId: f.int32('0+'),
        leaderEpoch: f.int32('0+').default(-1),
        replicaNodes: f.array('0+', 'int32'),
        isrNodes: f.array('0+', 'int32'),
        eligibleLeaderReplicas: f.array('0+', 'int32').nullable('0+').default(null),
        lastKnownElr: f.array('0+', 'int32').nullable('0+').default(null),
        offlineReplicas: f.array('0+', 'int32'),
      }),
      topicAuthorizedOperations: f.int32('0+').default(-2147483648),
    }),
    nextCursor: f
      .struct('0+', {
        topicName: f.string('0+'),
        partitionIndex: f.int32('0+'),
      })
      .nullable('0+')
      .default(null),
  },
});

export type DescribeTopicPartitionsRequest = MessageOf<typeof DescribeTopicPartitions.request>;
export type DescribeTopicPartitionsResponse = InputOf<typeof DescribeTopicPartitions.response>;
