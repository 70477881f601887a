import {
  type Commit,
  fromByteKey,
  type Guard,
  type KeyRange,
  type KeyValue,
  keysFrom,
  MachineError,
  type MachineErrorKind,
  type Operation,
  type OperationResult,
  oneKey,
  type Transaction,
  type WatchEvent,
} from '@ottla/metadata';

/** etcd's messages as its client library makes them: bytes as Buffer, absent fields absent. Only what Ottla's client sends. */
export interface RangeMessage {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly limit?: number;
  readonly revision?: number;
}

interface OpMessage {
  readonly request_put?: { readonly key: Buffer; readonly value: Buffer; readonly lease?: string };
  readonly request_delete_range?: RangeMessage;
  readonly request_range?: RangeMessage;
}

interface CompareMessage {
  readonly key: Buffer;
  readonly result: number;
  readonly target: number;
  readonly version?: number;
  readonly create_revision?: number;
  readonly mod_revision?: number;
  readonly value?: Buffer;
}

export interface TxnMessage {
  readonly compare: readonly CompareMessage[];
  readonly success: readonly OpMessage[];
  readonly failure: readonly OpMessage[];
}

export interface WatchMessage {
  readonly create_request?: { readonly key: Buffer; readonly range_end: Buffer; readonly start_revision: number };
  readonly progress_request?: object;
}

const RELATIONS = ['equal', 'greater', 'less'] as const;
const NO_LEASE = '0';
const EVERYTHING = '\0';

export function toRange({ key, range_end: end }: RangeMessage): KeyRange {
  const start = key.toString('latin1');
  if (end === undefined || end.length === 0) return oneKey(start);
  const last = end.toString('latin1');
  return keysFrom(start, last === EVERYTHING ? null : last);
}

export function toTransaction({ compare, success, failure }: TxnMessage): Transaction {
  return { guards: compare.map(toGuard), success: success.map(toOperation), failure: failure.map(toOperation) };
}

function toGuard(message: CompareMessage): Guard {
  const shared = { range: toRange(message), relation: RELATIONS[message.result]! };
  switch (message.target) {
    case 0:
      return { ...shared, target: 'version', operand: message.version ?? 0 };
    case 1:
      return { ...shared, target: 'create', operand: message.create_revision ?? 0 };
    case 2:
      return { ...shared, target: 'mod', operand: message.mod_revision ?? 0 };
    default:
      return { ...shared, target: 'value', operand: message.value ?? Buffer.alloc(0) };
  }
}

function toOperation({ request_put: put, request_delete_range: remove, request_range: range }: OpMessage): Operation {
  if (put !== undefined) {
    const value = new Uint8Array(put.value);
    return { type: 'put', key: put.key.toString('latin1'), value, lease: put.lease ?? NO_LEASE };
  }
  if (remove !== undefined) return { type: 'delete', range: toRange(remove) };
  return { type: 'range', range: toRange(range!), revision: 0, limit: 0 };
}

export function fromResult(result: OperationResult): object {
  switch (result.type) {
    case 'range':
      return { response_range: { kvs: result.kvs.map(fromKeyValue) } };
    case 'put':
      return { response_put: {} };
    case 'delete':
      return { response_delete_range: { deleted: String(result.deleted) } };
  }
}

export function fromKeyValue(kv: KeyValue): object {
  return {
    key: Buffer.from(kv.key, 'latin1'),
    value: kv.value,
    create_revision: String(kv.createRevision),
    mod_revision: String(kv.modRevision),
    version: String(kv.version),
    lease: kv.lease,
  };
}

/** A commit's events as a watch response has them. */
export function fromCommit(commit: Commit): object[] {
  return commit.changes.map((change) =>
    change.type === 'put'
      ? { type: 'Put', kv: fromKeyValue(change.kv) }
      : {
          type: 'Delete',
          kv: { key: Buffer.from(change.key, 'latin1'), mod_revision: String(commit.revision) },
        },
  );
}

/** A commit's events as Ottla's port has them. */
export function eventsOf({ revision, changes }: Pick<Commit, 'revision' | 'changes'>): WatchEvent[] {
  return changes.map((change) => {
    if (change.type === 'delete') return { type: 'delete', key: fromByteKey(change.key), modRevision: revision };
    const key = fromByteKey(change.kv.key);
    return { type: 'put', key, kv: { ...change.kv, key } };
  });
}

/** gRPC's codes and etcd's words, which its clients match on. */
const REFUSALS: Readonly<Record<MachineErrorKind, string>> = {
  compacted: '11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted',
  'future-revision': '11 OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision',
  'lease-not-found': '5 NOT_FOUND: etcdserver: requested lease not found',
  'lease-exists': '9 FAILED_PRECONDITION: etcdserver: lease already exists',
  'lease-ttl-too-large': '11 OUT_OF_RANGE: etcdserver: too large lease TTL',
  'too-many-operations': '3 INVALID_ARGUMENT: etcdserver: too many operations in txn request',
  'request-too-large': '3 INVALID_ARGUMENT: etcdserver: request is too large',
  'duplicate-key': '3 INVALID_ARGUMENT: etcdserver: duplicate key given in txn request',
  'empty-key': '3 INVALID_ARGUMENT: etcdserver: key is not provided',
  'key-not-found': '3 INVALID_ARGUMENT: etcdserver: key not found',
  'value-provided': '3 INVALID_ARGUMENT: etcdserver: value is provided',
  'lease-provided': '3 INVALID_ARGUMENT: etcdserver: lease is provided',
};

/** The message of the error that etcd's client library gives; rethrows what isn't an answer. */
export function refusal(error: unknown): string {
  if (error instanceof MachineError) return REFUSALS[error.kind];
  throw error;
}
