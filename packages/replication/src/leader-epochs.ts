/** A leader epoch, and the offset of its first batch. */
export interface LeaderEpochEntry {
  epoch: number;
  startOffset: number;
}

/**
 * Which leader epoch wrote which part of a log (KIP-101). Entries grow strictly in epoch and in start offset; each
 * reaches to the start of the next, the last one to the end of the log.
 */
export class LeaderEpochs {
  private constructor(private list: LeaderEpochEntry[]) {}

  /** Entries in order; of those that contradict a later one, the later wins. */
  static from(entries: readonly LeaderEpochEntry[]): LeaderEpochs {
    const epochs = new LeaderEpochs([]);
    for (const { epoch, startOffset } of entries) epochs.assign(epoch, startOffset);
    return epochs;
  }

  entries(): LeaderEpochEntry[] {
    return this.list.map((entry) => ({ ...entry }));
  }

  latest(): LeaderEpochEntry | null {
    return this.list.at(-1) ?? null;
  }

  /**
   * Notes that what is written from `startOffset` on belongs to `epoch`. Entries that this contradicts (an epoch that
   * was assigned and never got a batch) go. Returns whether anything changed.
   */
  assign(epoch: number, startOffset: number): boolean {
    if (this.latest()?.epoch === epoch) return false;
    const kept = this.list.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    const known = this.list.find((entry) => entry.epoch === epoch && entry.startOffset < startOffset);
    this.list = [...kept, known ?? { epoch, startOffset }];
    return true;
  }

  /** The epoch of the batch at `offset`, -1 when it lies before all that is known. */
  epochAt(offset: number): number {
    return this.list[this.lastIndex((entry) => entry.startOffset <= offset)]?.epoch ?? -1;
  }

  /**
   * The largest known epoch at or below `epoch`, and the offset at which it ended (KIP-101, KIP-279); the last epoch
   * ends at `logEnd`. Epoch -1 when all that is known is later; the end offset is then where the known part begins.
   */
  endOffsetFor(epoch: number, logEnd: number): { epoch: number; endOffset: number } {
    const index = this.lastIndex((entry) => entry.epoch <= epoch);
    const end = this.list[index + 1]?.startOffset ?? logEnd;
    return { epoch: this.list[index]?.epoch ?? -1, endOffset: Math.min(end, logEnd) };
  }

  /** The log now ends at `offset`: epochs that began there or later have no batch left. */
  truncateFromEnd(offset: number): void {
    this.list = this.list.filter((entry) => entry.startOffset < offset);
  }

  /** The log now starts at `offset`: the epoch that `offset` belongs to begins there. */
  truncateFromStart(offset: number): void {
    const first = this.lastIndex((entry) => entry.startOffset <= offset);
    if (first < 0) return;
    const { epoch } = this.list[first]!;
    this.list = [{ epoch, startOffset: offset }, ...this.list.slice(first + 1)];
  }

  clone(): LeaderEpochs {
    return new LeaderEpochs(this.list);
  }

  private lastIndex(matches: (entry: LeaderEpochEntry) => boolean): number {
    let index = this.list.length - 1;
    while (index >= 0 && !matches(this.list[index]!)) index -= 1;
    return index;
  }
}
