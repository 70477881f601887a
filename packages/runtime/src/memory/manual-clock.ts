import { sleepOn } from '../concurrency/sleep';
import type { Clock, Timer } from '../ports/clock';

interface Scheduled {
  at: number;
  order: number;
  callback: () => void;
}

/** Time that stands still until it is told to advance. Timers run in the order of their time, then of their making. */
export class ManualClock implements Clock {
  #now: number;
  readonly #wallOrigin: number;
  #order = 0;
  readonly #timers = new Set<Scheduled>();

  constructor(options: { wall?: number; now?: number } = {}) {
    this.#now = options.now ?? 0;
    this.#wallOrigin = (options.wall ?? 1_700_000_000_000) - this.#now;
  }

  /** Timers that have neither run nor been cancelled. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  wall(): number {
    return Math.floor(this.#wallOrigin + this.#now);
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer: Scheduled = { at: this.#now + Math.max(delayMs, 0), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Moves time forward, running each timer at its own time; those that they make are run too when they fall inside. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(); next !== null && next.at <= end; next = this.#next()) {
      this.#timers.delete(next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }

  #next(): Scheduled | null {
    let first: Scheduled | null = null;
    for (const timer of this.#timers) {
      if (first === null || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
