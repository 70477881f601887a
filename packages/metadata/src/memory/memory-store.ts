import type { Clock, Timer } from '@ottla/runtime';
import { StoreLimitError, StoreUnavailableError } from '../errors';
import { keysBelow, oneKey, toByteKey } from '../machine/key-range';
import { type MachineSnapshot, StoreMachine } from '../machine/store-machine';
import { WatchCursor } from '../machine/watch-cursor';
import {
  type KeyValue,
  type Lease,
  MAX_REQUEST_BYTES,
  type MetadataStore,
  type Snapshot,
  type Txn,
  type TxnResult,
  type Watch,
  type WatchHandler,
} from '../store';
import { requestBytes, toEvents, toKeyValue, toReads, toStoreError, toTransaction } from './translation';

export interface MemoryStoreOptions {
  readonly clock: Clock;
}

interface MemoryWatch {
  readonly cursor: WatchCursor;
  readonly handler: WatchHandler;
  readonly prefix: string;
  open: boolean;
}

/**
 * A store in this process's memory. Deterministic: answers and watch events come in microtasks, in order; leases expire
 * by the clock handed in, to the millisecond. It keeps the whole history until `compact` is called.
 */
export class MemoryStore implements MetadataStore {
  readonly #clock: Clock;
  #machine = new StoreMachine();
  readonly #watches = new Set<MemoryWatch>();
  #expiry: Timer | null = null;
  #lastLease = 0;
  #delivering = false;
  #closed = false;

  constructor(options: MemoryStoreOptions) {
    this.#clock = options.clock;
  }

  async get(key: string): Promise<{ revision: number; kv: KeyValue | null }> {
    return this.#run(() => {
      const { kvs } = this.#machine.range({ range: oneKey(toByteKey(key)), revision: 0, limit: 0 });
      return { revision: this.#machine.revision, kv: kvs.map(toKeyValue)[0] ?? null };
    });
  }

  async snapshot(prefix: string): Promise<Snapshot> {
    return this.#run(() => {
      const { kvs } = this.#machine.range({ range: keysBelow(toByteKey(prefix)), revision: 0, limit: 0 });
      return { revision: this.#machine.revision, entries: kvs.map(toKeyValue) };
    });
  }

  /** What `snapshot('')` would answer, at once. */
  contents(): Snapshot {
    const { kvs } = this.#machine.range({ range: keysBelow(toByteKey('')), revision: 0, limit: 0 });
    return { revision: this.#machine.revision, entries: kvs.map(toKeyValue) };
  }

  async txn(txn: Txn): Promise<TxnResult> {
    return this.#run(() => {
      if (requestBytes(txn) > MAX_REQUEST_BYTES) {
        throw new StoreLimitError('metadata store: request is too large; split the transaction');
      }
      const { result } = this.#machine.transact(toTransaction(txn));
      return { succeeded: result.succeeded, revision: this.#machine.revision, reads: toReads(result.results) };
    }, leaseOf(txn));
  }

  watch(prefix: string, fromRevision: number, handler: WatchHandler): Watch {
    const cursor = new WatchCursor(keysBelow(toByteKey(prefix)), fromRevision);
    const watch: MemoryWatch = { cursor, handler, prefix, open: true };
    this.#watches.add(watch);
    this.#scheduleDelivery();
    return { close: () => this.#end(watch) };
  }

  async grantLease(ttlMs: number): Promise<Lease> {
    return this.#run(() => {
      const id = String(++this.#lastLease);
      this.#machine.grant(id, ttlMs, this.#clock.now());
      return { id, ttlMs };
    });
  }

  async keepAlive(leaseId: string): Promise<{ ttlMs: number }> {
    return this.#run(() => ({ ttlMs: this.#machine.keepAlive(leaseId, this.#clock.now()) }), leaseId);
  }

  async revokeLease(leaseId: string): Promise<void> {
    this.#run(() => this.#machine.revoke(leaseId), leaseId);
  }

  /** All of it as it is now, for `restore`. */
  backup(): MachineSnapshot {
    return this.#machine.snapshot();
  }

  /**
   * Puts a backup back, as after a restore of etcd: revisions go back, every lease of that time has its full TTL again.
   * Watches end: what they delivered is not this store's past.
   */
  restore(backup: MachineSnapshot): void {
    this.#machine = StoreMachine.fromSnapshot(backup, this.#clock.now());
    const watches = [...this.#watches];
    for (const watch of watches) this.#end(watch);
    this.#armExpiry();
    queueMicrotask(() => {
      for (const watch of watches) this.#tellHistoryChanged(watch);
    });
  }

  /** Forgets the history below a revision: watches that need it are told so. */
  async compact(revision: number): Promise<void> {
    this.#run(() => this.#machine.compact(revision));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#expiry?.cancel();
    for (const watch of this.#watches) this.#end(watch);
  }

  #run<T>(action: () => T, leaseId = ''): T {
    if (this.#closed) throw new StoreUnavailableError('metadata store: closed', false);
    this.#machine.expire(this.#clock.now());
    try {
      return action();
    } catch (error) {
      throw toStoreError(error, leaseId);
    } finally {
      this.#armExpiry();
      this.#scheduleDelivery();
    }
  }

  #armExpiry(): void {
    this.#expiry?.cancel();
    this.#expiry = null;
    const next = this.#machine.nextExpiry();
    if (next === null || this.#closed) return;
    this.#expiry = this.#clock.after(Math.max(0, next - this.#clock.now()), () => this.#run(() => undefined));
  }

  #scheduleDelivery(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    queueMicrotask(() => {
      this.#delivering = false;
      for (const watch of this.#watches) this.#deliver(watch);
    });
  }

  #deliver(watch: MemoryWatch): void {
    if (!watch.open) return;
    if (watch.cursor.isCompacted(this.#machine)) {
      this.#end(watch);
      watch.handler.onCompacted(this.#machine.compactRevision);
      return;
    }
    const upTo = this.#machine.revision;
    if (watch.cursor.next > upTo + 1) {
      this.#end(watch);
      this.#tellHistoryChanged(watch);
      return;
    }
    if (watch.cursor.next > upTo) return;
    for (const commit of watch.cursor.advance(this.#machine, upTo)) {
      if (!watch.open) return;
      watch.handler.onRevision(commit.revision, toEvents(commit));
    }
    if (watch.open) watch.handler.onProgress?.(upTo);
  }

  #tellHistoryChanged({ cursor, handler }: MemoryWatch): void {
    const reason = `the store is at revision ${this.#machine.revision}, this watch had come to ${cursor.next - 1}`;
    if (handler.onHistoryChanged === undefined) handler.onCompacted(0);
    else handler.onHistoryChanged(reason);
  }

  #end(watch: MemoryWatch): void {
    watch.open = false;
    this.#watches.delete(watch);
  }
}

function leaseOf(txn: Txn): string {
  for (const op of [...txn.success, ...(txn.failure ?? [])]) {
    if (op.type === 'put' && op.lease !== undefined) return op.lease;
  }
  return '';
}
