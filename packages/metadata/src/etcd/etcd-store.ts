import { OttlaError } from '@ottla/protocol';
import { type Clock, type Logger, withDeadline } from '@ottla/runtime';
import type { IRangeResponse } from 'etcd3';
import { CompactedError, LeaseNotFoundError } from '../errors';
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
import { type Attempt, type CallOptions, Calls } from './calls';
import { connectEtcd, type EtcdConnection } from './client-library';
import { Connections } from './connections';
import { EtcdWatch } from './etcd-watch';
import { after, fromKeyValue, fromTxnResponse, keyRequest, prefixRange, toTxnRequest } from './translation';

export interface EtcdStoreOptions {
  /** `host:port` or URLs (`https://` for TLS with a public certificate). One is used until it fails. */
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Deadline of each call, ms. Default 5,000. */
  readonly requestTimeoutMs?: number;
  /** How a member is reached. Default: by etcd's client library, over gRPC. */
  readonly connect?: (endpoint: string) => EtcdConnection;
}

const REQUEST_TIMEOUT_DEFAULT_MS = 5_000;
const PAGE_SIZE_DEFAULT = 1_000;
/** A snapshot whose revision is compacted while it's read begins again, so often. */
const SNAPSHOT_ATTEMPTS = 5;

/** The store in etcd, or in Ottla's embedded server, which speaks etcd's protocol. */
export class EtcdStore implements MetadataStore {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  readonly #connections: Connections;
  readonly #calls: Calls;
  readonly #watches = new Set<EtcdWatch>();
  /** Highest revision of a linearizable answer. */
  #known = 0;

  constructor(options: EtcdStoreOptions) {
    if (options.endpoints.length === 0) {
      throw new OttlaError('INVALID_CONFIG', 'metadata store: no endpoints given; name at least one host:port');
    }
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_DEFAULT_MS;
    this.#connections = new Connections(options.endpoints, options.connect ?? connectEtcd, options.logger);
    this.#calls = new Calls(this.#connections, options.clock, this.#timeoutMs);
  }

  async get(key: string): Promise<{ revision: number; kv: KeyValue | null }> {
    return this.#readKey(key, 0);
  }

