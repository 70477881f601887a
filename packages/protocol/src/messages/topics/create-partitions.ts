import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Version 2 is flexible; 3 may answer THROTTLING_QUOTA_EXCEEDED (KIP-599). */
export const CreatePartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexibleFrom: 2,
  request: {
    topics: f.array('0+', {
      name: f.string('0+'),
      count: f.int32('0+'),
      assignments: f
        .array('0+', {
          brokerIds: f.array('0+', 'int32'),
        })
        .nullable('0+'),
    }),
    timeoutMs: f.int32('0+'),
    validateOnly: f.bool('0+'),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    results: f.array('0+', {
      name: f.string('0+'),
      errorCode: f.int16('0+'),
      errorMessage: f.string('0+').nullable('0+').default(null),
    }),
  },
});

export type CreatePartitionsRequest = MessageOf<typeof CreatePartitions.request>;
export type CreatePartitionsResponse = InputOf<typeof CreatePartitions.response>;
