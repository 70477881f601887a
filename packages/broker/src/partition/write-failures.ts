import type { Clock, Logger } from '@ottla/runtime';

/**
 * What is said of a log that can't be written: one line when it begins, one when it's over. A full disk fails every
 * attempt, several times a second.
 */
export class WriteFailures {
  private since: number | null = null;
  private count = 0;

  constructor(
    private readonly name: string,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly logger: Logger,
  ) {}

  failed(message: string): void {
    this.count += 1;
    if (this.since !== null) return this.logger.debug(`${this.name}: ${message}`);
    this.since = this.clock.now();
    this.logger.error(`${this.name}: ${message}; said once until writing succeeds again`);
  }

  succeeded(): void {
    if (this.since === null) return;
    const ms = Math.round(this.clock.now() - this.since);
    this.logger.info(`${this.name}: written to again after ${ms} ms, in which ${this.count} writes failed`);
    this.since = null;
    this.count = 0;
  }
}
