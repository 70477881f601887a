import { OttlaError } from '@ottla/protocol';
import type { Clock } from '../ports/clock';

/**
 * The promise's outcome, or `REQUEST_TIMED_OUT` with `message` when `ms` pass first. The work itself isn't stopped, and
 * a failure that comes after the deadline is dropped.
 */
export function withDeadline<T>(promise: Promise<T>, clock: Clock, ms: number, message: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.after(ms, () => reject(new OttlaError('REQUEST_TIMED_OUT', message)));
    promise.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
