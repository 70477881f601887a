import { ErrorCode, type ErrorName } from '@ottla/protocol';
import { deleteRefusal, describedAs } from './listing';
import { joinRefusal, syncRefusal } from './membership/replies';
import type { GroupRequestInput, GroupResponse } from './messages';
import { commitRefusal } from './offsets/commit';
import { fetchRefusal } from './offsets/fetch';

/** The answer that gives `error` to all that the request asks, in the shape of its version. */
export function refusal(request: GroupRequestInput, error: ErrorName): GroupResponse {
  switch (request.api) {
    case 'JoinGroup':
      return joinRefusal(request.version, error, request.body.memberId);
    case 'SyncGroup':
      return syncRefusal(error);
    case 'OffsetCommit':
      return commitRefusal(request.body, error);
    case 'OffsetFetch':
      return fetchRefusal(request.version, request.body, error);
    case 'DescribeGroups':
      return { groups: request.body.groups.map((groupId) => describedAs(groupId, error, '', null)) };
    case 'ListGroups':
      return { errorCode: ErrorCode[error], groups: [] };
    case 'DeleteGroups':
      return deleteRefusal(request.body, error);
    case 'Heartbeat':
      return { errorCode: ErrorCode[error] };
    case 'LeaveGroup':
      return { errorCode: ErrorCode[error], members: [] };
  }
}
