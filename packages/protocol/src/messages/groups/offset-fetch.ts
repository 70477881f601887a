import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * From version 2 on null asks for all topics, and there is a top-level error; 3 adds the throttle time; 5 the leader epoch
 * (KIP-320); 6 is flexible; 7 may hold back offsets of open transactions (KIP-447); 8 asks for several groups at once
 * (KIP-709), in other fields than the versions before; 9 may carry a member epoch of KIP-848's protocol.
 */
export const OffsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  versions: '1-9',
  flexibleFrom: 6,
  request: {
    groupId: f.string('0-7'),
    topics: f
      .array('0-7', {
        name: f.string('0+'),
        partitionIndexes: f.array('0+', 'int32'),
      })
      .nullable('2-7'),
    groups: f.array('8+', {
      groupId: f.string('0+'),
      memberId: f.string('9+').nullable('9+').default(null),
      memberEpoch: f.int32('9+').default(-1),
      topics: f
        .array('0+', {
          name: f.string('0+'),
          partitionIndexes: f.array('0+', 'int32'),
        })
        .nullable('0+'),
    }),
    requireStable: f.bool('7+').default(false),
  },
  response: {
    throttleTimeMs: f.int32('3+').default(0),
    topics: f.array('0-7', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        committedOffset: f.int64('0+'),
        committedLeaderEpoch: f.int32('5-7').default(-1),
        metadata: f.string('0+').nullable('0+'),
        errorCode: f.int16('0+'),
      }),
    }),
    errorCode: f.int16('2-7').default(0),
    groups: f.array('8+', {
      groupId: f.string('0+'),
      topics: f.array('0+', {
        name: f.string('0+'),
        partitions: f.array('0+', {
          partitionIndex: f.int32('0+'),
          committedOffset: f.int64('0+'),
          committedLeaderEpoch: f.int32('0+').default(-1),
          metadata: f.string('0+').nullable('0+'),
          errorCode: f.int16('0+'),
        }),
      }),
      errorCode: f.int16('0+').default(0),
    }),
  },
});

export type OffsetFetchRequest = MessageOf<typeof OffsetFetch.request>;
export type OffsetFetchResponse = InputOf<typeof OffsetFetch.response>;
