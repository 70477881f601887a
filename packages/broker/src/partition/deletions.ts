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
import type { Clock, Logger } from '@ottla/runtime';
import { Chore } from './chore';

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
  private readonly chore: Chore;
  private stopFollowing: (() => void) | null = null;

  constructor(private readonly options: DeletionsOptions) {
    this.chore = new Chore(options.clock, RETRY_MS, () => this.carryOutAll());
  }

  start(): void {
    this.stopFollowing = this.options.tracker.onChange((_image, delta) => {
      if (delta.deletions.length > 0) this.chore.wake();
    });
    this.chore.wake();
  }

  async close(): Promise<void> {
    this.stopFollowing?.();
    await this.chore.close();
  }

  private async carryOutAll(): Promise<boolean> {
    const { tracker, broker, logger } = this.options;
    let isFinished = true;
    for (const deletion of pending(tracker.image, broker)) {
      try {
        await this.carryOut(deletion);
      } catch (error) {
        isFinished = false;
        const { message } = toOttlaError(error);
        logger.warn(`${deletion.value.name}: deleting its replicas failed, trying again: ${message}`);
      }
    }
    return isFinished;
  }

  private async carryOut(deletion: Versioned<DeletionRecord>): Promise<void> {
    const { directory, logger, release, tracker } = this.options;
    const { topicId, name, partitions } = deletion.value;
    for (let partition = 0; partition < partitions; partition++) await release(topicId, partition);
    const folders = (await directory.partitionsOnDisk()).filter((folder) => folder.topicId === topicId);
    for (const { topic, partition } of folders) {
      // The store may have been restored to before the deletion, and the replica be in use again.
      if (!tracker.image.deletions.has(topicId)) return;
      await directory.deletePartition({ topic, partition, topicId });
    }
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
}

function pending(image: ClusterImage, broker: number): Versioned<DeletionRecord>[] {
  return [...image.deletions.values()].filter(({ value }) => value.brokers.includes(broker));
}
