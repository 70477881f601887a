import type { BatchHeader } from '@ottla/protocol';
import type { LeaderEpochs } from '../leader-epochs';

export interface LogExtent {
  /** Base offset of the first batch: at or below the log start. */
  firstBatchOffset: number;
  logEnd: number;
  epochs: LeaderEpochs;
}

/** A leader's answer to a follower that says where its log ends, and in which epoch. */
export type Agreement =
  | { kind: 'agreed' }
  | { kind: 'diverged'; epoch: number; endOffset: number }
  | { kind: 'start-anew' };

/**
 * Compares a follower's log end with the leader's log, by leader epoch (KIP-101, KIP-279). An epoch has one leader, so
 * two logs that hold the same epoch agree up to where the shorter one ends in it.
 */
export function compareLogs(leader: LogExtent, follower: { endOffset: number; lastEpoch: number }): Agreement {
  const startAnew: Agreement = { kind: 'start-anew' };
  if (follower.endOffset < leader.firstBatchOffset) return startAnew;
  if (follower.lastEpoch < 0) return follower.endOffset <= leader.logEnd ? { kind: 'agreed' } : startAnew;
  const { epoch, endOffset } = leader.epochs.endOffsetFor(follower.lastEpoch, leader.logEnd);
  if (epoch < 0) return startAnew;
  if (epoch === follower.lastEpoch && follower.endOffset <= endOffset) return { kind: 'agreed' };
  return { kind: 'diverged', epoch, endOffset };
}

/**
 * Where a follower that diverged cuts its log: at the smaller of where the leader's epoch ended there and where it
 * ended here (KIP-279). Cutting to the high watermark instead would lose acknowledged records, since a follower learns
 * of the high watermark late.
 */
export function truncationPoint(follower: LogExtent, leader: { epoch: number; endOffset: number }): number {
  const own = follower.epochs.endOffsetFor(leader.epoch, follower.logEnd);
  return Math.max(follower.firstBatchOffset, Math.min(leader.endOffset, own.endOffset));
}

/** Whether pushed batches continue a log that ends at `expected`, without gap or overlap. */
export function continuesLog(baseOffset: number, headers: readonly BatchHeader[], expected: number): boolean {
  let next = expected;
  for (const header of headers) {
    if (header.baseOffset !== next || header.lastOffsetDelta < 0) return false;
    next = header.baseOffset + header.lastOffsetDelta + 1;
  }
  return baseOffset === expected;
}

/** Whether the leader epochs of pushed batches never go back, and none is later than the leader's own. */
export function epochsGrow(headers: readonly BatchHeader[], lastEpoch: number, leaderEpoch: number): boolean {
  let previous = lastEpoch;
  for (const { partitionLeaderEpoch } of headers) {
    if (partitionLeaderEpoch < previous || partitionLeaderEpoch > leaderEpoch) return false;
    previous = partitionLeaderEpoch;
  }
  return true;
}
