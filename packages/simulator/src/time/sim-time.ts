import type { Timer } from '@ottla/runtime';
import { EventQueue } from './event-queue';

/**
 * The one timeline of a run. Time is virtual, in milliseconds since the run began; it stands still while an event and all
 * that follows from it without waiting (every microtask) is carried out. Events of one instant happen in the order in
 * which they were made.
 */
export class SimTime {
  private readonly queue = new EventQueue();
  private current = 0;
  private ran = 0;

  /** `settle` resolves when no microtask is left; `onError` hears what an event threw. */
  constructor(
    private readonly settle: () => Promise<void>,
    private readonly onError: (error: unknown) => void = (error) => {
      throw error;
    },
  ) {}

  now(): number {
    return this.current;
  }

  /** Events carried out so far. */
  get events(): number {
    return this.ran;
  }

  /** Runs `action` at an instant, or as soon as possible where that has passed. */
  at(ms: number, action: () => void): Timer {
    const event = this.queue.add(Math.max(ms, this.current), action);
    return {
      cancel: () => {
        event.action = null;
      },
    };
  }

  after(delayMs: number, action: () => void): Timer {
    return this.at(this.current + Math.max(delayMs, 0), action);
  }

  /** Carries out what is due until `end`, or until `done` says so after an event. The time is `end` then, or that event's. */
  async runUntil(end: number, done: () => boolean = () => false): Promise<void> {
    await this.settle();
    for (let next = this.queue.peek(); next !== null && next.at <= end; next = this.queue.peek()) {
      this.queue.take();
      const { action } = next;
      if (action === null) continue;
      this.current = next.at;
      this.ran++;
      try {
        action();
      } catch (error) {
        this.onError(error);
      }
      await this.settle();
      if (done()) return;
    }
    this.current = Math.max(this.current, end);
  }
}
