import { apis } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** The groups that this broker coordinates. */
export const listGroups = defineHandler(apis.ListGroups, {
  handle: (request, services) => toGroups('ListGroups', request, services),

  failure: (_request, error) => ({ errorCode: error.errorCode, groups: [] }),
});
