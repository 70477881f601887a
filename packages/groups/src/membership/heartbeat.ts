import { ErrorCode, type ErrorName, type HeartbeatRequest } from '@ottla/protocol';
import type { RequestContext } from '../messages';
import type { Shard } from '../shard';

export function heartbeat(shard: Shard, context: RequestContext, body: HeartbeatRequest): void {
  shard.reply(context, { errorCode: ErrorCode[heartbeatResult(shard, body)] });
}

function heartbeatResult(shard: Shard, body: HeartbeatRequest): ErrorName {
  if (body.groupId === '') return 'INVALID_GROUP_ID';
  const group = shard.groups.get(body.groupId);
  if (!group) return 'UNKNOWN_MEMBER_ID';
  if (group.state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
  const error = group.memberError(body.memberId, body.groupInstanceId);
  if (error !== null) return error;
  if (body.generationId !== group.generation) return 'ILLEGAL_GENERATION';
  shard.renewSession(group.members.get(body.memberId)!);
  return group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE';
}
