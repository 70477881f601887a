import {
  type KeyValue,
  type Lease,
  MemoryStore,
  type MetadataStore,
  type Snapshot,
  StoreUnavailableError,
  type Txn,
  type TxnResult,
  type Watch,
  type WatchHandler,
} from '@ottla/metadata';
import type { Clock } from '@ottla/runtime';
import type { Life } from '../process/life';
import type { SimTime } from '../time/sim-time';

/** The metadata store of the cluster. */
export class SimStore {
  readonly memory: MemoryStore;

  constructor(
    readonly time: SimTime,
    clock: Clock,
  ) {
    this.memory = new MemoryStore({ clock });
  }

  /** All that it holds now. */
  contents(): { readonly revision: number; readonly entries: readonly KeyValue[] } {
    return this.memory.contents();
  }

  /** As one process reaches it. */
  open(life: Life, delay: () => number): MetadataStore {
    return new StoreLink(this, life, delay);
  }
}

class StoreLink implements MetadataStore {
  private closed = false;

  constructor(
    private readonly store: SimStore,
    private readonly life: Life,
    private readonly delay: () => number,
  ) {}

  get(key: string): Promise<{ revision: number; kv: KeyValue | null }> {
    return this.call((memory) => memory.get(key));
  }

  snapshot(prefix: string): Promise<Snapshot> {
    return this.call((memory) => memory.snapshot(prefix));
  }

  txn(txn: Txn): Promise<TxnResult> {
    return this.call((memory) => memory.txn(txn));
  }

  watch(prefix: string, fromRevision: number, handler: WatchHandler): Watch {
    let last = 0;
    const pass = (action: () => void): void => {
      last = Math.max(last, this.store.time.now() + this.delay());
      this.store.time.at(last, () => this.life.run(action));
    };
    return this.store.memory.watch(prefix, fromRevision, {
      onRevision: (revision, events) => pass(() => handler.onRevision(revision, events)),
      onProgress: (revision) => pass(() => handler.onProgress?.(revision)),
      onCompacted: (revision) => pass(() => handler.onCompacted(revision)),
    });
  }

  grantLease(ttlMs: number): Promise<Lease> {
    return this.call((memory) => memory.grantLease(ttlMs));
  }

  keepAlive(leaseId: string): Promise<{ ttlMs: number }> {
    return this.call((memory) => memory.keepAlive(leaseId));
  }

  revokeLease(leaseId: string): Promise<void> {
    return this.call((memory) => memory.revokeLease(leaseId));
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private call<T>(run: (memory: MemoryStore) => Promise<T>): Promise<T> {
    if (this.closed) return Promise.reject(new StoreUnavailableError('metadata store: closed', false));
    return new Promise((resolve, reject) => {
      this.store.time.after(this.delay(), () => {
        run(this.store.memory).then(
          (value) => this.store.time.after(this.delay(), () => this.life.run(() => resolve(value))),
          (error) => this.store.time.after(this.delay(), () => this.life.run(() => reject(error))),
        );
      });
    });
  }
}
