import { OttlaError } from '@ottla/protocol';
import type { Clock, Logger } from '@ottla/runtime';
import { StoreUnavailableError } from '../errors';
import { type ClusterKeys, keysFor } from '../keys';
import type { KeyValue, MetadataStore, Snapshot, Watch, WatchEvent } from '../store';
import type { ClusterImage, ImageDelta } from './cluster-image';
import { GuardedStore } from './guarded-store';
import { applyEvents, emptyImage } from './image-edit';
import { ImageWaiters } from './image-waiters';
import { KnownKeys } from './known-keys';

export interface ImageTrackerOptions {
  readonly store: MetadataStore;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keys a page when reading a snapshot. Default 1,000. */
  readonly pageSize?: number;
}

export type ImageListener = (image: ClusterImage, delta: ImageDelta) => void;

const START_TIMEOUT_DEFAULT_MS = 30_000;
const RETRY_MS = 200;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Keeps an image equal to the store at the image's revision: one snapshot, then one watch. When the watch can't go on
 * (its history was compacted, or the store was restored) another snapshot, and the difference as one change.
 */
export class ImageTracker {
  readonly #options: ImageTrackerOptions;
  readonly #keys: ClusterKeys;
  readonly #guarded: GuardedStore;
  readonly #listeners = new Set<ImageListener>();
  readonly #waiters: ImageWaiters;
  readonly #closing = new AbortController();
  readonly #known = new KnownKeys();
  #image: ClusterImage;
  #watch: Watch | null = null;
  #refreshing: Promise<void> | null = null;
  /** The next snapshot is of another history. */
  #pastLost = false;
  /** Set while the store's history is not the one known; the generation is the one that must be exceeded. */
  #suspension: { readonly reason: string; readonly generation: number } | null = null;

