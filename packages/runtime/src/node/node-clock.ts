import { performance } from 'node:perf_hooks';
import { sleepOn } from '../concurrency/sleep';
import type { Clock, Timer } from '../ports/clock';

/** setTimeout takes at most 2^31 - 1 ms; more would fire at once. */
const MAX_DELAY_MS = 0x7fffffff;

class NodeTimer implements Timer {
  #handle: NodeJS.Timeout | null = null;

  constructor(delayMs: number, callback: () => void) {
    this.#start(delayMs, callback);
  }

  cancel(): void {
    if (this.#handle !== null) clearTimeout(this.#handle);
    this.#handle = null;
  }

  #start(delayMs: number, callback: () => void): void {
    const step = Math.min(Math.max(delayMs, 0), MAX_DELAY_MS);
    this.#handle = setTimeout(() => {
      if (delayMs > step) this.#start(delayMs - step, callback);
      else callback();
    }, step);
  }
}

/** Real time. */
export const nodeClock: Clock = {
  wall: () => Date.now(),
  now: () => performance.now(),
  after: (delayMs, callback) => new NodeTimer(delayMs, callback),
  sleep: (delayMs, signal) => sleepOn(nodeClock, delayMs, signal),
};
