import type { Clock } from '@ottla/runtime';

/**
 * Time for group coordinators: milliseconds since 1970 that never go back or jump. Sessions end by it, so a wall clock that
 * is set must not end them.
 */
export class GroupTime {
  private readonly origin: number;

  constructor(private readonly clock: Clock) {
    this.origin = clock.wall() - clock.now();
  }

  now(): number {
    return Math.floor(this.origin + this.clock.now());
  }
}
