import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';
import { AUTHORIZED_OPERATIONS_OMITTED } from '../cluster/metadata';

/**
 * Version 1 adds the throttle time; 3 authorized operations (KIP-430); 4 static membership (KIP-345); 5 is flexible; 6
 * adds the error message, and answers GROUP_ID_NOT_FOUND for a group that isn't there instead of a dead one (KIP-1043).
 */
export const DescribeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6',
  flexibleFrom: 5,
  request: {
    groups: f.array('0+', 'string'),
    includeAuthorizedOperations: f.bool('3+'),
  },
  response: {
    throttleTimeMs: f.int32('1+').default(0),
    groups: f.array('0+', {
      errorCode: f.int16('0+'),
      errorMessage: f.string('6+').nullable('6+').default(null),
      groupId: f.string('0+'),
      groupState: f.string('0+'),
      protocolType: f.string('0+'),
      protocolData: f.string('0+'),
      members: f.array('0+', {
        memberId: f.string('0+'),
        groupInstanceId: f.string('4+').nullable('4+').default(null),
        clientId: f.string('0+'),
        clientHost: f.string('0+'),
        memberMetadata: f.bytes('0+'),
        memberAssignment: f.bytes('0+'),
      }),
      authorizedOperations: f.int32('3+').default(AUTHORIZED_OPERATIONS_OMITTED),
    }),
  },
});

export type DescribeGroupsRequest = MessageOf<typeof DescribeGroups.request>;
export type DescribeGroupsResponse = InputOf<typeof DescribeGroups.response>;
