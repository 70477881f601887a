/** A key as the store holds it. Revisions count from 1; 0 means "never". */
export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the put that created the key. Putting over a live key keeps it. */
  readonly createRevision: number;
  /** Revision of the last put. */
  readonly modRevision: number;
  /** Puts since creation, the creating one included. */
  readonly version: number;
  /** Id of the lease the key goes with, '0' when none. */
  readonly lease: string;
}

/**
 * A guard. For a key that doesn't exist `create`, `mod` and `version` are 0, and no comparison of `value` holds.
 */
export type Compare =
  | { readonly key: string; readonly target: 'create' | 'mod' | 'version'; readonly equals: number }
  | { readonly key: string; readonly target: 'create' | 'mod' | 'version'; readonly greater: number }
  | { readonly key: string; readonly target: 'create' | 'mod' | 'version'; readonly less: number }
  | { readonly key: string; readonly target: 'value'; readonly equals: Uint8Array };

/** One operation of a transaction. A transaction may put a key at most once, and not put and delete the same key. */
export type Op =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array; readonly lease?: string }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'delete-prefix'; readonly prefix: string }
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'get-prefix'; readonly prefix: string };

export interface Txn {
  readonly compare: readonly Compare[];
  /** Carried out, as one revision, when every guard holds. */
  readonly success: readonly Op[];
  /** Carried out otherwise; usually reads the truth back. */
  readonly failure?: readonly Op[];
}

export interface TxnResult {
  readonly succeeded: boolean;
  /** Revision after the transaction. */
  readonly revision: number;
  /** One element for each `get` and `get-prefix` of the branch taken, in order; each sorted by key. */
  readonly reads: readonly (readonly KeyValue[])[];
}

export type WatchEvent =
  | { readonly type: 'put'; readonly key: string; readonly kv: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: number };

export interface WatchHandler {
  /** All events of one revision at once; revisions come in ascending order, each exactly once. */
  onRevision(revision: number, events: readonly WatchEvent[]): void;
  /** Everything up to and including `revision` has been delivered. */
  onProgress?(revision: number): void;
  /** The next event wanted is gone. The watch is over: take a new snapshot and watch from there. */
  onCompacted(compactRevision: number): void;
  /** The store's past differs from what this watch delivered (restored from a backup). The watch is over. */
  onHistoryChanged?(reason: string): void;
}

export interface WatchOptions {
  /** A key the caller knows of the store's past; checked, at each connection, to tell another history. */
  readonly witness?: KeyValue;
}

export interface Watch {
  close(): void;
}

export interface Snapshot {
  readonly revision: number;
  /** Sorted by key (bytewise). */
  readonly entries: readonly KeyValue[];
}

export interface Lease {
  readonly id: string;
  /** What the store granted; it may raise what was asked. */
  readonly ttlMs: number;
}

/** What the store takes in one transaction (etcd's defaults). */
export const MAX_TXN_OPS = 128;
/** Largest request in bytes, as encoded. */
export const MAX_REQUEST_BYTES = 1.5 * 1024 * 1024;

/**
 * The one source of truth: a small, revisioned, transactional key-value store with leases, as etcd defines it.
 *
 * Every transaction that changes something makes the next revision; all its changes carry it. Reads are linearizable.
 *
 * Every call ends by a deadline. Errors:
 * - `StoreUnavailableError`: no answer. For `txn`, `maybeApplied` tells whether it may have been carried out all the
 *   same; the caller must read before it decides.
 * - `StoreLimitError`: more than 128 operations or 1.5 MB.
 * - `LeaseNotFoundError`: the lease expired, was revoked or never existed.
 */
export interface MetadataStore {
  get(key: string): Promise<{ readonly revision: number; readonly kv: KeyValue | null }>;
  /** Every key below `prefix`, read in pages, all as of one revision. */
  snapshot(prefix: string, options?: { readonly pageSize?: number }): Promise<Snapshot>;
  txn(txn: Txn): Promise<TxnResult>;
  /**
   * Delivers every change below `prefix` from `fromRevision` on, across disconnections, until closed. `fromRevision` is
   * at most one above a revision that the caller has seen: further on would read as a store whose revision went back.
   * Handlers are called one at a time, never before `watch` has returned.
   */
  watch(prefix: string, fromRevision: number, handler: WatchHandler, options?: WatchOptions): Watch;
  /**
   * A lease's keys are deleted, as one revision, once it hasn't been kept alive for its TTL. A holder must count that
   * time on a monotonic clock from *before* it sent the grant or keep-alive, never from the answer.
   */
  grantLease(ttlMs: number): Promise<Lease>;
  /** Starts the TTL anew. */
  keepAlive(leaseId: string): Promise<{ readonly ttlMs: number }>;
  /** Ends the lease and deletes its keys as one revision. */
  revokeLease(leaseId: string): Promise<void>;
  /** Ends watches and calls in flight. */
  close(): Promise<void>;
}
