import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** KIP-455. */
export const ListPartitionReassignments = defineApi({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0',
  flexibleFrom: 0,
  request: {
    timeoutMs: f.int32('0+').default(60000),
    topics: f
      .array('0+', {
        name: f.string('0+'),
        partitionIndexes: f.array('0+', 'int32'),
      })
      .nullable('0+')
      .default(null),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    errorCode: f.int16('0+'),
    errorMessage: f.string('0+').nullable('0+'),
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        replicas: f.array('0+', 'int32'),
        addingReplicas: f.array('0+', 'int32'),
        removingReplicas: f.array('0+', 'int32'),
      }),
    }),
  },
});

export type ListPartitionReassignmentsRequest = MessageOf<typeof ListPartitionReassignments.request>;
export type ListPartitionReassignmentsResponse = InputOf<typeof ListPartitionReassignments.response>;
