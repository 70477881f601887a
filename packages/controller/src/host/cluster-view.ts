import type { ImageTracker } from '@ottla/metadata';

/** What this package needs of the image of the cluster: to read it, to be told of changes, and to write below it. */
export type ClusterView = Pick<ImageTracker, 'image' | 'store' | 'onChange' | 'waitFor'>;

/** What membership and the controller need beside that, when the store was restored from a backup. */
export type RestorableView = ClusterView & Pick<ImageTracker, 'unguardedStore' | 'exceededGeneration' | 'suspend'>;

/** The process that this is. */
export interface Self {
  readonly broker: number;
  /** Drawn at process start. */
  readonly run: string;
}
