/** Where a reader left off. */
export interface PositionHint {
  segmentBase: number;
  position: number;
}

const MAX_HINTS = 64;

/** Positions at which recent reads ended, by the offset that comes next, so that a sequential reader needs no index. */
export class PositionHints {
  readonly #hints = new Map<number, PositionHint>();

  get(offset: number): PositionHint | null {
    return this.#hints.get(offset) ?? null;
  }

  set(offset: number, hint: PositionHint): void {
    this.#hints.delete(offset);
    this.#hints.set(offset, hint);
    if (this.#hints.size <= MAX_HINTS) return;
    for (const oldest of this.#hints.keys()) {
      this.#hints.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.#hints.clear();
  }
}
