import { ErrorCode, type ErrorName, type JoinGroupResponse, type SyncGroupResponse } from '@ottla/protocol';
import { type Group, type Member, metadataFor, NO_ASSIGNMENT } from '../group';
import type { Shard } from '../shard';

/** From version 7 on an answer without a protocol says null, before that the empty string. */
function noProtocol(version: number): string | null {
  return version >= 7 ? null : '';
}

export function joinRefusal(version: number, error: ErrorName, memberId: string): JoinGroupResponse {
  return {
    errorCode: ErrorCode[error],
    generationId: -1,
    protocolType: null,
    protocolName: noProtocol(version),
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** The present generation as `member` sees it: only its leader is told who the members are. */
export function joinAnswer(group: Group, member: Member, version: number): JoinGroupResponse {
  return {
    errorCode: ErrorCode.NONE,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName ?? noProtocol(version),
    leader: group.leader ?? '',
    skipAssignment: false,
    memberId: member.id,
    members: group.isLeader(member.id) ? memberList(group) : [],
  };
}

export function memberList(group: Group): JoinGroupResponse['members'] {
  return [...group.members.values()].map((member) => ({
    memberId: member.id,
    groupInstanceId: member.instance,
    metadata: metadataFor(member, group.protocolName),
  }));
}

export function syncRefusal(error: ErrorName): SyncGroupResponse {
  return { errorCode: ErrorCode[error], protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT };
}

export function syncAnswer(group: Group, member: Member): SyncGroupResponse {
  return {
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}

/** Answers the member's waiting JoinGroup, if there is one. */
export function answerJoin(
  shard: Shard,
  group: Group,
  member: Member,
  body: (version: number) => JoinGroupResponse,
): boolean {
  const request = member.awaitingJoin;
  if (!request) return false;
  group.setAwaitingJoin(member, null);
  shard.reply(request, body(request.version));
  return true;
}

/** Answers the member's waiting SyncGroup, if there is one. */
export function answerSync(shard: Shard, member: Member, body: SyncGroupResponse): boolean {
  const request = member.awaitingSync;
  if (!request) return false;
  member.awaitingSync = null;
  shard.reply(request, body);
  return true;
}