  constructor(options: ImageTrackerOptions) {
    this.#options = options;
    this.#keys = keysFor(options.clusterId);
    this.#image = emptyImage(options.clusterId);
    this.#guarded = new GuardedStore(options.store, () => this.suspended);
    this.#waiters = new ImageWaiters(options.clock, () => {
      this.#refresh('a revision was awaited that brought no change here');
    });
  }

  /** Reads the snapshot. Tries again while the store can't be reached, for at most `timeoutMs` (default 30,000). */
  async start(timeoutMs = START_TIMEOUT_DEFAULT_MS): Promise<void> {
    const snapshot = await this.#readSnapshot(this.#options.clock.now() + timeoutMs);
    if (snapshot !== null) this.#adopt(snapshot, false);
  }

  /** At revision 0, and empty, before `start` has ended. */
  get image(): ClusterImage {
    return this.#image;
  }

  /**
   * The store as it may be written through while this image is trusted: once the store was found to have another past,
   * `txn` refuses with StoreHistoryChangedError until a higher generation appears.
   */
  get store(): MetadataStore {
    return this.#guarded;
  }

  /**
   * The store for what is right in any history of it: leases, registrations, the controller's claim, and what begins a
   * new generation.
   */
  get unguardedStore(): MetadataStore {
    return this.#options.store;
  }

  /** While writes are suspended: the generation that has to be exceeded. Otherwise null. */
  get exceededGeneration(): number | null {
    return this.#suspension?.generation ?? null;
  }

  /**
   * Something elsewhere tells that the store isn't the one that the cluster has relied on: no writes until a generation
   * above the image's, and above `generation`.
   */
  suspend(reason: string, generation = 0): void {
    if (this.#suspension === null) this.#suspendWrites(reason, generation);
  }

  /** Why writes are suspended; null when they aren't. */
  get suspended(): string | null {
    return this.#suspension?.reason ?? null;
  }

  /** Called after each change, in order, with the new image. Returns how to stop. */
  onChange(listener: ImageListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The first image, from now on, that satisfies the predicate or has reached the revision.
   * @param timeoutMs from now; then REQUEST_TIMED_OUT.
   */
  waitFor(condition: number | ((image: ClusterImage) => boolean), timeoutMs: number): Promise<ClusterImage> {
    return this.#waiters.wait(this.#image, condition, timeoutMs);
  }

  close(): void {
    this.#closing.abort();
    this.#watch?.close();
    this.#watch = null;
    this.#waiters.close(new OttlaError('REQUEST_TIMED_OUT', 'cluster image: closed'));
    this.#listeners.clear();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** @returns null when closed meanwhile. */
  async #readSnapshot(deadline: number): Promise<Snapshot | null> {
    const { store, clock, logger, pageSize } = this.#options;
    const options = pageSize === undefined ? {} : { pageSize };
    while (!this.#closed) {
      try {
        return await store.snapshot(this.#keys.prefix, options);
      } catch (error) {
        if (this.#closed) return null;
        const hopeless = deadline !== NEVER && !(error instanceof StoreUnavailableError);
        if (hopeless || clock.now() + RETRY_MS >= deadline) throw error;
        logger.warn('cluster image: no snapshot yet, trying again', { reason: (error as Error).message });
        await clock.sleep(RETRY_MS, this.#closing.signal).catch(() => undefined);
      }
    }
    return null;
  }

  /** Makes the snapshot the image, and watches from there. */
  #adopt(snapshot: Snapshot, historyChanged: boolean): void {
    if (this.#closed) return;
    const events = this.#known.difference(snapshot);
    this.#publish(snapshot.revision, events, historyChanged);
    this.#follow(snapshot.revision + 1, newest(snapshot.entries));
  }

  #follow(fromRevision: number, witness: KeyValue | null): void {
    if (this.#closed) return;
    const watch: Watch = this.#options.store.watch(
      this.#keys.prefix,
      fromRevision,
      {
        onRevision: (revision, events) => {
          if (this.#watch === watch) this.#publish(revision, events, false);
        },
        onProgress: (revision) => {
          if (this.#watch === watch && revision > this.#image.revision) this.#advance(revision);
        },
        onCompacted: () => this.#refresh('the history it needed was compacted'),
        onHistoryChanged: (reason) => {
          this.#suspend(reason);
          this.#refresh(reason);
        },
      },
      witness === null ? {} : { witness },
    );
    this.#watch = watch;
  }

  #publish(revision: number, events: readonly WatchEvent[], historyChanged: boolean): void {
    this.#known.apply(events, revision);
    const { image, delta } = applyEvents(this.#keys, this.#image, revision, events, historyChanged);
    this.#image = image;
    this.#reportUnreadable(events);
    this.#resumeInNewGeneration();
    if (events.length > 0 || historyChanged) for (const listener of [...this.#listeners]) listener(image, delta);
    this.#waiters.imageChanged(this.#image);
  }

  #advance(revision: number): void {
    this.#known.apply([], revision);
    this.#image = { ...this.#image, revision };
    this.#waiters.imageChanged(this.#image);
  }

  /** Takes a fresh snapshot, once, however often asked meanwhile. */
  #refresh(reason: string): void {
    if (this.#closed || this.#refreshing !== null) return;
    this.#options.logger.info('cluster image: taking a fresh snapshot', { reason, revision: this.#image.revision });
    this.#refreshing = this.#takeFreshSnapshot().finally(() => {
      this.#refreshing = null;
    });
  }

  async #takeFreshSnapshot(): Promise<void> {
    // Nothing newer than the snapshot may come in while it is read.
    this.#watch?.close();
    this.#watch = null;
    const snapshot = await this.#readSnapshot(NEVER);
    if (snapshot === null) return;
    const contradiction = this.#known.contradiction(snapshot);
    if (contradiction !== null) this.#suspend(contradiction);
    const historyChanged = this.#pastLost;
    this.#pastLost = false;
    this.#adopt(snapshot, historyChanged);
  }

  #suspend(reason: string): void {
    this.#pastLost = true;
    if (this.#suspension === null) this.#suspendWrites(reason);
  }

  #suspendWrites(reason: string, known = 0): void {
    const generation = Math.max(known, this.#image.generation?.value.generation ?? 0);
    this.#suspension = {
      generation,
      reason:
        `metadata store: its history is not the one this broker knows (${reason}), as after a restore from a backup; ` +
        `metadata writes wait for a generation above ${generation}`,
    };
    this.#options.logger.error('cluster image: the store has another history; writes are suspended', {
      reason,
      generation,
    });
  }

  #resumeInNewGeneration(): void {
    const generation = this.#image.generation?.value.generation ?? 0;
    if (this.#suspension === null || generation <= this.#suspension.generation) return;
    this.#suspension = null;
    this.#options.logger.info('cluster image: a new generation begins; writes resume', { generation });
  }

  #reportUnreadable(events: readonly WatchEvent[]): void {
    if (this.#image.unreadable.size === 0) return;
    for (const { key } of events) {
      const error = this.#image.unreadable.get(key);
      if (error !== undefined) this.#options.logger.error(error.message, { key });
    }
  }
}

function newest(entries: readonly KeyValue[]): KeyValue | null {
  let found: KeyValue | null = null;
  for (const kv of entries) if (found === null || kv.modRevision > found.modRevision) found = kv;
  return found;
}
