/** Offsets by which a leader decides. `logEnd` counts only what is written. */
export interface LeaderOffsets {
  logEnd: number;
  highWatermark: number;
}

/**
 * Whether a batch that ends before `endOffset` may be acknowledged: for acks=1 when the leader has written it, for
 * acks=all when the high watermark has passed it.
 */
export function isAcknowledged(acks: 1 | -1, endOffset: number, offsets: LeaderOffsets): boolean {
  return endOffset <= (acks === 1 ? offsets.logEnd : offsets.highWatermark);
}

/** A recognised duplicate promises what its original would: it waits for the same. */
export function isDuplicateAcknowledged(acks: 1 | -1, endOffset: number, offsets: LeaderOffsets): boolean {
  return isAcknowledged(acks, endOffset, offsets);
}

/**
 * Whether a leader may name the end of what can be read (KIP-207). Before its high watermark reaches the start of its
 * epoch it may be below what a former leader has shown.
 */
export function knowsLatest(highWatermark: number, epochStart: number | null): epochStart is number {
  return epochStart !== null && highWatermark >= epochStart;
}
