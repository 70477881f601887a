import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Version 2 fences by the current leader epoch (KIP-320); 3 adds the replica id; 4 is flexible. */
export const OffsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '2-4',
  flexibleFrom: 4,
  request: {
    replicaId: f.int32('3+').default(-2),
    topics: f.array('0+', {
      topic: f.string('0+'),
      partitions: f.array('0+', {
        partition: f.int32('0+'),
        currentLeaderEpoch: f.int32('0+').default(-1),
        leaderEpoch: f.int32('0+'),
      }),
    }),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    topics: f.array('0+', {
      topic: f.string('0+'),
      partitions: f.array('0+', {
        errorCode: f.int16('0+'),
        partition: f.int32('0+'),
        leaderEpoch: f.int32('0+').default(-1),
        endOffset: f.int64('0+').default(-1),
      }),
    }),
  },
});

export type OffsetForLeaderEpochRequest = MessageOf<typeof OffsetForLeaderEpoch.request>;
export type OffsetForLeaderEpochResponse = InputOf<typeof OffsetForLeaderEpoch.response>;
