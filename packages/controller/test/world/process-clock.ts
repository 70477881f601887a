import type { Clock, ManualClock, Timer } from '@ottla/runtime';

/** The clock as one process sees it: while the process is paused time passes, and no timer runs. */
export class ProcessClock implements Clock {
  #due: (() => void)[] | null = null;

  constructor(readonly clock: ManualClock) {}

  pause(): void {
    this.#due = [];
  }

  resume(): void {
    const due = this.#due ?? [];
    this.#due = null;
    for (const callback of due) callback();
  }

  wall(): number {
    return this.clock.wall();
  }

  now(): number {
    return this.clock.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    let cancelled = false;
    const run = (): void => {
      if (cancelled) return;
      if (this.#due === null) callback();
      else this.#due.push(run);
    };
    const timer = this.clock.after(delayMs, run);
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }
}
