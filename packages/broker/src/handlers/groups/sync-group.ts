import { apis } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** Hands out the assignment that the group's leader made. */
export const syncGroup = defineHandler(apis.SyncGroup, {
  handle: (request, services) => toGroups('SyncGroup', request, services),

  failure: (_request, error) => ({ errorCode: error.errorCode, assignment: new Uint8Array(0) }),
});
