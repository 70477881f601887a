import type { Random } from '@ottla/runtime';

export interface BackoffOptions {
  /** Longest first delay, in ms. */
  readonly initialMs: number;
  /** Longest delay at all, in ms. */
  readonly maxMs: number;
  readonly random: Random;
}

/**
 * Delays between attempts: each up to twice the one before, half of it drawn at random so that many clients of one
 * broker don't come back at once.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #ceilingMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#ceilingMs = options.initialMs;
  }

  /** How long to wait before the next attempt, in ms. */
  next(): number {
    const half = Math.ceil(this.#ceilingMs / 2);
    const delayMs = this.#ceilingMs - half + this.#options.random.below(half + 1);
    this.#ceilingMs = Math.min(this.#ceilingMs * 2, this.#options.maxMs);
    return delayMs;
  }

  /** An attempt succeeded. */
  reset(): void {
    this.#ceilingMs = this.#options.initialMs;
  }
}
