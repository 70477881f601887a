import {
  type MetadataStore,
  type Snapshot,
  StoreUnavailableError,
  type Txn,
  type Watch,
  type WatchEvent,
  type WatchHandler,
} from '../../src';

/** A store whose watch can be interrupted, and which can become another store, as a restore from a backup does. */
export class BreakableStore implements MetadataStore {
  /** So many of the next snapshots fail. */
  unavailable = 0;
  #inner: MetadataStore;
  #interrupted = false;
  #holding = false;
  #watch: { prefix: string; next: number; handler: WatchHandler; inner: Watch | null } | null = null;
  #held: (() => void)[] = [];

  constructor(inner: MetadataStore) {
    this.#inner = inner;
  }

  /** The watch hears nothing more, until resumed. */
  interrupt(): void {
    this.#interrupted = true;
    this.#watch?.inner?.close();
  }

  /** The watch goes on from what it has heard. */
  resume(): void {
    if (!this.#interrupted) return;
    this.#interrupted = false;
    this.#open();
  }

  /** From now on it is another store, which the watch is told at once. */
  replace(other: MetadataStore): void {
    this.#inner = other;
    this.#interrupted = false;
    const watch = this.#watch;
    this.#watch = null;
    watch?.handler.onHistoryChanged?.('replaced');
  }

  /** Keeps events back. */
  hold(): void {
    this.#holding = true;
  }

  release(): void {
    this.#holding = false;
    for (const deliver of this.#held.splice(0)) deliver();
  }

  async snapshot(prefix: string): Promise<Snapshot> {
    if (this.unavailable > 0) {
      this.unavailable--;
      throw new StoreUnavailableError('out of reach', false);
    }
    return this.#inner.snapshot(prefix);
  }

  watch(prefix: string, fromRevision: number, handler: WatchHandler): Watch {
    const watch = { prefix, next: fromRevision, handler, inner: null };
    this.#watch = watch;
    if (!this.#interrupted) this.#open();
    return {
      close: () => {
        if (this.#watch !== watch) return;
        this.#watch.inner?.close();
        this.#watch = null;
      },
    };
  }

  get(key: string) {
    return this.#inner.get(key);
  }

  txn(txn: Txn) {
    return this.#inner.txn(txn);
  }

  grantLease(ttlMs: number) {
    return this.#inner.grantLease(ttlMs);
  }

  keepAlive(leaseId: string) {
    return this.#inner.keepAlive(leaseId);
  }

  revokeLease(leaseId: string) {
    return this.#inner.revokeLease(leaseId);
  }

  async close(): Promise<void> {}

  #open(): void {
    const watch = this.#watch;
    if (watch === null) return;
    const through = (deliver: () => void) => {
      const live = () => {
        if (this.#watch === watch && !this.#interrupted) deliver();
      };
      if (this.#holding) this.#held.push(live);
      else live();
    };
    watch.inner = this.#inner.watch(watch.prefix, watch.next, {
      onRevision: (revision: number, events: readonly WatchEvent[]) =>
        through(() => {
          watch.next = revision + 1;
          watch.handler.onRevision(revision, events);
        }),
      onCompacted: (revision: number) => through(() => watch.handler.onCompacted(revision)),
    });
  }
}
