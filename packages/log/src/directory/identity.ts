import type { DirectoryMeta } from './meta';

/** The run in which this broker registered last, as the metadata store remembers it. */
export interface LastRun {
  readonly run: string;
  /** How many starts of this broker have registered, that one included. */
  readonly starts: number;
}

/** What a directory's files say of its last run, at a start. */
export interface Evidence {
  /** Null when the directory is new. */
  readonly last: DirectoryMeta | null;
  /** It was closed cleanly. */
  readonly clean: boolean;
  /** The kernel's boot id now; empty when unknown. */
  readonly bootId: string;
}

/** Why it can't be proven that nothing was lost; null when it can. */
export function doubtOf({ last, clean, bootId }: Evidence, lastRun: LastRun | null): string | null {
  if (last === null) return 'it is new';
  const sameBoot = bootId !== '' && last.bootId === bootId;
  if (!clean && !sameBoot) return 'it was not closed cleanly, and the machine has started anew since, or a disk failed';
  if (lastRun === null || runsOf(last).includes(lastRun.run) || isAheadOf(last, lastRun)) return null;
  return `it was used last in run ${last.run}, and the broker has registered in run ${lastRun.run} since: it is an older copy`;
}

/**
 * The directory has seen a later start of this broker than the store. Nothing is held against the directory then: the
 * store was restored from a backup, and forgot.
 */
export function isAheadOf(last: DirectoryMeta, lastRun: LastRun | null): boolean {
  const known = runsOf(last);
  if (lastRun === null || known.includes(lastRun.run)) return false;
  return lastRun.starts < startsOf(last) - 1;
}

/** A process that ended before it registered leaves its run too: whether it did, only the store can tell. */
const RUNS_KEPT = 16;

/**
 * The runs of which the last to register may be one, for the next start to compare with the store: what the store has
 * now, who held the directory since, and `run`; and the number of this start.
 */
export function runsWith(
  { last, kept, run }: { last: DirectoryMeta | null; kept: boolean; run: string },
  lastRun: LastRun | null,
): { runs: string[]; starts: number } {
  const before = kept && last !== null ? runsOf(last) : [];
  const confirmed = lastRun === null ? [] : [lastRun.run];
  const since = lastRun === null ? before : before.slice(before.indexOf(lastRun.run) + 1);
  const starts = Math.max((lastRun?.starts ?? 0) + 1, last === null ? 1 : startsOf(last));
  return { runs: [...confirmed, ...since.slice(-RUNS_KEPT), run], starts };
}

function runsOf({ runs, run }: DirectoryMeta): readonly string[] {
  return Array.isArray(runs) ? runs : [run];
}

function startsOf({ starts }: DirectoryMeta): number {
  return Number.isSafeInteger(starts) ? (starts as number) : 1;
}
