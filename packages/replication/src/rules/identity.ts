import type { MessageBase } from '../messages';
import type { PartitionRecord, ReplicaId, ReplicaSelf } from '../types';

/** A broker whose log id was replaced may have lost records: it is another replica. */
export function isSameReplica(a: ReplicaId, b: ReplicaId): boolean {
  return a.broker === b.broker && a.logId === b.logId;
}

/** Whether `replica` is one of `set`. */
export function includesReplica(set: readonly ReplicaId[], replica: ReplicaId): boolean {
  return set.some((member) => isSameReplica(member, replica));
}

/**
 * The role that the record gives to this broker in this run. A broker that was restarted doesn't lead on in the epoch
 * of its former run: what that run had promised is not known any more.
 */
export function roleIn(record: PartitionRecord, self: ReplicaSelf): 'leader' | 'follower' | 'idle' {
  const { leader, replicas } = record;
  if (leader === null) return 'idle';
  if (leader.broker === self.broker) return leader.run === self.run ? 'leader' : 'idle';
  return replicas.includes(self.broker) ? 'follower' : 'idle';
}

/** Whether a message is of the current leader epoch and subscription; anything else is late and must be dropped. */
export function isCurrent(message: MessageBase, leaderEpoch: number, subscription: number): boolean {
  return message.leaderEpoch === leaderEpoch && message.subscription === subscription;
}

/** Whether the result of a write may be acknowledged or reported: only in the epoch in which it was begun. */
export function isOfEpoch(resultEpoch: number, leaderEpoch: number): boolean {
  return resultEpoch === leaderEpoch;
}

/**
 * Whether the end of a replica's own log is known. Until then it neither subscribes nor begins its epoch as leader: a
 * write that was begun in an earlier epoch may still succeed or fail.
 */
export function isSettled(writesInFlight: number, isBeingCut: boolean): boolean {
  return writesInFlight === 0 && !isBeingCut;
}
