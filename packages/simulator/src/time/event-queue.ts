/** Something that will happen. */
export interface Event {
  readonly at: number;
  readonly order: number;
  action: (() => void) | null;
}

/** Events by time, and by the order in which they were made where times are equal. A binary heap. */
export class EventQueue {
  private readonly heap: Event[] = [];
  private nextOrder = 0;

  get size(): number {
    return this.heap.length;
  }

  add(at: number, action: () => void): Event {
    const event = { at, order: this.nextOrder++, action };
    const { heap } = this;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
    return event;
  }

  peek(): Event | null {
    return this.heap[0] ?? null;
  }

  take(): Event | null {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length > 0) this.sink(last);
    return first;
  }

  private sink(event: Event): void {
    const { heap } = this;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child]!)) child++;
      if (isBefore(event, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
