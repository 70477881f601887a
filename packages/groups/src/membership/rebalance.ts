import type { ErrorName } from '@ottla/protocol';
import { type Group, type Member, NO_ASSIGNMENT } from '../group';
import { subscribedTopicsOf } from '../records/consumer-protocol';
import { groupRecord } from '../records/group-metadata';
import type { PendingWrite, Shard } from '../shard';
import { removeMember } from './members';
import { answerJoin, answerSync, joinAnswer, syncAnswer, syncRefusal } from './replies';

/** Starts a rebalance, or, where one is under way, ends its join phase if that was the last member it waited for. */
export function rebalanceOrCompleteJoin(shard: Shard, group: Group, cause: string): PendingWrite | null {
  return group.canRebalance() ? prepareRebalance(shard, group, cause) : completeJoinIfAllJoined(shard, group);
}

/** Calls the members to rejoin. Answers the write of an empty generation, should nobody be left to wait for. */
export function prepareRebalance(shard: Shard, group: Group, cause: string): PendingWrite | null {
  if (group.state === 'CompletingRebalance') refuseSyncs(shard, group, 'REBALANCE_IN_PROGRESS');
  group.pendingSyncs.clear();
  shard.deadlines.cancel(group.syncTimer);
  group.assignmentInFlight = false;

  const isInitial = group.state === 'Empty';
  group.transitionTo('PreparingRebalance', shard.now);
  // A rebalance that is overtaken by another counts from its own start.
  group.rebalance = { startedAt: group.rebalance?.startedAt ?? shard.now, cause };
  const { id, generation, members } = group;
  shard.event({ kind: 'rebalance-started', group: id, generation, members: members.size, cause });
  if (isInitial) {
    startInitialDelay(shard, group);
    return null;
  }
  if (group.allJoined()) return completeJoin(shard, group);
  shard.deadlines.schedule(group.joinTimer, shard.now + group.rebalanceTimeoutMs());
  return null;
}

/** The first rebalance of a group waits for its full delay even when all known members have joined. */
export function completeJoinIfAllJoined(shard: Shard, group: Group): PendingWrite | null {
  const waits = group.previousState === 'Empty' || !group.allJoined();
  return group.state !== 'PreparingRebalance' || waits ? null : completeJoin(shard, group);
}

export function onJoinTimer(shard: Shard, group: Group): void {
  const delay = group.initialDelay;
  if (delay && group.memberAdded && delay.remainingMs > 0) {
    group.memberAdded = false;
    const stepMs = Math.min(shard.options.groupInitialRebalanceDelayMs, delay.remainingMs);
    group.initialDelay = { stepMs, remainingMs: Math.max(delay.remainingMs - delay.stepMs, 0) };
    shard.deadlines.schedule(group.joinTimer, shard.now + stepMs);
  } else {
    completeJoin(shard, group);
  }
}

/**
 * Ends the join phase: dynamic members that didn't rejoin are out, and the next generation begins. With members it is
 * told to them, and waits for the leader's assignment; without any it is written as it is, and that write is answered.
 */
export function completeJoin(shard: Shard, group: Group): PendingWrite | null {
  shard.deadlines.cancel(group.joinTimer);
  group.initialDelay = null;
  for (const member of [...group.members.values()]) {
    if (!member.awaitingJoin && member.instance === null) {
      removeMember(shard, group, member, 'did not rejoin within the rebalance timeout');
    }
  }
  if (group.members.size > 0 && !electJoinedLeader(group)) {
    // Only static members are left and none has rejoined: their sessions decide.
    shard.deadlines.schedule(group.joinTimer, shard.now + group.rebalanceTimeoutMs());
    return null;
  }
  group.generation++;
  group.pendingSyncs.clear();
  group.protocolName = group.members.size > 0 ? group.selectProtocol() : null;
  group.subscribedTopics = subscribedTopicsOf(group);
  if (group.members.size === 0) return becomeEmpty(shard, group);

  group.transitionTo('CompletingRebalance', shard.now);
  for (const member of group.members.values()) {
    answerJoin(shard, group, member, (version) => joinAnswer(group, member, version));
    shard.renewSession(member);
    member.isNew = false;
    group.pendingSyncs.add(member.id);
  }
  shard.deadlines.schedule(group.syncTimer, shard.now + group.rebalanceTimeoutMs());
  return null;
}

/** Gives every member its part, once the record with all of them is in the log. */
export function installAssignment(shard: Shard, group: Group, assignment: ReadonlyMap<string, Uint8Array>): void {
  group.transitionTo('Stable', shard.now);
  for (const member of group.members.values()) {
    member.assignment = assignment.get(member.id) ?? NO_ASSIGNMENT;
    // Its session stood still while it waited.
    if (answerSync(shard, member, syncAnswer(group, member))) shard.renewSession(member);
  }
  reportCompleted(shard, group);
}

/** The assignment is void: members that wait for it are told why, and no one has any. */
export function refuseSyncs(shard: Shard, group: Group, error: ErrorName): void {
  for (const member of group.members.values()) {
    member.assignment = NO_ASSIGNMENT;
    if (answerSync(shard, member, syncRefusal(error))) shard.renewSession(member);
  }
}

/** Members that were told the generation and didn't come for their assignment are out. */
export function onSyncTimer(shard: Shard, group: Group): void {
  if (group.pendingSyncs.size === 0) return;
  const late: Member[] = [];
  for (const memberId of group.pendingSyncs) late.push(group.members.get(memberId)!);
  for (const member of late) removeMember(shard, group, member, 'did not sync within the rebalance timeout');
  const names = late.map(({ id }) => id).join(', ');
  prepareRebalance(shard, group, `members did not sync in time: ${names}`);
}

function startInitialDelay(shard: Shard, group: Group): void {
  const stepMs = shard.options.groupInitialRebalanceDelayMs;
  group.initialDelay = { stepMs, remainingMs: Math.max(group.rebalanceTimeoutMs() - stepMs, 0) };
  group.memberAdded = false;
  shard.deadlines.schedule(group.joinTimer, shard.now + stepMs);
}

/** Keeps the leader if it has rejoined, else takes the first member that has; false when nobody has. */
function electJoinedLeader(group: Group): boolean {
  if (group.leader !== null && group.members.get(group.leader)?.awaitingJoin) return true;
  for (const member of group.members.values()) {
    if (!member.awaitingJoin) continue;
    group.leader = member.id;
    return true;
  }
  return false;
}

function becomeEmpty(shard: Shard, group: Group): PendingWrite {
  group.transitionTo('Empty', shard.now);
  reportCompleted(shard, group);
  group.recorded = true;
  // Should the write fail, the generation before it stays the newest in the log; its members are gone and will expire.
  return shard.write({
    records: [groupRecord(group)],
    group: group.id,
    what: `empty generation ${group.generation}`,
  });
}

function reportCompleted(shard: Shard, group: Group): void {
  const { startedAt, cause } = group.rebalance ?? { startedAt: shard.now, cause: '' };
  group.rebalance = null;
  shard.event({
    kind: 'rebalance-completed',
    group: group.id,
    generation: group.generation,
    members: group.members.size,
    leader: group.leader,
    protocol: group.protocolName,
    cause,
    durationMs: shard.now - startedAt,
  });
}
