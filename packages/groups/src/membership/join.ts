import type { ErrorName, JoinGroupRequest } from '@ottla/protocol';
import { type Group, type Member, sameProtocols } from '../group';
import type { RequestContext } from '../messages';
import { fitsRecord } from '../records/text-length';
import type { Shard } from '../shard';
import {
  addMember,
  awaitPendingJoin,
  cancelPendingJoin,
  type JoinRequest,
  readJoinRequest,
  removeMember,
  updateMember,
} from './members';
import { completeJoinIfAllJoined, rebalanceOrCompleteJoin } from './rebalance';
import { joinAnswer, joinRefusal } from './replies';
import { replaceStaticMember } from './static-members';

const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000;

/** From this version on a dynamic member is first given an id, and joins with it (KIP-394). */
const MEMBER_ID_REQUIRED_FROM = 4;

export function joinGroup(shard: Shard, context: RequestContext, body: JoinGroupRequest): void {
  const join = readJoinRequest(context, body);
  const error = invalid(shard, join) ?? joinValid(shard, shard.groupOrNew(join.groupId), join);
  if (error !== null) shard.reply(context, joinRefusal(context.version, error, join.memberId));
}

function invalid(shard: Shard, join: JoinRequest): ErrorName | null {
  const { groupMinSessionTimeoutMs: shortest, groupMaxSessionTimeoutMs: longest } = shard.options;
  if (join.groupId === '' || !fitsRecord(join.groupId)) return 'INVALID_GROUP_ID';
  const texts = [join.instance, join.protocolType, join.context.clientId, ...join.protocols.map(({ name }) => name)];
  if (!texts.every(fitsRecord)) return 'INVALID_REQUEST';
  if (join.sessionTimeoutMs < shortest || join.sessionTimeoutMs > longest) return 'INVALID_SESSION_TIMEOUT';
  return join.memberId !== '' && !shard.groups.has(join.groupId) ? 'UNKNOWN_MEMBER_ID' : null;
}

/** Like everything below: null when the request waits or is answered, else the error to answer. */
function joinValid(shard: Shard, group: Group, join: JoinRequest): ErrorName | null {
  let error: ErrorName | null;
  if (!hasRoomFor(shard, group, join.memberId)) error = turnAway(shard, group, join);
  else if (join.memberId === '') error = joinAsNewMember(shard, group, join);
  else error = joinAsKnownMember(shard, group, join);
  shard.forgetIfUnused(group);
  return error;
}

/**
 * During a rebalance the members that have rejoined are counted, so that a group over its limit (which may have been
 * lowered) sheds those that come last.
 */
function hasRoomFor(shard: Shard, group: Group, memberId: string): boolean {
  const limit = shard.options.groupMaxSize;
  const member = group.members.get(memberId);
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true;
    case 'PreparingRebalance':
      return Boolean(member?.awaitingJoin) || group.awaitingJoinCount < limit;
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.members.size < limit;
  }
}

function turnAway(shard: Shard, group: Group, join: JoinRequest): ErrorName | null {
  const member = group.members.get(join.memberId);
  if (member) removeMember(shard, group, member, 'the group is over group.max.size');
  cancelPendingJoin(shard, group, join.memberId);
  shard.reply(join.context, joinRefusal(join.context.version, 'GROUP_MAX_SIZE_REACHED', ''));
  completeJoinIfAllJoined(shard, group);
  return null;
}

function joinAsNewMember(shard: Shard, group: Group, join: JoinRequest): ErrorName | null {
  const { version, clientId, memberIdSeed } = join.context;
  if (group.state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
  if (!group.supports(join.protocolType, join.protocols)) return 'INCONSISTENT_GROUP_PROTOCOL';

  const memberId = `${join.instance ?? clientId}-${memberIdSeed}`;
  const currentId = join.instance === null ? undefined : group.statics.get(join.instance);
  if (currentId !== undefined) {
    replaceStaticMember(shard, group, group.members.get(currentId)!, memberId, join);
  } else if (isCrowded(shard, group)) {
    return 'COORDINATOR_LOAD_IN_PROGRESS';
  } else if (join.instance === null && version >= MEMBER_ID_REQUIRED_FROM) {
    awaitPendingJoin(shard, group, memberId, join.sessionTimeoutMs);
    shard.reply(join.context, joinRefusal(version, 'MEMBER_ID_REQUIRED', memberId));
  } else {
    addAndRebalance(shard, group, memberId, join);
  }
  return null;
}

function joinAsKnownMember(shard: Shard, group: Group, join: JoinRequest): ErrorName | null {
  if (group.state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
  if (!group.supports(join.protocolType, join.protocols)) return 'INCONSISTENT_GROUP_PROTOCOL';
  if (group.pendingJoins.has(join.memberId)) {
    // Only dynamic members are given an id to join with, so this one has changed its mind.
    if (join.instance !== null) return 'INVALID_REQUEST';
    addAndRebalance(shard, group, join.memberId, join);
    return null;
  }
  const error = group.memberError(join.memberId, join.instance);
  if (error !== null) return error;
  if (group.state === 'Empty') return 'UNKNOWN_MEMBER_ID';
  rejoin(shard, group, group.members.get(join.memberId)!, join);
  return null;
}

function rejoin(shard: Shard, group: Group, member: Member, join: JoinRequest): void {
  const cause = causeOfRebalance(group, member, join);
  if (cause !== null) {
    updateMember(shard, group, member, join);
    rebalanceOrCompleteJoin(shard, group, withReason(cause, join));
    return;
  }
  const answer = joinAnswer(group, member, join.context.version);
  // Most likely it missed the answer to its first JoinGroup. In a stable group nobody is asked to assign again.
  shard.reply(join.context, group.state === 'Stable' ? { ...answer, members: [] } : answer);
}

/** Why a known member's JoinGroup takes a rebalance; null when the present generation will do. */
function causeOfRebalance(group: Group, member: Member, join: JoinRequest): string | null {
  if (group.state === 'PreparingRebalance') return `member ${member.id} joins during the rebalance`;
  // What the leader noticed, such as a topic's new partitions, needn't show in its metadata.
  if (group.state === 'Stable' && group.isLeader(member.id)) return `leader ${member.id} rejoins`;
  return sameProtocols(member.protocols, join.protocols) ? null : `member ${member.id} changed its metadata`;
}

function addAndRebalance(shard: Shard, group: Group, memberId: string, join: JoinRequest): void {
  // A member that comes during the initial delay prolongs it.
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.memberAdded = true;
  const member = addMember(shard, group, memberId, join);
  // It can't heartbeat before it is answered, and a client that has given up would otherwise stay as long as the
  // rebalance lasts.
  shard.renewSession(member, shard.options.newMemberJoinTimeoutMs ?? NEW_MEMBER_JOIN_TIMEOUT_MS);
  rebalanceOrCompleteJoin(shard, group, withReason(`member ${memberId} joined`, join));
}

/** Members and those that were promised membership are bounded even when the group's size isn't. */
function isCrowded(shard: Shard, group: Group): boolean {
  return group.members.size + group.pendingJoins.size >= (shard.options.maxPendingRequestsPerGroup ?? 10_000);
}

function withReason(cause: string, join: JoinRequest): string {
  return `${cause}; client's reason: ${join.reason}`;
}
