import type { ImageTracker } from '@ottla/metadata';

/** What this package needs of the image of the cluster: to read it, to be told of changes, and to write below it. */
export type ClusterView = Pick<ImageTracker, 'image' | 'store' | 'onChange' | 'waitFor'>;

/** What membership and the controller need beside that, when the store was restored from a backup. */
export type RestorableView = ClusterView & Pick<ImageTracker, 'unguardedStore' | 'exceededGeneration' | 'suspend'>;

/** The view whose writes are taken also while the store is found to have another past: they are right in any. */
export function unguarded(view: RestorableView): RestorableView {
  return {
    get image() {
      return view.image;
    },
    get store() {
      return view.unguardedStore;
    },
    get unguardedStore() {
      return view.unguardedStore;
    },
    get exceededGeneration() {
      return view.exceededGeneration;
    },
    onChange: (listener) => view.onChange(listener),
    waitFor: (condition, timeoutMs) => view.waitFor(condition, timeoutMs),
    suspend: (reason) => view.suspend(reason),
  };
}

/** The process that this is. */
export interface Self {
  readonly broker: number;
  /** Drawn at process start. */
  readonly run: string;
}
