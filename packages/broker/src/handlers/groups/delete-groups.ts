import { apis } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** Deletes groups without members, and their committed offsets. */
export const deleteGroups = defineHandler(apis.DeleteGroups, {
  handle: (request, services) => toGroups('DeleteGroups', request, services),

  failure: ({ body }, error) => ({
    results: body.groupsNames.map((groupId) => ({ groupId, errorCode: error.errorCode })),
  }),
});