  async snapshot(prefix: string, options: { readonly pageSize?: number } = {}): Promise<Snapshot> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#readPages(prefix, options.pageSize ?? PAGE_SIZE_DEFAULT);
      } catch (error) {
        if (!(error instanceof CompactedError) || attempt === SNAPSHOT_ATTEMPTS) throw error;
      }
    }
  }

  async txn(txn: Txn): Promise<TxnResult> {
    const request = toTxnRequest(txn);
    const writes = [...txn.success, ...(txn.failure ?? [])].filter((op) => !op.type.startsWith('get'));
    const leaseId = writes.flatMap((op) => (op.type === 'put' && op.lease !== undefined ? [op.lease] : []))[0] ?? '';
    const options = { what: describe(txn), repeatable: writes.length === 0, leaseId };
    const response = await this.#call(({ kv }, { deadline }) => kv.txn(request, { deadline }), options);
    return fromTxnResponse(response);
  }

  watch(prefix: string, fromRevision: number, handler: WatchHandler, options: WatchOptions = {}): Watch {
    const watch = new EtcdWatch({
      prefix,
      fromRevision,
      handler,
      witness: options.witness ?? null,
      connections: this.#connections,
      reader: { read: (key, revision) => this.#readPast(key, revision) },
      clock: this.#clock,
      logger: this.#logger,
      silenceMaxMs: this.#timeoutMs,
      onEnded: () => this.#watches.delete(watch),
    });
    this.#watches.add(watch);
    return watch;
  }

  /** etcd counts whole seconds and raises short ones (1 s to 2 s). */
  async grantLease(ttlMs: number): Promise<Lease> {
    const request = { TTL: Math.max(1, Math.ceil(ttlMs / 1000)) };
    // Asked twice it leaves a lease behind that nobody keeps alive.
    const options = { what: 'granting a lease', repeatable: true };
    const response = await this.#call(({ leases }, { deadline }) => leases.leaseGrant(request, { deadline }), options);
    return { id: String(response.ID), ttlMs: Number(response.TTL) * 1000 };
  }

  async keepAlive(leaseId: string): Promise<{ ttlMs: number }> {
    const seconds = await this.#calls.make(
      async ({ keepAlives }, { timeoutMs }) => {
        try {
          return await withDeadline(keepAlives.send(leaseId), this.#clock, timeoutMs, 'no answer');
        } catch (error) {
          if (error instanceof OttlaError) {
            const late = new Error(`4 DEADLINE_EXCEEDED: no answer within ${timeoutMs} ms`, { cause: error });
            keepAlives.reset(late);
            throw late;
          }
          throw error;
        }
      },
      { what: `keeping lease ${leaseId} alive`, repeatable: true, leaseId },
    );
    if (seconds <= 0) throw new LeaseNotFoundError(leaseId);
    return { ttlMs: seconds * 1000 };
  }

  async revokeLease(leaseId: string): Promise<void> {
    let attempts = 0;
    try {
      await this.#call(
        ({ leases }, { deadline }) => {
          attempts++;
          return leases.leaseRevoke({ ID: leaseId }, { deadline });
        },
        { what: `revoking lease ${leaseId}`, repeatable: true, leaseId },
      );
    } catch (error) {
      // An earlier attempt, whose answer was lost, has revoked it.
      if (!(error instanceof LeaseNotFoundError) || attempts === 1) throw error;
    }
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    this.#calls.close();
    this.#connections.close();
  }

  async #readPages(prefix: string, pageSize: number): Promise<Snapshot> {
    const range = prefixRange(prefix);
    const entries: KeyValue[] = [];
    let { key } = range;
    let revision = 0;
    for (;;) {
      const request = { key, range_end: range.range_end, limit: pageSize, revision };
      const page: IRangeResponse = await this.#call(({ kv }, { deadline }) => kv.range(request, { deadline }), {
        what: `reading ${prefix}`,
        repeatable: true,
      });
      if (revision === 0) revision = Number(page.header.revision);
      for (const kv of page.kvs) entries.push(fromKeyValue(kv));
      const last = entries.at(-1);
      if (!page.more || last === undefined) return { revision, entries };
      key = after(last.key);
    }
  }

  async #readKey(key: string, revision: number): Promise<{ revision: number; kv: KeyValue | null }> {
    const response = await this.#call(({ kv }, { deadline }) => kv.range(keyRequest(key, revision), { deadline }), {
      what: `reading ${key}`,
      repeatable: true,
    });
    const kv = response.kvs[0];
    return { revision: Number(response.header.revision), kv: kv === undefined ? null : fromKeyValue(kv) };
  }

  async #readPast(key: string, revision: number): Promise<{ revision: number; kv: KeyValue | null } | null> {
    try {
      return await this.#readKey(key, revision);
    } catch (error) {
      if (error instanceof OttlaError && error.message.includes('required revision is a future revision')) return null;
      throw error;
    }
  }

  /** A unary call, whose answer also tells whether the store's revision has gone back. */
  async #call<T extends { header: { revision: string } }>(attempt: Attempt<T>, options: CallOptions): Promise<T> {
    const known = this.#known;
    const response = await this.#calls.make(attempt, options);
    const revision = Number(response.header.revision);
    if (revision < known) {
      this.#known = revision;
      this.#logger.error('metadata store: its revision went back', { from: known, to: revision });
      for (const watch of this.#watches) watch.recheck();
    } else if (revision > this.#known) {
      this.#known = revision;
    }
    return response;
  }
}

/** Loads etcd's client library; so it takes some time. */
export function createEtcdStore(options: EtcdStoreOptions): EtcdStore {
  return new EtcdStore(options);
}

function describe(txn: Txn): string {
  const key = txn.success.map((op) => ('key' in op ? op.key : op.prefix))[0] ?? txn.compare[0]?.key ?? '';
  const more = txn.success.length > 1 ? ` and ${txn.success.length - 1} more` : '';
  return `transaction on ${key}${more}`;
}
