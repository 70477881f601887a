import { status } from '@grpc/grpc-js';
import { OttlaError } from '@ottla/protocol';
import { CompactedError, LeaseNotFoundError, StoreLimitError, StoreUnavailableError } from '../errors';

/** What came of a call that failed. */
export interface GrpcFailure {
  readonly code: status;
  readonly details: string;
  /**
   * - `refused`: the store said no; nothing was done, and asking again gives the same.
   * - `not-sent`: nothing reached a server that could do it.
   * - `unknown`: it may have been done.
   */
  readonly outcome: 'refused' | 'not-sent' | 'unknown';
}

const MESSAGE = /\b(\d+) [A-Z_]+: ([\s\S]*)$/;

const NEVER_SENT =
  /No connection established|Name resolution failed|Failed to connect|Channel closed before call|Waiting for (LB pick|name resolution)|etcdserver: (no leader|too many requests|not capable)|already closed/;

const REFUSALS: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
]);

/** etcd3 turns gRPC's errors into its own and keeps code and details only in the message. */
export function grpcFailure(error: unknown): GrpcFailure {
  const message = error instanceof Error ? error.message : String(error);
  const parts = MESSAGE.exec(message);
  const code = parts === null ? status.UNKNOWN : (Number(parts[1]) as status);
  const details = parts?.[2] ?? message;
  if (NEVER_SENT.test(details)) return { code, details, outcome: 'not-sent' };
  return { code, details, outcome: REFUSALS.has(code) ? 'refused' : 'unknown' };
}

/** The error for a refusal. `what` says what was being done, `leaseId` with which lease. */
export function refusalError(failure: GrpcFailure, what: string, leaseId: string, cause: unknown): OttlaError {
  const { details } = failure;
  if (details.includes('requested lease not found')) return new LeaseNotFoundError(leaseId, { cause });
  if (details.includes('required revision has been compacted')) return new CompactedError(0, { cause });
  if (/too many operations|request is too large|message larger than max/.test(details)) {
    return new StoreLimitError(`metadata store: ${what}: ${details}; split the transaction`, { cause });
  }
  if (details.includes('database space exceeded')) {
    const way = 'compact and defragment etcd, raise its --quota-backend-bytes, then disarm the alarm';
    return new StoreUnavailableError(`metadata store: ${what}: etcd is full (${details}); ${way}`, false, { cause });
  }
  return new OttlaError('INVALID_REQUEST', `metadata store: ${what}: ${details}`, { cause });
}
