import type { Segment } from '../segment/segment';

/** A log's segments in the order of their base offsets; there is always one, the last is appended to. */
export class Segments {
  #list: Segment[];

  constructor(list: readonly Segment[]) {
    this.#list = [...list];
  }

  get first(): Segment {
    return this.#list[0] as Segment;
  }

  get active(): Segment {
    return this.#list[this.#list.length - 1] as Segment;
  }

  get count(): number {
    return this.#list.length;
  }

  all(): readonly Segment[] {
    return this.#list;
  }

  /** The segment whose range `offset` falls in; the first one for an offset below all of them. */
  floor(offset: number): Segment {
    return this.#list[this.#indexOf(offset)] as Segment;
  }

  after(segment: Segment): Segment | null {
    return this.#list[this.#indexOf(segment.baseOffset) + 1] ?? null;
  }

  /** From the one that holds `offset` on. */
  from(offset: number): readonly Segment[] {
    return this.#list.slice(this.#indexOf(offset));
  }

  add(segment: Segment): void {
    this.#list.push(segment);
  }

  /** Takes the last segment away. */
  pop(): void {
    this.#list.pop();
  }

  remove(segment: Segment): void {
    this.#list = this.#list.filter((other) => other !== segment);
  }

  replaceAll(segment: Segment): void {
    this.#list = [segment];
  }

  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#list[middle] as Segment).baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, 0);
  }
}
