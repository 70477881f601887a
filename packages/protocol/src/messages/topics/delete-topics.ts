import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 4 is flexible; 5 adds the error message (KIP-599); 6 takes topics by name or by topic id (KIP-516), in another
 * list than the versions before.
 */
export const DeleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  versions: '1-6',
  flexibleFrom: 4,
  request: {
    topics: f.array('6+', {
      name: f.string('0+').nullable('0+').default(null),
      topicId: f.uuid('0+'),
    }),
    topicNames: f.array('0-5', 'string'),
    timeoutMs: f.int32('0+'),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    responses: f.array('0+', {
      name: f.string('0+').nullable('6+'),
      topicId: f.uuid('6+'),
      errorCode: f.int16('0+'),
      errorMessage: f.string('5+').nullable('5+').default(null),
    }),
  },
});

export type DeleteTopicsRequest = MessageOf<typeof DeleteTopics.request>;
export type DeleteTopicsResponse = InputOf<typeof DeleteTopics.response>;
