import type { LogDirectory } from '@ottla/log';
import type { ImageTracker } from '@ottla/metadata';
import { toOttlaError } from '@ottla/protocol';
import type { Clock, Disk, Logger, Timer } from '@ottla/runtime';
import type { ReplicaManager } from '../partition/replica-manager';
import { seenIn, writeSeen } from './seen-store';

/** Writes the high watermarks of all replicas to the data directory, and how far the store was seen, again and again. */
export class Checkpoints {
  private timer: Timer | null = null;
  private closed = false;
  private seenRevision = -1;

  constructor(
    private readonly options: {
      readonly clock: Clock;
      readonly logger: Logger;
      readonly directory: LogDirectory;
      readonly replicas: ReplicaManager;
      readonly tracker: Pick<ImageTracker, 'image' | 'suspended'>;
      readonly disk: Disk;
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
    await this.writeSeen();
  }

  /** Not while the store is found to have another past: what was seen before is what a restart must hold it against. */
  private async writeSeen(): Promise<void> {
    const { tracker, disk, directory } = this.options;
    const { image, suspended } = tracker;
    if (suspended !== null || image.revision === this.seenRevision) return;
    await writeSeen(disk, directory.dir, seenIn(image));
    this.seenRevision = image.revision;
  }

  /** Writes a last time. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.write();
  }
}
