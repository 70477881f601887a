import type { ErrorName, SyncGroupRequest } from '@ottla/protocol';
import { type Group, type Member, NO_ASSIGNMENT } from '../group';
import type { RequestContext } from '../messages';
import { groupRecord } from '../records/group-metadata';
import type { Shard } from '../shard';
import { answerToWriteError } from '../write-errors';
import { installAssignment, rebalanceOrCompleteJoin, refuseSyncs } from './rebalance';
import { answerSync, syncAnswer, syncRefusal } from './replies';

export function syncGroup(shard: Shard, context: RequestContext, body: SyncGroupRequest): void {
  const group = shard.groups.get(body.groupId);
  const error = syncError(group, body);
  if (!group || error !== null) {
    shard.reply(context, syncRefusal(error ?? 'UNKNOWN_MEMBER_ID'));
    return;
  }
  const member = group.members.get(body.memberId)!;
  synced(shard, group, member);
  if (group.state === 'Stable') {
    shard.reply(context, syncAnswer(group, member));
    return;
  }
  // An earlier SyncGroup that still waits came over a connection that the member has given up.
  answerSync(shard, member, syncRefusal('REBALANCE_IN_PROGRESS'));
  member.awaitingSync = context;
  // What the leader sends while its assignment is being written is the same again.
  if (group.isLeader(member.id) && !group.assignmentInFlight) writeAssignment(shard, group, body);
}

function syncError(group: Group | undefined, body: SyncGroupRequest): ErrorName | null {
  if (body.groupId === '') return 'INVALID_GROUP_ID';
  if (!group || group.state === 'Empty') return 'UNKNOWN_MEMBER_ID';
  if (group.state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
  const memberError = group.memberError(body.memberId, body.groupInstanceId);
  if (memberError !== null) return memberError;
  if (body.generationId !== group.generation) return 'ILLEGAL_GENERATION';
  if (differs(body.protocolType, group.protocolType) || differs(body.protocolName, group.protocolName)) {
    return 'INCONSISTENT_GROUP_PROTOCOL';
  }
  return group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : null;
}

function differs(requested: string | null, actual: string | null): boolean {
  return requested !== null && actual !== null && requested !== actual;
}

function synced(shard: Shard, group: Group, member: Member): void {
  group.pendingSyncs.delete(member.id);
  if (group.pendingSyncs.size === 0) shard.deadlines.cancel(group.syncTimer);
}

/** The leader's assignment goes to the log, and to the members once it is there. Who is left out gets nothing. */
function writeAssignment(shard: Shard, group: Group, body: SyncGroupRequest): void {
  const assignment = new Map<string, Uint8Array>();
  // Copied: a view would keep the request's whole frame in memory.
  for (const part of body.assignments) assignment.set(part.memberId, part.assignment.slice());
  const { generation } = group;
  group.assignmentInFlight = true;
  group.recorded = true;
  shard.write({
    records: [groupRecord(group, (member) => assignment.get(member.id) ?? NO_ASSIGNMENT)],
    group: group.id,
    what: `assignment of generation ${generation}`,
    settle: ({ error }) => {
      // Another rebalance may have begun meanwhile; it has told the members already.
      if (group.state !== 'CompletingRebalance' || group.generation !== generation) return;
      group.assignmentInFlight = false;
      if (error === null) return installAssignment(shard, group, assignment);
      refuseSyncs(shard, group, answerToWriteError(error));
      rebalanceOrCompleteJoin(
        shard,
        group,
        `the assignment of generation ${generation} could not be written: ${error}`,
      );
    },
  });
}
