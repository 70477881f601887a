import { OttlaError } from '@ottla/protocol';
import { CompactedError, LeaseNotFoundError, StoreLimitError } from '../errors';
import type { Commit } from '../machine/history';
import { fromByteKey, keysBelow, oneKey, toByteKey } from '../machine/key-range';
import { NO_LEASE } from '../machine/lease-table';
import { MachineError } from '../machine/machine-error';
import type { Guard, Operation, OperationResult, Transaction } from '../machine/requests';
import type { Compare, KeyValue, Op, Txn, WatchEvent } from '../store';

/** Bytes of framing counted for each guard and operation, about what protobuf adds. */
const ELEMENT_OVERHEAD_BYTES = 16;

export function toTransaction(txn: Txn): Transaction {
  return {
    guards: txn.compare.map(toGuard),
    success: txn.success.map(toOperation),
    failure: (txn.failure ?? []).map(toOperation),
  };
}

function toGuard(compare: Compare): Guard {
  const range = oneKey(toByteKey(compare.key));
  if (compare.target === 'value') {
    return { range, target: 'value', relation: 'equal', operand: compare.equals };
  }
  const { target } = compare;
  if ('equals' in compare) return { range, target, relation: 'equal', operand: compare.equals };
  if ('greater' in compare) return { range, target, relation: 'greater', operand: compare.greater };
  return { range, target, relation: 'less', operand: compare.less };
}

function toOperation(op: Op): Operation {
  switch (op.type) {
    case 'put':
      return { type: 'put', key: toByteKey(op.key), value: op.value, lease: op.lease ?? NO_LEASE };
    case 'delete':
      return { type: 'delete', range: oneKey(toByteKey(op.key)) };
    case 'delete-prefix':
      return { type: 'delete', range: keysBelow(toByteKey(op.prefix)) };
    case 'get':
      return { type: 'range', range: oneKey(toByteKey(op.key)), revision: 0, limit: 0 };
    case 'get-prefix':
      return { type: 'range', range: keysBelow(toByteKey(op.prefix)), revision: 0, limit: 0 };
  }
}

export function toReads(results: readonly OperationResult[]): KeyValue[][] {
  return results.flatMap((result) => (result.type === 'range' ? [result.kvs.map(toKeyValue)] : []));
}

export function toKeyValue(kv: KeyValue): KeyValue {
  const key = fromByteKey(kv.key);
  return key === kv.key ? kv : { ...kv, key };
}

export function toEvents(commit: Commit): WatchEvent[] {
  return commit.changes.map((change) => {
    if (change.type === 'delete') {
      return { type: 'delete', key: fromByteKey(change.key), modRevision: commit.revision };
    }
    const kv = toKeyValue(change.kv);
    return { type: 'put', key: kv.key, kv };
  });
}

/** Size as a request, roughly. */
export function requestBytes(txn: Txn): number {
  let bytes = 0;
  for (const compare of txn.compare) bytes += compare.key.length + ELEMENT_OVERHEAD_BYTES;
  for (const op of [...txn.success, ...(txn.failure ?? [])]) {
    bytes += ELEMENT_OVERHEAD_BYTES + ('key' in op ? op.key.length : op.prefix.length);
    if (op.type === 'put') bytes += op.value.length;
  }
  return bytes;
}

export function toStoreError(error: unknown, leaseId: string): unknown {
  if (!(error instanceof MachineError)) return error;
  switch (error.kind) {
    case 'compacted':
      return new CompactedError(error.compactRevision, { cause: error });
    case 'lease-not-found':
      return new LeaseNotFoundError(leaseId, { cause: error });
    case 'too-many-operations':
    case 'request-too-large':
      return new StoreLimitError(`metadata store: ${error.message}; split the transaction`, { cause: error });
    default:
      return new OttlaError('INVALID_REQUEST', `metadata store: ${error.message}`, { cause: error });
  }
}
