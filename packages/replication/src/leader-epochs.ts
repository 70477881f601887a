/** One leader epoch and the offset of its first batch. */
export interface LeaderEpochEntry {
  epoch: number;
  startOffset: number;
}

export class LeaderEpochs {
  static from(_entries: readonly LeaderEpochEntry[]): LeaderEpochs {
    throw new Error('unfinished');
  }

  entries(): LeaderEpochEntry[] {
    throw new Error('unfinished');
  }

  latest(): LeaderEpochEntry | null {
    throw new Error('unfinished');
  }

  assign(_epoch: number, _startOffset: number): boolean {
    throw new Error('unfinished');
  }

  epochAt(_offset: number): number {
    throw new Error('unfinished');
  }

  endOffsetFor(_epoch: number, _logEnd: number): { epoch: number; endOffset: number } {
    throw new Error('unfinished');
  }

  truncateFromEnd(_offset: number): void {
    throw new Error('unfinished');
  }

  truncateFromStart(_offset: number): void {
    throw new Error('unfinished');
  }

  clone(): LeaderEpochs {
    throw new Error('unfinished');
  }
}
