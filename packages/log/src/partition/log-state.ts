import { OttlaError } from '@ottla/protocol';
import type { LeaderEpochs, ProducerSnapshotEntry, ProducerState } from '@ottla/replication';
import { PositionHints } from '../read/position-hints';
import type { LogResources } from '../resources/log-resources';
import type { SharedFile } from '../resources/open-files';
import { TailCache } from '../resources/tail-cache';
import type { Segment, SegmentContext } from '../segment/segment';
import { Segments } from './segments';
import type { OfflineReason, PartitionLogOptions } from './types';

/** A segment that was closed and not yet fsynced. */
export interface RolledSegment {
  segment: Segment;
  /** The producers at its end. */
  producers: ProducerSnapshotEntry[];
}

/** What a log is right now. Everything in it is confirmed: written, and never taken back except by truncation. */
export class LogState {
  readonly options: PartitionLogOptions;
  /** `topic-partition`, for messages. */
  readonly name: string;
  readonly context: SegmentContext;
  readonly resources: LogResources;
  readonly tail: TailCache;
  readonly hints = new PositionHints();
  readonly segments: Segments;
  /** The first offset that may be read. */
  logStart = 0;
  /** Base offset of the batch in which `logStart` lies; `logStart` itself when it lies in none. */
  firstBatchOffset = 0;
  /** The offset behind the last batch. */
  logEnd = 0;
  /** Everything below is fsynced. */
  recoveryPoint = 0;
  epochs: LeaderEpochs;
  producers: ProducerState;
  /** Grows whenever something is cut off, at either end; a reader to whom that happened looks again. */
  cuts = 0;
  /** Why the log is offline; it serves nothing then. */
  failure: OttlaError | null = null;
  closed = false;

  /** Rolled and not yet fsynced, oldest first. */
  rolled: RolledSegment[] = [];
  /** Offsets of the producer snapshots on disk, growing. */
  snapshots: number[] = [];
  /** Files were made or removed since the folder was last fsynced. */
  namesDirty = false;
  /** The folder's own name and its partition.metadata are not yet fsynced. */
  folderDirty = false;
  /** The syncs that began last; who finds nothing dirty waits for these. */
  #namesSyncing: Promise<void> = Promise.resolve();
  #folderSyncing: Promise<void> = Promise.resolve();
  /** The leader-epochs file is behind `epochs`. */
  epochsDirty = false;

  constructor(
    options: PartitionLogOptions,
    context: SegmentContext,
    parts: { segments: readonly Segment[]; epochs: LeaderEpochs; producers: ProducerState },
  ) {
    this.options = options;
    this.name = `${options.topic}-${options.partition}`;
    this.context = context;
    this.resources = context.resources;
    this.segments = new Segments(parts.segments);
    this.epochs = parts.epochs;
    this.producers = parts.producers;
    this.tail = new TailCache(context.resources.tails);
  }

  get active(): Segment {
    return this.segments.active;
  }

  requireUsable(): void {
    if (this.failure !== null) throw this.failure;
    if (this.closed) throw new OttlaError('KAFKA_STORAGE_ERROR', `${this.name}: the log is closed`);
  }

  /** Nothing that the log holds can be relied on any more. The first cause stays. */
  goOffline(cause: unknown, why: OfflineReason, what: string): OttlaError {
    if (this.failure !== null) return this.failure;
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.failure = new OttlaError(
      'KAFKA_STORAGE_ERROR',
      `${this.name} is offline: ${what}: ${reason}; repair or replace the disk, then restart the broker`,
      { cause },
    );
    this.tail.clear();
    this.options.onOffline?.(this.failure, why);
    return this.failure;
  }

  /** fsync. A failure takes the log offline: what the kernel dropped can't be written again, and asking again would lie. */
  async syncFile(file: SharedFile): Promise<void> {
    const lease = await file.acquire();
    try {
      await lease.file.sync();
    } catch (error) {
      throw this.goOffline(error, 'sync-failed', 'fsync failed');
    } finally {
      lease.release();
    }
  }

  /** Makes durable which files the folder holds. */
  async syncNames(): Promise<void> {
    if (this.namesDirty) {
      this.namesDirty = false;
      this.#namesSyncing = this.#syncDir(this.options.dir);
    }
    await this.#namesSyncing;
  }

  /** Makes the folder itself durable, and by `syncTopicId` whose it is. */
  async syncFolder(syncTopicId: () => Promise<void>): Promise<void> {
    if (this.folderDirty) {
      this.folderDirty = false;
      this.#folderSyncing = this.#syncFolder(syncTopicId);
    }
    await this.#folderSyncing;
  }

  /** Forgets everything that was remembered about positions and bytes, as the log is cut. */
  forgetPositions(): void {
    this.forgetReads();
    this.tail.clear();
  }

  /** Files may be gone: whoever reads looks again for where. */
  forgetReads(): void {
    this.cuts++;
    this.hints.clear();
  }

  async #syncFolder(syncTopicId: () => Promise<void>): Promise<void> {
    try {
      await syncTopicId();
    } catch (error) {
      throw this.goOffline(error, 'sync-failed', 'fsync failed');
    }
    await this.#syncDir(parentOf(this.options.dir));
  }

  async #syncDir(path: string): Promise<void> {
    try {
      await this.context.disk.syncDir(path);
    } catch (error) {
      throw this.goOffline(error, 'sync-failed', 'fsync failed');
    }
  }
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}
