import { timerFor } from '../deadlines';
import type { Group, Member } from '../group';
import { groupRecord } from '../records/group-metadata';
import type { Shard, WriteOutcome } from '../shard';
import { answerToWriteError } from '../write-errors';
import { type JoinRequest, updateMember } from './members';
import { completeJoinIfAllJoined, prepareRebalance, rebalanceOrCompleteJoin } from './rebalance';
import { answerJoin, answerSync, joinAnswer, joinRefusal, memberList, syncRefusal } from './replies';

/** From this version on a leader can be told to leave the assignment alone (KIP-814). */
const SKIP_ASSIGNMENT_FROM = 9;

/**
 * A new process joins with the `group.instance.id` of `old` (KIP-345): it takes the member's place under a new id, and
 * whoever still uses the old one is fenced. A stable group whose protocol this doesn't change goes on without a rebalance.
 */
export function replaceStaticMember(
  shard: Shard,
  group: Group,
  old: Member,
  memberId: string,
  join: JoinRequest,
): void {
  const leaderBefore = group.leader;
  const member = takePlace(shard, group, old, memberId);
  shard.event({
    kind: 'member-departed',
    group: group.id,
    member: old.id,
    instance: old.instance,
    cause: 'replaced by a new process with the same group.instance.id',
    reason: null,
  });
  shard.event({
    kind: 'member-joined',
    group: group.id,
    member: memberId,
    instance: member.instance,
    clientId: member.clientId,
    clientHost: member.clientHost,
    reason: join.reason,
  });
  updateMember(shard, group, member, join);
  shard.renewSession(member);

  const cause = `static member ${member.instance} joined as ${memberId}; client's reason: ${join.reason}`;
  if (group.state === 'Stable') {
    if (group.selectProtocol() === group.protocolName) recordReplacement(shard, group, old, member, leaderBefore);
    else rebalanceOrCompleteJoin(shard, group, cause);
  } else if (group.state === 'CompletingRebalance') {
    // The leader may be assigning to the old id already.
    prepareRebalance(shard, group, cause);
  } else {
    completeJoinIfAllJoined(shard, group);
  }
}

/** Puts a member with everything that `old` had, but for its id, where `old` was; `old` is fenced. */
function takePlace(shard: Shard, group: Group, old: Member, memberId: string): Member {
  answerJoin(shard, group, old, (version) => joinRefusal(version, 'FENCED_INSTANCE_ID', old.id));
  answerSync(shard, old, syncRefusal('FENCED_INSTANCE_ID'));
  shard.deadlines.cancel(old.session);
  const member: Member = {
    ...old,
    id: memberId,
    isNew: false,
    session: timerFor({ kind: 'session', group, memberId }),
  };
  group.replace(old, member);
  shard.renewSession(member);
  return member;
}

/** The generation stays as it is, with the member under its new id; it is answered once the log has that. */
function recordReplacement(shard: Shard, group: Group, old: Member, member: Member, leaderBefore: string | null): void {
  const { generation } = group;
  const request = member.awaitingJoin;
  group.recorded = true;
  const settle = ({ error, inDoubt }: WriteOutcome): void => {
    // A rebalance that began meanwhile answers the member's JoinGroup in its own time.
    if (group.state !== 'Stable' || group.generation !== generation || member.awaitingJoin !== request) return;
    if (error === null) {
      tellGeneration(shard, group, member, leaderBefore);
      return;
    }
    answerJoin(shard, group, member, (version) => ({
      ...joinRefusal(version, answerToWriteError(error), ''),
      generationId: group.generation,
    }));
    if (!inDoubt) undoReplacement(shard, group, old, member);
  };
  shard.write({
    records: [groupRecord(group)],
    group: group.id,
    what: `static member ${member.instance} as ${member.id}`,
    settle,
  });
}

/** The member of record is the old one, with what it offered. */
function undoReplacement(shard: Shard, group: Group, old: Member, member: Member): void {
  group.update(member, old);
  takePlace(shard, group, member, old.id);
}

/**
 * A leader that is told so would assign again, though a stable group takes no assignment. So it is told to skip that, or,
 * by an older version, that the leader is the id which it had before.
 */
function tellGeneration(shard: Shard, group: Group, member: Member, leaderBefore: string | null): void {
  const isLeader = group.isLeader(member.id);
  answerJoin(shard, group, member, (version) =>
    version >= SKIP_ASSIGNMENT_FROM
      ? { ...joinAnswer(group, member, version), members: isLeader ? memberList(group) : [], skipAssignment: isLeader }
      : { ...joinAnswer(group, member, version), members: [], leader: leaderBefore ?? '' },
  );
}
