import type { Clock } from '@ottla/runtime';

/**
 * Milliseconds since the Unix epoch that never go back: wall time when the process began, and monotonic time since. By it
 * the machines judge what the log holds from earlier runs, such as how long a producer has been silent.
 */
export class MachineTime {
  private readonly origin: number;

  constructor(private readonly clock: Pick<Clock, 'wall' | 'now'>) {
    this.origin = clock.wall() - clock.now();
  }

  now(): number {
    return this.origin + this.clock.now();
  }
}
