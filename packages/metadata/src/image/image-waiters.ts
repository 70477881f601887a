import { OttlaError } from '@ottla/protocol';
import { type Clock, Deferred, type Timer } from '@ottla/runtime';
import type { ClusterImage } from './cluster-image';

export type ImageCondition = number | ((image: ClusterImage) => boolean);

interface Waiter {
  readonly condition: ImageCondition;
  readonly result: Deferred<ClusterImage>;
  readonly timers: Timer[];
}

/** A revision that brought no change to this cluster's keys sends no event: after so long one asks. */
const ASK_AFTER_MS = 1_000;

/** Those who wait for an image. */
export class ImageWaiters {
  readonly #clock: Clock;
  readonly #ask: () => void;
  readonly #waiters = new Set<Waiter>();
  #closed: OttlaError | null = null;

  constructor(clock: Clock, ask: () => void) {
    this.#clock = clock;
    this.#ask = ask;
  }

  async wait(current: ClusterImage, condition: ImageCondition, timeoutMs: number): Promise<ClusterImage> {
    if (this.#closed !== null) throw this.#closed;
    if (satisfies(current, condition)) return current;
    const waiter: Waiter = { condition, result: new Deferred(), timers: [] };
    this.#waiters.add(waiter);
    waiter.timers.push(this.#clock.after(timeoutMs, () => this.#end(waiter).reject(timedOut(condition, timeoutMs))));
    if (typeof condition === 'number' && timeoutMs > ASK_AFTER_MS) {
      waiter.timers.push(this.#clock.after(ASK_AFTER_MS, this.#ask));
    }
    return waiter.result.promise;
  }

  imageChanged(image: ClusterImage): void {
    for (const waiter of [...this.#waiters]) {
      try {
        if (satisfies(image, waiter.condition)) this.#end(waiter).resolve(image);
      } catch (error) {
        this.#end(waiter).reject(error);
      }
    }
  }

  close(error: OttlaError): void {
    this.#closed = error;
    for (const waiter of [...this.#waiters]) this.#end(waiter).reject(error);
  }

  #end(waiter: Waiter): Deferred<ClusterImage> {
    this.#waiters.delete(waiter);
    for (const timer of waiter.timers) timer.cancel();
    return waiter.result;
  }
}

function satisfies(image: ClusterImage, condition: ImageCondition): boolean {
  return typeof condition === 'number' ? image.revision >= condition : condition(image);
}

function timedOut(condition: ImageCondition, timeoutMs: number): OttlaError {
  const what = typeof condition === 'number' ? `revision ${condition}` : 'the change awaited';
  return new OttlaError('REQUEST_TIMED_OUT', `cluster image: ${what} did not arrive within ${timeoutMs} ms`);
}
