import { OttlaError } from '@ottla/protocol';
import { Deferred } from './deferred';

interface Waiting {
  run: () => Promise<void>;
  refuse: (error: OttlaError) => void;
}

/**
 * Runs tasks one after the other, in the order in which they were given. At most `capacity` tasks wait; one more is
 * refused with `THROTTLING_QUOTA_EXCEEDED`. A task that fails doesn't stop those behind it.
 */
export class SerialQueue {
  readonly #name: string;
  readonly #capacity: number;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #closed: OttlaError | null = null;

  constructor(options: { name: string; capacity: number }) {
    this.#name = options.name;
    this.#capacity = options.capacity;
  }

  /** Tasks that wait, without the one that runs. */
  get length(): number {
    return this.#waiting.length;
  }

  run<T>(task: () => Promise<T> | T): Promise<T> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    if (this.#waiting.length >= this.#capacity) return Promise.reject(this.#full());
    const result = new Deferred<T>();
    this.#waiting.push({
      run: async () => {
        try {
          result.resolve(await task());
        } catch (error) {
          result.reject(error);
        }
      },
      refuse: (error) => result.reject(error),
    });
    this.#running ??= this.#drain();
    return result.promise;
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /** Refuses what waits and all that comes later with `error`; resolves when the task that runs has ended. */
  async close(error: OttlaError): Promise<void> {
    this.#closed ??= error;
    const refused = this.#waiting;
    this.#waiting = [];
    for (const task of refused) task.refuse(this.#closed);
    await this.idle();
  }

  async #drain(): Promise<void> {
    let next = this.#waiting.shift();
    while (next !== undefined) {
      await next.run();
      next = this.#waiting.shift();
    }
    this.#running = null;
  }

  #full(): OttlaError {
    return new OttlaError(
      'THROTTLING_QUOTA_EXCEEDED',
      `${this.#name}: ${this.#capacity} tasks wait already; try again when some have finished`,
    );
  }
}
