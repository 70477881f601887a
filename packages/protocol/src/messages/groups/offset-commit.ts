import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Versions 2 to 4 carry a retention time, which brokers ignore; 3 adds the throttle time; 6 the leader epoch (KIP-320); 7
 * static membership (KIP-345); 8 is flexible; 9 may carry a member epoch of KIP-848's protocol.
 */
export const OffsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  versions: '2-9',
  flexibleFrom: 8,
  request: {
    groupId: f.string('0+'),
    generationIdOrMemberEpoch: f.int32('0+').default(-1),
    memberId: f.string('0+'),
    groupInstanceId: f.string('7+').nullable('7+').default(null),
    retentionTimeMs: f.int64('2-4').default(-1),
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        committedOffset: f.int64('0+'),
        committedLeaderEpoch: f.int32('6+').default(-1),
        committedMetadata: f.string('0+').nullable('0+'),
      }),
    }),
  },
  response: {
    throttleTimeMs: f.int32('3+').default(0),
    topics: f.array('0+', {
      name: f.string('0+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        errorCode: f.int16('0+'),
      }),
    }),
  },
});

export type OffsetCommitRequest = MessageOf<typeof OffsetCommit.request>;
export type OffsetCommitResponse = InputOf<typeof OffsetCommit.response>;
