import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 1 adds the throttle time; 3 takes several members, static ones too (KIP-345), instead of one; 4 is flexible; 5
 * adds the reason (KIP-800).
 */
export const LeaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5',
  flexibleFrom: 4,
  request: {
    groupId: f.string('0+'),
    memberId: f.string('0-2'),
    members: f.array('3+', {
      memberId: f.string('0+'),
      groupInstanceId: f.string('0+').nullable('0+').default(null),
      reason: f.string('5+').nullable('5+').default(null),
    }),
  },
  response: {
    throttleTimeMs: f.int32('1+').default(0),
    errorCode: f.int16('0+'),
    members: f.array('3+', {
      memberId: f.string('0+'),
      groupInstanceId: f.string('0+').nullable('0+'),
      errorCode: f.int16('0+'),
    }),
  },
});

export type LeaveGroupRequest = MessageOf<typeof LeaveGroup.request>;
export type LeaveGroupResponse = InputOf<typeof LeaveGroup.response>;
