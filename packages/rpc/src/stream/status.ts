import type { Metadata, StatusObject } from '@grpc/grpc-js';
import { ErrorCode, type ErrorName, OttlaError } from '@ottla/protocol';
import { grpc } from './grpc';

/** Trailer with the name of Kafka's error code. */
const ERROR_TRAILER = 'ottla-error';

// gRPC's status codes, https://grpc.io/docs/guides/status-codes/
const CANCELLED = 1;
const UNKNOWN = 2;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const OUT_OF_RANGE = 11;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

const STATUS_OF: Partial<Record<ErrorName, number>> = {
  REQUEST_TIMED_OUT: DEADLINE_EXCEEDED,
  UNKNOWN_TOPIC_OR_PARTITION: NOT_FOUND,
  UNKNOWN_TOPIC_ID: NOT_FOUND,
  TOPIC_ALREADY_EXISTS: ALREADY_EXISTS,
  OFFSET_OUT_OF_RANGE: OUT_OF_RANGE,
  MESSAGE_TOO_LARGE: RESOURCE_EXHAUSTED,
  THROTTLING_QUOTA_EXCEEDED: RESOURCE_EXHAUSTED,
  UNSUPPORTED_VERSION: UNIMPLEMENTED,
  INVALID_REQUEST: INVALID_ARGUMENT,
  CLUSTER_AUTHORIZATION_FAILED: PERMISSION_DENIED,
  TOPIC_AUTHORIZATION_FAILED: PERMISSION_DENIED,
  SASL_AUTHENTICATION_FAILED: UNAUTHENTICATED,
  UNKNOWN_SERVER_ERROR: UNKNOWN,
};

const CODE_OF: Readonly<Record<number, ErrorName>> = {
  [CANCELLED]: 'NETWORK_EXCEPTION',
  [INVALID_ARGUMENT]: 'INVALID_REQUEST',
  [DEADLINE_EXCEEDED]: 'REQUEST_TIMED_OUT',
  [RESOURCE_EXHAUSTED]: 'MESSAGE_TOO_LARGE',
  [UNIMPLEMENTED]: 'UNSUPPORTED_VERSION',
  [INTERNAL]: 'NETWORK_EXCEPTION',
  [UNAVAILABLE]: 'NETWORK_EXCEPTION',
  [UNAUTHENTICATED]: 'SASL_AUTHENTICATION_FAILED',
};

export interface CallStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** An error as a call's status. */
export function toStatus(error: OttlaError): CallStatus {
  const metadata = new (grpc().Metadata)();
  metadata.set(ERROR_TRAILER, error.code);
  const fallback = error.retriable ? UNAVAILABLE : FAILED_PRECONDITION;
  return { code: STATUS_OF[error.code] ?? fallback, details: error.message, metadata };
}

/** What a call to `remote` failed with. The name of Kafka's error is kept where the other side gave one. */
export function fromStatus(status: Partial<StatusObject>, remote: string): OttlaError {
  const named = status.metadata?.get(ERROR_TRAILER)[0];
  const details = status.details ?? '';
  if (typeof named === 'string') return new OttlaError(knownName(named), details);
  const code = CODE_OF[status.code ?? UNKNOWN] ?? 'UNKNOWN_SERVER_ERROR';
  return new OttlaError(code, `${remote}: ${details}`, { cause: status });
}

/** The name if this release knows it: a newer peer may have more of them. */
export function knownName(name: string): ErrorName {
  return name in ErrorCode ? (name as ErrorName) : 'UNKNOWN_SERVER_ERROR';
}
