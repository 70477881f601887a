/** One deadline of a `DeadlineQueue`, reused each time it is set again. */
export interface Timer<T> {
  readonly what: T;
  /** When it is due, in ms; meaningful while scheduled. */
  at: number;
  /** Its place in the queue's heap, -1 while not scheduled. */
  slot: number;
}

export function timerFor<T>(what: T): Timer<T> {
  return { what, at: 0, slot: -1 };
}

/**
 * Deadlines in a binary heap that knows the place of each timer: setting, moving and cancelling one costs the logarithm
 * of their number, and reading the earliest costs nothing. A heartbeat moves one timer.
 */
export class DeadlineQueue<T> {
  private readonly heap: Timer<T>[] = [];

  get size(): number {
    return this.heap.length;
  }

  /** When the earliest timer is due; null when there is none. */
  earliest(): number | null {
    return this.heap[0]?.at ?? null;
  }

  /** Sets the timer, or moves it if it is set. */
  schedule(timer: Timer<T>, at: number): void {
    timer.at = at;
    if (timer.slot < 0) {
      timer.slot = this.heap.length;
      this.heap.push(timer);
      this.up(timer);
    } else {
      this.up(timer);
      this.down(timer);
    }
  }

  cancel(timer: Timer<T>): void {
    if (timer.slot < 0) return;
    const last = this.heap.pop()!;
    if (last !== timer) {
      this.place(last, timer.slot);
      this.up(last);
      this.down(last);
    }
    timer.slot = -1;
  }

  /** Takes out the earliest timer that is due at `now`; null when none is. */
  takeDue(now: number): Timer<T> | null {
    const first = this.heap[0];
    if (!first || first.at > now) return null;
    this.cancel(first);
    return first;
  }

  clear(): void {
    for (const timer of this.heap) timer.slot = -1;
    this.heap.length = 0;
  }

  private place(timer: Timer<T>, slot: number): void {
    timer.slot = slot;
    this.heap[slot] = timer;
  }

  private up(timer: Timer<T>): void {
    let slot = timer.slot;
    while (slot > 0) {
      const parentSlot = (slot - 1) >> 1;
      const parent = this.heap[parentSlot]!;
      if (parent.at <= timer.at) break;
      this.place(parent, slot);
      slot = parentSlot;
    }
    this.place(timer, slot);
  }

  private down(timer: Timer<T>): void {
    let slot = timer.slot;
    for (;;) {
      let childSlot = slot * 2 + 1;
      if (childSlot >= this.heap.length) break;
      const right = this.heap[childSlot + 1];
      if (right && right.at < this.heap[childSlot]!.at) childSlot++;
      const child = this.heap[childSlot]!;
      if (child.at >= timer.at) break;
      this.place(child, slot);
      slot = childSlot;
    }
    this.place(timer, slot);
  }
}
