import type { Clock } from '@ottla/runtime';
import type { KeyValue, Lease, MetadataStore, Snapshot, Txn, TxnResult, Watch, WatchHandler } from '../store';

export interface MemoryStoreOptions {
  readonly clock: Clock;
}

/** A store in this process's memory: deterministic, leases expire by the clock handed in. For simulation and tests. */
export class MemoryStore implements MetadataStore {
  constructor(readonly options: MemoryStoreOptions) {}

  get(_key: string): Promise<{ revision: number; kv: KeyValue | null }> {
    throw new Error('being written');
  }
  snapshot(_prefix: string, _options?: { pageSize?: number }): Promise<Snapshot> {
    throw new Error('being written');
  }
  txn(_txn: Txn): Promise<TxnResult> {
    throw new Error('being written');
  }
  watch(_prefix: string, _fromRevision: number, _handler: WatchHandler): Watch {
    throw new Error('being written');
  }
  grantLease(_ttlMs: number): Promise<Lease> {
    throw new Error('being written');
  }
  keepAlive(_leaseId: string): Promise<{ ttlMs: number }> {
    throw new Error('being written');
  }
  revokeLease(_leaseId: string): Promise<void> {
    throw new Error('being written');
  }
  close(): Promise<void> {
    throw new Error('being written');
  }
}
