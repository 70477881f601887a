import { status } from '@grpc/grpc-js';
import { MachineError, type MachineErrorKind } from '../../machine/machine-error';
import { OverloadedError } from '../durable-store';

/** What goes out as a gRPC error. */
export class StatusError extends Error {
  constructor(
    readonly code: status,
    readonly details: string,
  ) {
    super(details);
  }
}

/** etcd's codes and messages, which its clients match on. */
const MACHINE_STATUS: Readonly<Record<MachineErrorKind, readonly [status, string]>> = {
  compacted: [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted'],
  'future-revision': [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision'],
  'lease-not-found': [status.NOT_FOUND, 'etcdserver: requested lease not found'],
  'lease-exists': [status.FAILED_PRECONDITION, 'etcdserver: lease already exists'],
  'lease-ttl-too-large': [status.OUT_OF_RANGE, 'etcdserver: too large lease TTL'],
  'too-many-operations': [status.INVALID_ARGUMENT, 'etcdserver: too many operations in txn request'],
  'request-too-large': [status.INVALID_ARGUMENT, 'etcdserver: request is too large'],
  'duplicate-key': [status.INVALID_ARGUMENT, 'etcdserver: duplicate key given in txn request'],
  'empty-key': [status.INVALID_ARGUMENT, 'etcdserver: key is not provided'],
  'key-not-found': [status.INVALID_ARGUMENT, 'etcdserver: key not found'],
  'value-provided': [status.INVALID_ARGUMENT, 'etcdserver: value is provided'],
  'lease-provided': [status.INVALID_ARGUMENT, 'etcdserver: lease is provided'],
};

export function toStatus(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof MachineError) return new StatusError(...MACHINE_STATUS[error.kind]);
  if (error instanceof OverloadedError) {
    return new StatusError(status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests');
  }
  return new StatusError(status.UNAVAILABLE, (error as Error).message);
}
