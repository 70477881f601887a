import type { LogDirectory } from '@ottla/log';
import {
  type ClusterImage,
  type DeletionRecord,
  deletionRecordCodec,
  type ImageTracker,
  keysFor,
  type Versioned,
} from '@ottla/metadata';
import { toOttlaError } from '@ottla/protocol';
import type { Clock, Logger, Timer } from '@ottla/runtime';

export interface DeletionsOptions {
  readonly broker: number;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracker: ImageTracker;
  readonly directory: LogDirectory;
  /** Stops a replica, so that its folder may go. */
  release(topicId: string, partition: number): Promise<void>;
}

const RETRY_MS = 1_000;

/**
 * Deletes the folders of deleted topics. Only a deletion record for its topic id lets a folder go, never the id's absence.
 * When all are gone this broker strikes itself off the record.
 */
export class Deletions {
  private running: Promise<void> | null = null;
  private again = false;
  private closed = false;
  private retry: Timer | null = null;
  private stopFollowing: (() => void) | null = null;

  constructor(private readonly options: DeletionsOptions) {}

  start(): void {
    this.stopFollowing = this.options.tracker.onChange((_image, delta) => {
      if (delta.deletions.length > 0) this.wake();
    });
    this.wake();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.stopFollowing?.();
    this.retry?.cancel();
    await this.running;
  }

  private wake(): void {
    this.again = true;
    this.running ??= this.run().finally(() => {
      this.running = null;
    });
  }

  private async run(): Promise<void> {
    while (this.again && !this.closed) {
      this.again = false;
      for (const deletion of pending(this.options.tracker.image, this.options.broker)) {
        await this.carryOut(deletion).catch((error: unknown) => this.retryLater(deletion.value.name, error));
      }
    }
  }

  private async carryOut(deletion: Versioned<DeletionRecord>): Promise<void> {
    const { directory, logger, release } = this.options;
    const { topicId, name, partitions } = deletion.value;
    for (let partition = 0; partition < partitions; partition++) await release(topicId, partition);
    const folders = (await directory.partitionsOnDisk()).filter((folder) => folder.topicId === topicId);
    for (const { topic, partition } of folders) await directory.deletePartition({ topic, partition, topicId });
    await this.strikeOff(deletion);
    if (folders.length > 0) logger.info(`${name}: topic deleted, ${folders.length} replicas removed from disk`);
  }

  private async strikeOff({ value, modRevision }: Versioned<DeletionRecord>): Promise<void> {
    const { tracker, clusterId, broker } = this.options;
    const key = keysFor(clusterId).deletion(value.topicId);
    const brokers = value.brokers.filter((id) => id !== broker);
    // When another broker was faster this is refused, and the image brings the newer record to try with.
    await tracker.store.txn({
      compare: [{ key, target: 'mod', equals: modRevision }],
      success: [{ type: 'put', key, value: deletionRecordCodec.encode({ ...value, brokers }) }],
    });
  }

  private retryLater(topic: string, error: unknown): void {
    this.options.logger.warn(`${topic}: deleting its replicas failed, trying again: ${toOttlaError(error).message}`);
    if (this.closed || this.retry !== null) return;
    this.retry = this.options.clock.after(RETRY_MS, () => {
      this.retry = null;
      this.wake();
    });
  }
}

function pending(image: ClusterImage, broker: number): Versioned<DeletionRecord>[] {
  return [...image.deletions.values()].filter(({ value }) => value.brokers.includes(broker));
}
