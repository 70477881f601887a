/** Draws from a seed of up to 2^53: the same seed, the same draws (mulberry32 over a hash of both halves). */
export class Draw {
  private state: number;

  constructor(seed: number) {
    const high = Math.floor(seed / 2 ** 32);
    this.state = (seed ^ Math.imul(high ^ 0x9e3779b9, 0x85ebca6b)) >>> 0;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)]!;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let at = out.length - 1; at > 0; at--) {
      const other = this.between(0, at);
      [out[at], out[other]] = [out[other]!, out[at]!];
    }
    return out;
  }

  private fraction(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
