/** A replica's log start, null while it is not known. */
export interface KnownStart {
  logStart: number | null;
}

/**
 * The low watermark: the smallest log start of the leader, of every other member of the ISR, and of every follower that
 * has a stream. What lies below it is gone from all of them. -1 while one of these is not known.
 */
export function lowWatermarkOf(leaderStart: number, others: Iterable<KnownStart>): number {
  let smallest = leaderStart;
  for (const { logStart } of others) {
    if (logStart === null) return -1;
    smallest = Math.min(smallest, logStart);
  }
  return smallest;
}
