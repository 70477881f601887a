import { apis } from '@ottla/protocol';
import { AUTHORIZED_OPERATIONS } from '../authorized-operations';
import { defineHandler } from '../handler';
import { toGroups } from './to-groups';

/** State and members of groups. */
export const describeGroups = defineHandler(apis.DescribeGroups, {
  async handle(request, services) {
    const { groups } = await toGroups('DescribeGroups', request, services);
    if (!request.body.includeAuthorizedOperations) return { groups };
    const authorizedOperations = AUTHORIZED_OPERATIONS.group;
    return { groups: groups.map((group) => (group.errorCode === 0 ? { ...group, authorizedOperations } : group)) };
  },

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
