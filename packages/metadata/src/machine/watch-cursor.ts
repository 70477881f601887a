import type { Commit } from './history';
import { contains, type KeyRange } from './key-range';
import type { StoreMachine } from './store-machine';

/** How far one watch has come. */
export class WatchCursor {
  readonly #range: KeyRange;
  /** First revision not yet looked at. */
  next: number;

  constructor(range: KeyRange, next: number) {
    this.#range = range;
    this.next = next;
  }

  /** True when changes this watch needs are no longer kept. */
  isCompacted(machine: StoreMachine): boolean {
    return this.next < machine.compactRevision;
  }

  /**
   * Moves on to `upTo` and gives the commits passed that touch the range, cut down to it.
   * @param limit commits given at most; then the cursor stops after the last one.
   */
  advance(machine: StoreMachine, upTo: number, limit = Number.POSITIVE_INFINITY): Commit[] {
    const found: Commit[] = [];
    while (this.next <= upTo && found.length < limit) {
      const commit = machine.history.at(this.next);
      this.next++;
      const changes = commit?.changes.filter((change) =>
        contains(this.#range, change.type === 'put' ? change.kv.key : change.key),
      );
      if (commit !== undefined && changes !== undefined && changes.length > 0) {
        found.push(changes.length === commit.changes.length ? commit : { revision: commit.revision, changes });
      }
    }
    return found;
  }
}
