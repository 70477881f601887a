import type { ICompare, IKeyValue, IRangeRequest, IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3';
import type { Compare, KeyValue, Op, Txn, TxnResult } from '../store';

const FROM_ALL = Buffer.from([0]);

/** etcd's key and end of the range of all keys that begin with a prefix. */
export function prefixRange(prefix: string): { key: Buffer; range_end: Buffer } {
  if (prefix === '') return { key: FROM_ALL, range_end: FROM_ALL };
  const key = Buffer.from(prefix);
  for (let at = key.length - 1; at >= 0; at--) {
    if (key[at]! === 0xff) continue;
    const end = Buffer.from(key.subarray(0, at + 1));
    end[at]!++;
    return { key, range_end: end };
  }
  return { key, range_end: FROM_ALL };
}

export function toTxnRequest(txn: Txn): ITxnRequest {
  return {
    compare: txn.compare.map(toCompare),
    success: txn.success.map(toRequestOp),
    failure: (txn.failure ?? []).map(toRequestOp),
  };
}

// Enum values go by number: their names differ between etcd3's descriptors and etcd's.
const EQUAL = 0;
const GREATER = 1;
const LESS = 2;
const VALUE_TARGET = 3;
const REVISION_TARGETS = {
  version: { target: 0, field: 'version' },
  create: { target: 1, field: 'create_revision' },
  mod: { target: 2, field: 'mod_revision' },
} as const;

function toCompare(compare: Compare): ICompare {
  const key = Buffer.from(compare.key);
  if (compare.target === 'value') {
    return { key, result: EQUAL, target: VALUE_TARGET, value: Buffer.from(compare.equals) };
  }
  const { target, field } = REVISION_TARGETS[compare.target];
  if ('equals' in compare) return { key, target, result: EQUAL, [field]: compare.equals };
  if ('greater' in compare) return { key, target, result: GREATER, [field]: compare.greater };
  return { key, target, result: LESS, [field]: compare.less };
}

function toRequestOp(op: Op): IRequestOp {
  switch (op.type) {
    case 'put': {
      const put = { key: Buffer.from(op.key), value: Buffer.from(op.value) };
      return { request_put: op.lease === undefined ? put : { ...put, lease: op.lease } };
    }
    case 'delete':
      return { request_delete_range: { key: Buffer.from(op.key) } };
    case 'delete-prefix':
      return { request_delete_range: prefixRange(op.prefix) };
    case 'get':
      return { request_range: { key: Buffer.from(op.key) } };
    case 'get-prefix':
      return { request_range: prefixRange(op.prefix) };
  }
}

export function fromTxnResponse(response: ITxnResponse): TxnResult {
  const reads = response.responses.flatMap((one) =>
    one.response_range ? [(one.response_range.kvs ?? []).map(fromKeyValue)] : [],
  );
  return { succeeded: response.succeeded, revision: Number(response.header.revision), reads };
}

export function fromKeyValue(kv: IKeyValue): KeyValue {
  return {
    key: kv.key.toString(),
    value: kv.value,
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
    version: Number(kv.version),
    lease: String(kv.lease),
  };
}

export function keyRequest(key: string, revision = 0): IRangeRequest {
  return { key: Buffer.from(key), revision };
}

/** The key right after `key`. */
export function after(key: string): Buffer {
  return Buffer.concat([Buffer.from(key), FROM_ALL]);
}
