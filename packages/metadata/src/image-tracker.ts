import type { Clock, Logger } from '@ottla/runtime';
import type { ClusterImage, ImageDelta } from './image';
import type { MetadataStore } from './store';

export interface ImageTrackerOptions {
  readonly store: MetadataStore;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keys a page when reading the snapshot. Default 1,000. */
  readonly pageSize?: number;
}

export type ImageListener = (image: ClusterImage, delta: ImageDelta) => void;

/** Keeps an image equal to the store at the image's revision: one snapshot, then one watch. */
export class ImageTracker {
  constructor(readonly options: ImageTrackerOptions) {}

  /** Reads the snapshot. Tries again while the store can't be reached, for at most `timeoutMs` (default 30,000). */
  start(_timeoutMs?: number): Promise<void> {
    throw new Error('being written');
  }

  get image(): ClusterImage {
    throw new Error('being written');
  }

  /**
   * The store as it may be written through while this image is trusted: once the store was found to have another past,
   * `txn` refuses with StoreHistoryChangedError until a higher generation appears.
   */
  get store(): MetadataStore {
    throw new Error('being written');
  }

  /** Why writes are suspended; null when they aren't. */
  get suspended(): string | null {
    throw new Error('being written');
  }

  /** Called after each change, in order, with the new image. Returns how to stop. */
  onChange(_listener: ImageListener): () => void {
    throw new Error('being written');
  }

  /**
   * The first image, from now on, that satisfies the predicate or has reached the revision.
   * @param timeoutMs from now; then REQUEST_TIMED_OUT.
   */
  waitFor(_condition: number | ((image: ClusterImage) => boolean), _timeoutMs: number): Promise<ClusterImage> {
    throw new Error('being written');
  }

  close(): void {
    throw new Error('being written');
  }
}
