import { OttlaError } from '@ottla/protocol';
import { CompactedError, LeaseNotFoundError, StoreLimitError, StoreUnavailableError } from '../errors';

/** What came of a call that failed. */
export interface GrpcFailure {
  /** gRPC's status code. */
  readonly code: number;
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

/** By number, as etcd's client library gives them. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const OUT_OF_RANGE = 11;
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;
const UNKNOWN = 2;

const REFUSALS: ReadonlySet<number> = new Set([
  INVALID_ARGUMENT,
  NOT_FOUND,
  ALREADY_EXISTS,
  PERMISSION_DENIED,
  RESOURCE_EXHAUSTED,
  FAILED_PRECONDITION,
  OUT_OF_RANGE,
  UNIMPLEMENTED,
  UNAUTHENTICATED,
]);

/** etcd3 turns gRPC's errors into its own and keeps code and details only in the message. */
export function grpcFailure(error: unknown): GrpcFailure {
  const message = error instanceof Error ? error.message : String(error);
  const parts = MESSAGE.exec(message);
  const code = parts === null ? UNKNOWN : Number(parts[1]);
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
