import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * From version 4 on -1 asks for the default number of partitions and replicas (KIP-464); 5 is flexible and answers with
 * the topic's configs (KIP-525); 6 may answer THROTTLING_QUOTA_EXCEEDED (KIP-599); 7 answers with the topic id (KIP-516).
 */
export const CreateTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  versions: '2-7',
  flexibleFrom: 5,
  request: {
    topics: f.array('0+', {
      name: f.string('0+'),
      numPartitions: f.int32('0+'),
      replicationFactor: f.int16('0+'),
      assignments: f.array('0+', {
        partitionIndex: f.int32('0+'),
        brokerIds: f.array('0+', 'int32'),
      }),
      configs: f.array('0+', {
        name: f.string('0+'),
        value: f.string('0+').nullable('0+'),
      }),
    }),
    timeoutMs: f.int32('0+').default(60000),
    validateOnly: f.bool('0+').default(false),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    topics: f.array('0+', {
      name: f.string('0+'),
      topicId: f.uuid('7+'),
      errorCode: f.int16('0+'),
      errorMessage: f.string('0+').nullable('0+'),
      topicConfigErrorCode: f.int16('5+').tag(0),
      numPartitions: f.int32('5+').default(-1),
      replicationFactor: f.int16('5+').default(-1),
      configs: f
        .array('5+', {
          name: f.string('0+'),
          value: f.string('0+').nullable('0+'),
          readOnly: f.bool('0+'),
          configSource: f.int8('0+').default(-1),
          isSensitive: f.bool('0+'),
        })
        .nullable('5+'),
    }),
  },
});

export type CreateTopicsRequest = MessageOf<typeof CreateTopics.request>;
export type CreateTopicsResponse = InputOf<typeof CreateTopics.response>;
