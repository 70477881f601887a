import type { Clock, Logger } from '@ottla/runtime';
import type { KeyValue, Lease, MetadataStore, Snapshot, Txn, TxnResult, Watch, WatchHandler } from '../store';

export interface EtcdStoreOptions {
  /** `host:port` or URLs; the first that answers is used until it fails. */
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Deadline of each call, ms. Default 5,000. */
  readonly requestTimeoutMs?: number;
}

/** The store in etcd, or in Ottla's embedded server, which speaks etcd's protocol. Loads its client when constructed. */
export class EtcdStore implements MetadataStore {
  constructor(readonly options: EtcdStoreOptions) {}

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
