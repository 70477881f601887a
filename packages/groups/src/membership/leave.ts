import { ErrorCode, type ErrorName, type LeaveGroupRequest, type LeaveGroupResponse } from '@ottla/protocol';
import type { Group } from '../group';
import type { RequestContext } from '../messages';
import type { PendingWrite, Shard } from '../shard';
import { answerToWriteError } from '../write-errors';
import { cancelPendingJoin, readReason, removeMember } from './members';
import { completeJoinIfAllJoined, rebalanceOrCompleteJoin } from './rebalance';

/** From this version on several members leave at once, each with a result of its own. */
const BATCH_FROM = 3;

type LeavingMember = LeaveGroupRequest['members'][number];

interface Departure {
  readonly member: LeavingMember;
  readonly error: ErrorName;
}

export function leaveGroup(shard: Shard, context: RequestContext, body: LeaveGroupRequest): void {
  const { version } = context;
  const reply = (error: ErrorName, departures: readonly Departure[]): void =>
    shard.reply(context, leaveResponse(version, error, departures));
  const leaving = membersOf(version, body);
  const group = shard.groups.get(body.groupId);
  if (body.groupId === '') {
    reply('INVALID_GROUP_ID', []);
  } else if (!group) {
    const unknown = leaving.map((member) => ({ member, error: 'UNKNOWN_MEMBER_ID' as const }));
    reply('NONE', unknown);
  } else if (group.state === 'Dead') {
    reply('COORDINATOR_NOT_AVAILABLE', []);
  } else {
    const departures = leaving.map((member) => ({ member, error: removeLeaving(shard, group, member) }));
    const write = afterDepartures(shard, group, departures);
    if (write === null) {
      reply('NONE', departures);
      shard.forgetIfUnused(group);
    } else {
      // The group is empty, and says so when the log does.
      shard.park(group, write, (error) =>
        error === null ? reply('NONE', departures) : reply(answerToWriteError(error), []),
      );
    }
  }
}

function membersOf(version: number, { memberId, members }: LeaveGroupRequest): readonly LeavingMember[] {
  return version >= BATCH_FROM ? members : [{ memberId, groupInstanceId: null, reason: null }];
}

/** Static members may be removed by their instance id alone, by an administrator who doesn't know the member id. */
function removeLeaving(shard: Shard, group: Group, leaving: LeavingMember): ErrorName {
  const { memberId, groupInstanceId: instance } = leaving;
  if (memberId !== '' && cancelPendingJoin(shard, group, memberId)) return 'NONE';
  const byInstance = memberId === '' && instance !== null ? group.statics.get(instance) : undefined;
  if (memberId === '' && byInstance === undefined) return 'UNKNOWN_MEMBER_ID';
  const id = byInstance ?? memberId;
  const error = group.memberError(id, instance);
  if (error !== null) return error;
  removeMember(shard, group, group.members.get(id)!, 'left', readReason(leaving.reason));
  return 'NONE';
}

function afterDepartures(shard: Shard, group: Group, departures: readonly Departure[]): PendingWrite | null {
  const gone = departures.filter(({ error }) => error === 'NONE').map(({ member }) => nameOf(member));
  if (gone.length === 0) return null;
  switch (group.state) {
    case 'Stable':
    case 'CompletingRebalance':
      return rebalanceOrCompleteJoin(shard, group, `left: ${gone.join(', ')}`);
    case 'PreparingRebalance':
      return completeJoinIfAllJoined(shard, group);
    default:
      return null;
  }
}

function nameOf({ memberId, groupInstanceId }: LeavingMember): string {
  return memberId || (groupInstanceId ?? '');
}

function leaveResponse(version: number, error: ErrorName, departures: readonly Departure[]): LeaveGroupResponse {
  if (version >= BATCH_FROM) {
    const members = departures.map(({ member, error: memberError }) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      errorCode: ErrorCode[memberError],
    }));
    return { errorCode: ErrorCode[error], members };
  }
  return { errorCode: ErrorCode[error !== 'NONE' ? error : (departures[0]?.error ?? 'NONE')] };
}
