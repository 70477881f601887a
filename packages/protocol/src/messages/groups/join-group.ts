import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 1 adds the rebalance timeout (KIP-62); 2 the throttle time; from 4 on a first join is answered with
 * MEMBER_ID_REQUIRED and the id to join with (KIP-394); 5 adds static membership (KIP-345); 6 is flexible; 7 answers with
 * the protocol type, and with null where no protocol was chosen (KIP-559); 8 adds the reason (KIP-800); 9 lets the
 * coordinator tell the leader to skip the assignment (KIP-814).
 */
export const JoinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  versions: '0-9',
  flexibleFrom: 6,
  request: {
    groupId: f.string('0+'),
    sessionTimeoutMs: f.int32('0+'),
    rebalanceTimeoutMs: f.int32('1+').default(-1),
    memberId: f.string('0+'),
    groupInstanceId: f.string('5+').nullable('5+').default(null),
    protocolType: f.string('0+'),
    protocols: f.array('0+', {
      name: f.string('0+'),
      metadata: f.bytes('0+'),
    }),
    reason: f.string('8+').nullable('8+').default(null),
  },
  response: {
    throttleTimeMs: f.int32('2+').default(0),
    errorCode: f.int16('0+'),
    generationId: f.int32('0+').default(-1),
    protocolType: f.string('7+').nullable('7+').default(null),
    protocolName: f.string('0+').nullable('7+'),
    leader: f.string('0+'),
    skipAssignment: f.bool('9+').default(false),
    memberId: f.string('0+'),
    members: f.array('0+', {
      memberId: f.string('0+'),
      groupInstanceId: f.string('5+').nullable('5+').default(null),
      metadata: f.bytes('0+'),
    }),
  },
});

export type JoinGroupRequest = MessageOf<typeof JoinGroup.request>;
export type JoinGroupResponse = InputOf<typeof JoinGroup.response>;
