/** A produce whose batches have their offsets, and whose answer is still due. */
export interface PendingProduce {
  requestId: number;
  acks: 1 | -1;
  baseOffset: number;
  /** The offset behind its last record. */
  endOffset: number;
  deadline: number;
}

/** Produces in the order of their end offsets, one line for acks=1 and one for acks=all. */
export class PendingProduces {
  private readonly lines: Record<1 | -1, PendingProduce[]> = { 1: [], [-1]: [] };
  /** No pending produce is due earlier; it may be lower than the earliest when that one was answered. */
  private earliestDeadline = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.lines[1].length + this.lines[-1].length;
  }

  /** When `takeExpired` should be asked next, null when nothing waits. */
  nextDeadline(): number | null {
    return this.size === 0 ? null : this.earliestDeadline;
  }

  add(produce: PendingProduce): void {
    const line = this.lines[produce.acks];
    let at = line.length;
    while (at > 0 && line[at - 1]!.endOffset > produce.endOffset) at -= 1;
    line.splice(at, 0, produce);
    this.earliestDeadline = Math.min(this.earliestDeadline, produce.deadline);
  }

  /** Takes those that are satisfied. With one that isn't, none of its line that ends later can be. */
  takeSatisfied(isSatisfied: (produce: PendingProduce) => boolean): PendingProduce[] {
    const satisfied: PendingProduce[] = [];
    for (const line of [this.lines[1], this.lines[-1]]) {
      let count = 0;
      while (count < line.length && isSatisfied(line[count]!)) count += 1;
      if (count > 0) satisfied.push(...line.splice(0, count));
    }
    return satisfied;
  }

  takeExpired(now: number): PendingProduce[] {
    if (now < this.earliestDeadline) return [];
    return this.take((produce) => produce.deadline <= now);
  }

  take(matches: (produce: PendingProduce) => boolean): PendingProduce[] {
    const taken: PendingProduce[] = [];
    this.earliestDeadline = Number.POSITIVE_INFINITY;
    for (const line of [this.lines[1], this.lines[-1]]) {
      const kept: PendingProduce[] = [];
      for (const produce of line) (matches(produce) ? taken : kept).push(produce);
      line.splice(0, line.length, ...kept);
      for (const { deadline } of kept) this.earliestDeadline = Math.min(this.earliestDeadline, deadline);
    }
    return taken;
  }
}
