import { type Clock, sleepOn, type Timer } from '@ottla/runtime';
import type { Life } from '../process/life';
import type { SimTime } from './sim-time';

/** How a machine's clock differs from true time. */
export interface ClockError {
  /** Virtual milliseconds that its monotonic clock counts in a true one; near 1. */
  rate: number;
  /** Added to the wall clock; changes when it jumps. */
  wallOffsetMs: number;
}

/** Wall time at the beginning of every run. */
export const WALL_ORIGIN_MS = 1_700_000_000_000;

/** Time as one process knows it: its machine's clock, and timers that don't fire while it is paused or dead. */
export class ProcessClock implements Clock {
  /** The machine came up at this time: monotonic clocks count from there. */
  private readonly bootedAt: number;

  constructor(
    private readonly time: SimTime,
    private readonly life: Life,
    private readonly error: ClockError,
    bootedAt = 0,
  ) {
    this.bootedAt = bootedAt;
  }

  wall(): number {
    return Math.floor(WALL_ORIGIN_MS + this.time.now() + this.error.wallOffsetMs);
  }

  now(): number {
    return (this.time.now() - this.bootedAt) * this.error.rate;
  }

  after(delayMs: number, callback: () => void): Timer {
    let live = true;
    // The division may round down, and a timer never fires early by its own clock.
    const delay = delayMs > 0 ? (delayMs / this.error.rate) * (1 + 1e-12) : 0;
    const event = this.time.after(delay, () => {
      this.life.run(() => {
        if (!live) return;
        live = false;
        callback();
      });
    });
    return {
      cancel: () => {
        live = false;
        event.cancel();
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}
