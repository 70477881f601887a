import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** What a leader knows of the idempotent producers of its partitions (KIP-664). */
export const DescribeProducers = defineApi({
  key: 61,
  name: 'DescribeProducers',
  versions: '0',
  flexibleFrom: 0,
  request: {
    topics: f.array('0+', {
      name: f.string('0+'),
      partitionIndexes: f.array('0+', 'int32'),
    }),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        errorCode: f.int16('0+'),
        errorMessage: f.string('0+').nullable('0+').default(null),
        activeProducers: f.array('0+', {
          producerId: f.int64('0+'),
          producerEpoch: f.int32('0+'),
          lastSequence: f.int32('0+').default(-1),
          lastTimestamp: f.int64('0+').default(-1),
          coordinatorEpoch: f.int32('0+'),
          currentTxnStartOffset: f.int64('0+').default(-1),
        }),
      }),
    }),
  },
});

export type DescribeProducersRequest = MessageOf<typeof DescribeProducers.request>;
export type DescribeProducersResponse = InputOf<typeof DescribeProducers.response>;
