import { OttlaError } from '@ottla/protocol';

/** The store gave no answer in time, or can't be reached. Retriable. */
export class StoreUnavailableError extends OttlaError {
  /** True when a write may have been carried out although no answer came: read before deciding. */
  readonly maybeApplied: boolean;

  constructor(message: string, maybeApplied: boolean, options?: { cause?: unknown }) {
    super('REQUEST_TIMED_OUT', message, options);
    this.name = 'StoreUnavailableError';
    this.maybeApplied = maybeApplied;
  }
}

/** The store's history is not the one this process knows; writes wait for a new generation. Nothing was written. */
export class StoreHistoryChangedError extends StoreUnavailableError {
  constructor(message: string) {
    super(message, false);
    this.name = 'StoreHistoryChangedError';
  }
}

/** The lease expired, was revoked, or never existed. */
export class LeaseNotFoundError extends OttlaError {
  readonly leaseId: string;

  constructor(leaseId: string, options?: { cause?: unknown }) {
    super(
      'UNKNOWN_SERVER_ERROR',
      `metadata store: lease ${leaseId} is gone (expired or revoked); grant a new one`,
      options,
    );
    this.name = 'LeaseNotFoundError';
    this.leaseId = leaseId;
  }
}

/** A request over the store's limits; split it. */
export class StoreLimitError extends OttlaError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('INVALID_REQUEST', message, options);
    this.name = 'StoreLimitError';
  }
}

/** The revision asked for was compacted away; `compactRevision` is the oldest that can be read. */
export class CompactedError extends OttlaError {
  readonly compactRevision: number;

  constructor(compactRevision: number, options?: { cause?: unknown }) {
    super(
      'UNKNOWN_SERVER_ERROR',
      `metadata store: revision compacted (oldest is ${compactRevision}); take a new snapshot`,
      options,
    );
    this.name = 'CompactedError';
    this.compactRevision = compactRevision;
  }
}
