import { apis } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** State and members of groups. */
export const describeGroups = defineHandler(apis.DescribeGroups, {
  handle: (request, services) => toGroups('DescribeGroups', request, services),

  failure: ({ body }, error) => ({
    groups: body.groups.map((groupId) => ({
      errorCode: error.errorCode,
      errorMessage: error.message,
      groupId,
      groupState: '',
      protocolType: '',
      protocolData: '',
      members: [],
    })),
  }),
});
