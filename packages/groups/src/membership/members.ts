import type { JoinGroupRequest } from '@ottla/protocol';
import { timerFor } from '../deadlines';
import { type Group, type JoinProtocol, type Member, NO_ASSIGNMENT } from '../group';
import type { DepartureCause, RequestContext } from '../messages';
import type { Shard } from '../shard';
import { answerJoin, answerSync, joinRefusal, syncRefusal } from './replies';

/** A JoinGroup, with what it offers in the form that the group keeps. */
export interface JoinRequest {
  readonly context: RequestContext;
  readonly groupId: string;
  readonly memberId: string;
  readonly instance: string | null;
  readonly protocolType: string;
  readonly protocols: readonly JoinProtocol[];
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** The client's words (KIP-800), or `not provided`. */
  readonly reason: string;
}

const MAX_REASON_LENGTH = 255;

export function readJoinRequest(context: RequestContext, body: JoinGroupRequest): JoinRequest {
  const protocols = new Map<string, JoinProtocol>();
  for (const { name, metadata } of body.protocols) {
    // Copied: a view would keep the request's whole frame in memory for as long as the member lives.
    if (!protocols.has(name)) protocols.set(name, { name, metadata: metadata.slice() });
  }
  return {
    context,
    groupId: body.groupId,
    memberId: body.memberId,
    instance: body.groupInstanceId,
    protocolType: body.protocolType,
    protocols: [...protocols.values()],
    // Version 0 has no rebalance timeout; the session timeout served for both.
    rebalanceTimeoutMs: context.version === 0 ? body.sessionTimeoutMs : Math.max(0, body.rebalanceTimeoutMs),
    sessionTimeoutMs: body.sessionTimeoutMs,
    reason: readReason(body.reason) ?? 'not provided',
  };
}

export function readReason(reason: string | null): string | null {
  return reason ? reason.slice(0, MAX_REASON_LENGTH) : null;
}

/** Adds the member whose JoinGroup this is, waiting for the rebalance. */
export function addMember(shard: Shard, group: Group, memberId: string, join: JoinRequest): Member {
  const member: Member = {
    id: memberId,
    instance: join.instance,
    clientId: join.context.clientId,
    clientHost: join.context.clientHost,
    rebalanceTimeoutMs: join.rebalanceTimeoutMs,
    sessionTimeoutMs: join.sessionTimeoutMs,
    protocols: join.protocols,
    assignment: NO_ASSIGNMENT,
    awaitingJoin: join.context,
    awaitingSync: null,
    isNew: true,
    session: timerFor({ kind: 'session', group, memberId }),
  };
  cancelPendingJoin(shard, group, memberId);
  group.add(member, join.protocolType);
  shard.event({
    kind: 'member-joined',
    group: group.id,
    member: memberId,
    instance: join.instance,
    clientId: member.clientId,
    clientHost: member.clientHost,
    reason: join.reason,
  });
  return member;
}

/** A known member's new JoinGroup: takes what it offers, and makes it wait for the rebalance. */
export function updateMember(shard: Shard, group: Group, member: Member, join: JoinRequest): void {
  group.update(member, join);
  // Its earlier JoinGroup, if that still waits, came over a connection that the member has given up.
  answerJoin(shard, group, member, (version) => joinRefusal(version, 'REBALANCE_IN_PROGRESS', member.id));
  group.setAwaitingJoin(member, join.context);
}

/** Takes the member out of the group; whatever it waits for is answered UNKNOWN_MEMBER_ID, on which clients rejoin. */
export function removeMember(
  shard: Shard,
  group: Group,
  member: Member,
  cause: DepartureCause,
  reason: string | null = null,
): void {
  answerJoin(shard, group, member, (version) => joinRefusal(version, 'UNKNOWN_MEMBER_ID', ''));
  answerSync(shard, member, syncRefusal('UNKNOWN_MEMBER_ID'));
  shard.deadlines.cancel(member.session);
  group.remove(member);
  shard.event({
    kind: 'member-departed',
    group: group.id,
    member: member.id,
    instance: member.instance,
    cause,
    reason,
  });
}

/** Expects the member to join with the id that it was just given, within its session timeout. */
export function awaitPendingJoin(shard: Shard, group: Group, memberId: string, sessionTimeoutMs: number): void {
  const timer = timerFor({ kind: 'session', group, memberId } as const);
  group.pendingJoins.set(memberId, timer);
  shard.deadlines.schedule(timer, shard.now + sessionTimeoutMs);
}

/** Answers whether the member was expected. */
export function cancelPendingJoin(shard: Shard, group: Group, memberId: string): boolean {
  const timer = group.pendingJoins.get(memberId);
  if (!timer) return false;
  shard.deadlines.cancel(timer);
  return group.pendingJoins.delete(memberId);
}
