import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Version 1 adds the throttle time; 3 static membership (KIP-345); 4 is flexible; 5 names the protocol (KIP-559). */
export const SyncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexibleFrom: 4,
  request: {
    groupId: f.string('0+'),
    generationId: f.int32('0+'),
    memberId: f.string('0+'),
    groupInstanceId: f.string('3+').nullable('3+').default(null),
    protocolType: f.string('5+').nullable('5+').default(null),
    protocolName: f.string('5+').nullable('5+').default(null),
    assignments: f.array('0+', {
      memberId: f.string('0+'),
      assignment: f.bytes('0+'),
    }),
  },
  response: {
    throttleTimeMs: f.int32('1+').default(0),
    errorCode: f.int16('0+'),
    protocolType: f.string('5+').nullable('5+').default(null),
    protocolName: f.string('5+').nullable('5+').default(null),
    assignment: f.bytes('0+'),
  },
});

export type SyncGroupRequest = MessageOf<typeof SyncGroup.request>;
export type SyncGroupResponse = InputOf<typeof SyncGroup.response>;
