import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 2 adds the isolation level; 4 the leader epoch (KIP-320); 5 may answer OFFSET_NOT_AVAILABLE (KIP-207); 6 is
 * flexible; 7 asks for the largest timestamp with -3 (KIP-734); 8 for the earliest local offset with -4 (KIP-405); 9 for
 * the latest tiered offset with -5 (KIP-1005); 10 adds a timeout for reads of tiered storage (KIP-1075).
 */
export const ListOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  versions: '1-10',
  flexibleFrom: 6,
  request: {
    replicaId: f.int32('0+'),
    isolationLevel: f.int8('2+'),
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        currentLeaderEpoch: f.int32('4+').default(-1),
        timestamp: f.int64('0+'),
      }),
    }),
    timeoutMs: f.int32('10+'),
  },
  response: {
    throttleTimeMs: f.int32('2+').default(0),
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        errorCode: f.int16('0+'),
        timestamp: f.int64('0+').default(-1),
        offset: f.int64('0+').default(-1),
        leaderEpoch: f.int32('4+').default(-1),
      }),
    }),
  },
});

export type ListOffsetsRequest = MessageOf<typeof ListOffsets.request>;
export type ListOffsetsResponse = InputOf<typeof ListOffsets.response>;
