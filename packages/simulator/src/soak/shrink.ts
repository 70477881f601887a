export interface ShrinkOptions {
  /** The items of the plan that failed, by their index. */
  readonly items: readonly number[];
  /** Whether a run without these items still fails. */
  fails(omit: readonly number[]): Promise<boolean>;
  /** Runs that may be spent. */
  readonly maxRuns: number;
  /** Asked before each run: time is up. */
  isOver?(): boolean;
}

export interface Shrunk {
  /** What can be left out together. */
  readonly omit: readonly number[];
  readonly runs: number;
  /** Nothing that is left can be left out as well: the budget was enough. */
  readonly isMinimal: boolean;
}

/**
 * Delta debugging: leaves out ever smaller parts of the plan for as long as the run still fails, until no single item
 * more can go, or the budget is spent.
 */
export async function shrink(options: ShrinkOptions): Promise<Shrunk> {
  const { items, maxRuns } = options;
  let kept = [...items];
  let parts = 2;
  let runs = 0;
  const omitted = (keeping: readonly number[]): number[] => items.filter((item) => !keeping.includes(item));
  while (kept.length > 0) {
    const size = Math.ceil(kept.length / parts);
    let smaller: number[] | null = null;
    for (let at = 0; at < kept.length && smaller === null; at += size) {
      if (runs >= maxRuns || options.isOver?.() === true) return { omit: omitted(kept), runs, isMinimal: false };
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      runs++;
      if (await options.fails(omitted(rest))) smaller = rest;
    }
    if (smaller !== null) {
      kept = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(kept.length, parts * 2);
  }
  return { omit: omitted(kept), runs, isMinimal: true };
}
