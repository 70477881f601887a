import { StoreHistoryChangedError } from '../errors';
import type {
  KeyValue,
  Lease,
  MetadataStore,
  Snapshot,
  Txn,
  TxnResult,
  Watch,
  WatchHandler,
  WatchOptions,
} from '../store';

/** A store that takes no transaction while there is a reason not to. */
export class GuardedStore implements MetadataStore {
  readonly #store: MetadataStore;
  readonly #reason: () => string | null;

  constructor(store: MetadataStore, reason: () => string | null) {
    this.#store = store;
    this.#reason = reason;
  }

  get(key: string): Promise<{ revision: number; kv: KeyValue | null }> {
    return this.#store.get(key);
  }

  snapshot(prefix: string, options?: { readonly pageSize?: number }): Promise<Snapshot> {
    return this.#store.snapshot(prefix, options);
  }

  async txn(txn: Txn): Promise<TxnResult> {
    const reason = this.#reason();
    if (reason !== null) throw new StoreHistoryChangedError(reason);
    return this.#store.txn(txn);
  }

  watch(prefix: string, fromRevision: number, handler: WatchHandler, options?: WatchOptions): Watch {
    return this.#store.watch(prefix, fromRevision, handler, options);
  }

  grantLease(ttlMs: number): Promise<Lease> {
    return this.#store.grantLease(ttlMs);
  }

  keepAlive(leaseId: string): Promise<{ ttlMs: number }> {
    return this.#store.keepAlive(leaseId);
  }

  revokeLease(leaseId: string): Promise<void> {
    return this.#store.revokeLease(leaseId);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
