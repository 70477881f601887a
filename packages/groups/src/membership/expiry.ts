import type { Group, Member } from '../group';
import type { Shard } from '../shard';
import { cancelPendingJoin, removeMember } from './members';
import { completeJoin, rebalanceOrCompleteJoin } from './rebalance';

/** A session has ended without a heartbeat, or a member that was given an id hasn't joined with it. */
export function onSessionTimer(shard: Shard, group: Group, memberId: string): void {
  if (cancelPendingJoin(shard, group, memberId)) {
    if (group.state === 'PreparingRebalance' && group.allJoined()) completeJoin(shard, group);
    shard.forgetIfUnused(group);
    return;
  }
  const member = group.members.get(memberId);
  if (!member || isExcused(member)) return;
  removeMember(shard, group, member, 'session timeout');
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
    rebalanceOrCompleteJoin(shard, group, `member ${memberId} expired`);
  } else if (group.state === 'PreparingRebalance' && group.allJoined()) {
    completeJoin(shard, group);
  }
}

/** A member that waits for the coordinator isn't late; its session starts anew when it is answered. */
function isExcused(member: Member): boolean {
  return !member.isNew && (member.awaitingJoin !== null || member.awaitingSync !== null);
}
