import type { LogDirectory } from '@ottla/log';
import { toOttlaError } from '@ottla/protocol';
import type { Clock, Logger, Timer } from '@ottla/runtime';
import type { ReplicaManager } from '../partition/replica-manager';

/** Writes the high watermarks of all replicas to the data directory, again and again. */
export class Checkpoints {
  private timer: Timer | null = null;
  private closed = false;

  constructor(
    private readonly options: {
      readonly clock: Clock;
      readonly logger: Logger;
      readonly directory: LogDirectory;
      readonly replicas: ReplicaManager;
      readonly intervalMs: number;
    },
  ) {}

  start(): void {
    if (this.closed) return;
    const { clock, intervalMs } = this.options;
    this.timer = clock.after(intervalMs, () => {
      this.write()
        .catch((error: unknown) => this.options.logger.error(`checkpoint not written: ${toOttlaError(error).message}`))
        .finally(() => this.start());
    });
  }

  async write(): Promise<void> {
    const { directory, replicas } = this.options;
    for (const { topic, partition, highWatermark } of replicas.hosts()) {
      directory.setHighWatermark(topic, partition, highWatermark);
    }
    await directory.checkpoint();
  }

  /** Writes a last time. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.write();
  }
}
