import { apis } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** Takes members out of their group without waiting for their sessions to end. */
export const leaveGroup = defineHandler(apis.LeaveGroup, {
  handle: (request, services) => toGroups('LeaveGroup', request, services),

  failure: (_request, error) => ({ errorCode: error.errorCode, members: [] }),
});
