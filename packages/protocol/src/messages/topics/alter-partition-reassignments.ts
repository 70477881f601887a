import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** KIP-455. Version 1 can forbid that the number of replicas changes (KIP-860). */
export const AlterPartitionReassignments = defineApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1',
  flexibleFrom: 0,
  request: {
    timeoutMs: f.int32('0+').default(60000),
    allowReplicationFactorChange: f.bool('1+').default(true),
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        replicas: f.array('0+', 'int32').nullable('0+').default(null),
      }),
    }),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    allowReplicationFactorChange: f.bool('1+').default(true),
    errorCode: f.int16('0+'),
    errorMessage: f.string('0+').nullable('0+'),
    responses: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        errorCode: f.int16('0+'),
        errorMessage: f.string('0+').nullable('0+'),
      }),
    }),
  },
});

export type AlterPartitionReassignmentsRequest = MessageOf<typeof AlterPartitionReassignments.request>;
export type AlterPartitionReassignmentsResponse = InputOf<typeof AlterPartitionReassignments.response>;
