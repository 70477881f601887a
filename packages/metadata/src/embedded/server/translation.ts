import { status } from '@grpc/grpc-js';
import { type KeyRange, keysFrom, oneKey } from '../../machine/key-range';
import type {
  DeleteRequest,
  Guard,
  Operation,
  OperationResult,
  PutRequest,
  RangeRequest,
  RangeResult,
  Transaction,
} from '../../machine/requests';
import type { KeyValue } from '../../store';
import type {
  CompareMessage,
  DeleteRangeRequestMessage,
  DeleteRangeResponseMessage,
  KeyValueMessage,
  PutRequestMessage,
  PutResponseMessage,
  RangeRequestMessage,
  RangeResponseMessage,
  RequestOpMessage,
  ResponseOpMessage,
  TxnRequestMessage,
} from './messages';
import { StatusError } from './status';

const SORT_TARGETS = ['key', 'version', 'create', 'mod', 'value'] as const;
const SORT_DESCENDING = 2;
const RELATIONS = ['equal', 'greater', 'less', 'not-equal'] as const;
const TO_THE_LAST_KEY = '\0';

/** etcd's way to say a range: no end means the one key, an end of one zero byte all keys from the first on. */
export function toKeyRange(key: Buffer, rangeEnd: Buffer): KeyRange {
  const start = key.toString('latin1');
  if (rangeEnd.length === 0) return oneKey(start);
  const end = rangeEnd.toString('latin1');
  return keysFrom(start, end === TO_THE_LAST_KEY ? null : end);
}

export function toRange(message: RangeRequestMessage): RangeRequest {
  const by = SORT_TARGETS[message.sort_target];
  return {
    range: toKeyRange(message.key, message.range_end),
    revision: Math.max(0, Number(message.revision)),
    limit: Math.max(0, Number(message.limit)),
    keysOnly: message.keys_only,
    countOnly: message.count_only,
    // A target without an order means ascending, as etcd has it; only for keys that is the order they come in.
    ...(by === undefined ? {} : { sort: { by, descending: message.sort_order === SORT_DESCENDING } }),
    minModRevision: Number(message.min_mod_revision),
    maxModRevision: Number(message.max_mod_revision),
    minCreateRevision: Number(message.min_create_revision),
    maxCreateRevision: Number(message.max_create_revision),
  };
}

export function toPut(message: PutRequestMessage): PutRequest {
  return {
    key: message.key.toString('latin1'),
    // Copied: the request's buffer holds more than this value.
    value: new Uint8Array(message.value),
    lease: message.lease,
    previous: message.prev_kv,
    ignoreValue: message.ignore_value,
    ignoreLease: message.ignore_lease,
  };
}

export function toDelete(message: DeleteRangeRequestMessage): DeleteRequest {
  return { range: toKeyRange(message.key, message.range_end), previous: message.prev_kv };
}

export function toTransaction(message: TxnRequestMessage): Transaction {
  return {
    guards: message.compare.map(toGuard),
    success: message.success.map(toOperation),
    failure: message.failure.map(toOperation),
  };
}

function toOperation(message: RequestOpMessage): Operation {
  if (message.request_range) return { type: 'range', ...toRange(message.request_range) };
  if (message.request_put) return { type: 'put', ...toPut(message.request_put) };
  if (message.request_delete_range) return { type: 'delete', ...toDelete(message.request_delete_range) };
  if (message.request === 'request_txn') {
    throw new StatusError(status.UNIMPLEMENTED, 'the embedded store takes no transaction inside a transaction');
  }
  throw new StatusError(status.INVALID_ARGUMENT, 'etcdserver: key not found');
}

function toGuard(message: CompareMessage): Guard {
  const relation = RELATIONS[message.result];
  if (relation === undefined) {
    throw new StatusError(status.INVALID_ARGUMENT, `unknown comparison ${message.result}`);
  }
  const guard = { range: toKeyRange(message.key, message.range_end), relation };
  switch (message.target) {
    case 0:
      return { ...guard, target: 'version', operand: Number(message.version ?? 0) };
    case 1:
      return { ...guard, target: 'create', operand: Number(message.create_revision ?? 0) };
    case 2:
      return { ...guard, target: 'mod', operand: Number(message.mod_revision ?? 0) };
    case 3:
      return { ...guard, target: 'value', operand: message.value ?? new Uint8Array() };
    case 4:
      return { ...guard, target: 'lease', operand: message.lease ?? '0' };
    default:
      throw new StatusError(status.INVALID_ARGUMENT, `unknown target of a comparison: ${message.target}`);
  }
}

export function fromKeyValue(kv: KeyValue): KeyValueMessage {
  return {
    key: Buffer.from(kv.key, 'latin1'),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    value: kv.value,
    lease: kv.lease,
  };
}

export function fromRange(result: RangeResult): RangeResponseMessage {
  return { kvs: result.kvs.map(fromKeyValue), more: result.more, count: result.count };
}

export function fromPut(previous: KeyValue | null): PutResponseMessage {
  return previous === null ? {} : { prev_kv: fromKeyValue(previous) };
}

export function fromDelete(deleted: number, previous: readonly KeyValue[]): DeleteRangeResponseMessage {
  return { deleted, prev_kvs: previous.map(fromKeyValue) };
}

export function fromResult(result: OperationResult): ResponseOpMessage {
  switch (result.type) {
    case 'range':
      return { response_range: fromRange(result) };
    case 'put':
      return { response_put: fromPut(result.previous) };
    case 'delete':
      return { response_delete_range: fromDelete(result.deleted, result.previous) };
  }
}
