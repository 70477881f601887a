import type { LogDirectory } from '@ottla/log';
import { type ClusterImage, type ImageTracker, keysFor, partitionRecordCodec, type Versioned } from '@ottla/metadata';
import { toOttlaError } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import type { Clock, Logger } from '@ottla/runtime';
import { Chore } from './chore';

/** A partition's replica on this broker. */
export interface ReplicaName {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

export interface RemovalsOptions {
  readonly broker: number;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracker: ImageTracker;
  readonly directory: LogDirectory;
  /** Stops the replica and has `remove` delete its folder, before it can be opened again. */
  discard(replica: ReplicaName, remove: () => Promise<void>): Promise<void>;
}

const RETRY_MS = 1_000;

/**
 * Deletes the folders of replicas that were reassigned to other brokers. Only a record that names this broker among those
 * removed lets a folder go; afterwards this broker strikes itself off. Assigned anew before that, it isn't named any more.
 */
export class Removals {
  private readonly noted = new Map<string, readonly [topicId: string, partition: number]>();
  private readonly chore: Chore;
  private stopFollowing: (() => void) | null = null;

  constructor(private readonly options: RemovalsOptions) {
    this.chore = new Chore(options.clock, RETRY_MS, () => this.carryOutAll());
  }

  start(): void {
    const { tracker } = this.options;
    this.stopFollowing = tracker.onChange((image, delta) => this.note(image, delta.partitions));
    for (const [topicId, partitions] of tracker.image.partitions) {
      this.note(
        tracker.image,
        [...partitions.keys()].map((partition) => [topicId, partition] as const),
      );
    }
  }

  async close(): Promise<void> {
    this.stopFollowing?.();
    await this.chore.close();
  }

  private note(image: ClusterImage, partitions: Iterable<readonly [string, number]>): void {
    const before = this.noted.size;
    for (const [topicId, partition] of partitions) {
      if (this.toRemove(image, topicId, partition) !== null)
        this.noted.set(`${topicId}/${partition}`, [topicId, partition]);
    }
    if (this.noted.size > before) this.chore.wake();
  }

  /** The record, if it lets this broker's folder go. */
  private toRemove(image: ClusterImage, topicId: string, partition: number): Versioned<PartitionRecord> | null {
    const record = image.partitions.get(topicId)?.get(partition);
    const { broker, tracker } = this.options;
    // A store that was restored from a backup may be older than the replica.
    if (tracker.suspended !== null) return null;
    if (record === undefined || record.value.replicas.includes(broker)) return null;
    return record.value.removed?.includes(broker) ? record : null;
  }

  private async carryOutAll(): Promise<boolean> {
    let isFinished = true;
    for (const [key, [topicId, partition]] of [...this.noted]) {
      this.noted.delete(key);
      try {
        await this.carryOut(topicId, partition);
      } catch (error) {
        isFinished = false;
        this.noted.set(key, [topicId, partition]);
        const which = `${this.options.tracker.image.topicNames.get(topicId) ?? topicId}-${partition}`;
        const { message } = toOttlaError(error);
        this.options.logger.warn(`${which}: deleting the replica that was removed failed, trying again: ${message}`);
      }
    }
    return isFinished;
  }

  private async carryOut(topicId: string, partition: number): Promise<void> {
    const { tracker, directory, logger, discard } = this.options;
    const topic = tracker.image.topicNames.get(topicId);
    if (topic === undefined || this.toRemove(tracker.image, topicId, partition) === null) return;
    const replica = { topic, topicId, partition };
    await discard(replica, async () => {
      try {
        await directory.deletePartition(replica);
      } catch (error) {
        if (toOttlaError(error).code !== 'INCONSISTENT_TOPIC_ID') throw error;
        logger.warn(`${topic}-${partition}: ${toOttlaError(error).message}`);
      }
    });
    logger.info(`${topic}-${partition}: removed from this broker, which doesn't hold it any more`);
    await this.strikeOff(topicId, partition);
  }

  /** When the record was changed meanwhile this is refused, and the image brings the newer one to try with. */
  private async strikeOff(topicId: string, partition: number): Promise<void> {
    const { tracker, clusterId, broker } = this.options;
    const record = this.toRemove(tracker.image, topicId, partition);
    if (record === null) return;
    const key = keysFor(clusterId).partition(topicId, partition);
    const { removed = [], ...rest } = record.value;
    const left = removed.filter((id) => id !== broker);
    const value = partitionRecordCodec.encode(left.length === 0 ? rest : { ...rest, removed: left });
    await tracker.store.txn({
      compare: [{ key, target: 'mod', equals: record.modRevision }],
      success: [{ type: 'put', key, value }],
    });
  }
}
