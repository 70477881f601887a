import { apis } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** Makes a consumer a member of its group. Answered when the group has all its members. */
export const joinGroup = defineHandler(apis.JoinGroup, {
  handle: (request, services) => toGroups('JoinGroup', request, services),

  failure: ({ body }, error) => ({
    errorCode: error.errorCode,
    protocolName: '',
    leader: '',
    memberId: body.memberId,
    members: [],
  }),
});
