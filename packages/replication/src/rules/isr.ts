import type { PartitionRecord, ReplicaId } from '../types';
import { includesReplica, isSameReplica } from './identity';

/** The log end offset that this very replica (broker and log id) reported in this leader epoch, null when none. */
export type LogEndOf = (replica: ReplicaId) => number | null;

/**
 * Everyone who may be in the ISR by now: the committed members, those that a change in flight or of unknown outcome
 * would drop included, and those that it would add.
 */
export function maximalIsr(committed: readonly ReplicaId[], proposed: readonly ReplicaId[]): ReplicaId[] {
  return [...committed, ...proposed.filter((replica) => !includesReplica(committed, replica))];
}

/**
 * Whether the committed ISR has the effective `min.insync.replicas`. What is merely proposed doesn't count: were the
 * leader to die now, the store's ISR and ELR would decide, and they don't know of it.
 */
export function hasMinimum(record: PartitionRecord): boolean {
  return record.isr.length >= record.minIsr;
}

/**
 * The high watermark: the smallest log end of the maximal ISR. It stands still while the committed ISR is below the
 * minimum (KIP-966: eligible leaders, who left the ISR, still hold everything below it) and while a member has not
 * reported in this epoch. It never goes back.
 */
export function highWatermarkOf(
  current: number,
  record: PartitionRecord,
  members: readonly ReplicaId[],
  logEndOf: LogEndOf,
): number {
  if (!hasMinimum(record)) return current;
  let smallest = Number.POSITIVE_INFINITY;
  for (const member of members) smallest = Math.min(smallest, logEndOf(member) ?? current);
  return Number.isFinite(smallest) ? Math.max(current, smallest) : current;
}

/**
 * Whether a member may stay: it has everything, or had everything that the leader had at some time in the last
 * `maxLagMs` (`replica.lag.time.max.ms`).
 */
export function isCaughtUp(
  member: { logEnd: number | null; caughtUpAt: number },
  leaderEnd: number,
  now: number,
  maxLagMs: number,
): boolean {
  if (member.logEnd !== null && member.logEnd >= leaderEnd) return true;
  return now - member.caughtUpAt <= maxLagMs;
}

const FAILED_PUSHES_MAX = 3;

/**
 * Whether a follower answers, and yet writes nothing of what it is sent. Waiting for the lag time would have every
 * acks=all produce wait for it.
 */
export function failsToWrite(member: { logEnd: number | null; failedPushes: number }, leaderEnd: number): boolean {
  if (member.logEnd !== null && member.logEnd >= leaderEnd) return false;
  return member.failedPushes > FAILED_PUSHES_MAX;
}

/** Whether a leader's check comes so late that the leader itself was paused: it has reports to read before it judges others. */
export function wasPaused(now: number, dueAt: number, maxLagMs: number): boolean {
  return now - dueAt > maxLagMs / 3;
}

/**
 * Whether a replica may come in: it holds everything that is committed, and everything that earlier epochs left to
 * this one, so that nothing of it can be cut again.
 */
export function mayJoin(logEnd: number | null, highWatermark: number, epochStart: number): boolean {
  return logEnd !== null && logEnd >= highWatermark && logEnd >= epochStart;
}

/** Whether an ISR member's stream announces another log id: what the ISR counts on is gone. */
export function isReplaced(member: ReplicaId, announcedLogId: string | null): boolean {
  return announcedLogId !== null && !isSameReplica(member, { broker: member.broker, logId: announcedLogId });
}

/** Whether an ISR member came back without something that is committed: it can only have lost it. */
export function hasLostCommitted(logEnd: number | null, highWatermark: number): boolean {
  return logEnd !== null && logEnd < highWatermark;
}

/**
 * The record with another ISR, and the ELR that goes with it (KIP-966): below the minimum whoever leaves the ISR stays
 * eligible, since the high watermark stands still; at the minimum or above nobody outside the ISR is. `lost` are
 * replicas known to have lost records; they are never eligible.
 */
export function withIsr(
  record: PartitionRecord,
  isr: readonly ReplicaId[],
  lost: readonly ReplicaId[],
): PartitionRecord {
  const next: PartitionRecord = { ...record, isr: [...isr], elr: [] };
  if (hasMinimum(next)) return next;
  const stays = (replica: ReplicaId) => !isr.some(({ broker }) => broker === replica.broker);
  next.elr = maximalIsr(record.elr, record.isr).filter((replica) => stays(replica) && !includesReplica(lost, replica));
  return next;
}
