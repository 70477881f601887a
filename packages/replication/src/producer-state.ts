import type { BatchHeader } from '@ottla/protocol';

export interface ProducerBatch {
  baseSequence: number;
  lastSequence: number;
  baseOffset: number;
  lastOffset: number;
  /** The batch's maximum timestamp. */
  timestamp: number;
}

/** What is known of one idempotent producer. */
export interface ProducerSnapshotEntry {
  producerId: number;
  producerEpoch: number;
  /** When it last appended, ms since the Unix epoch. */
  lastTimestamp: number;
  /** The last five batches, oldest first. */
  batches: ProducerBatch[];
}

export type SequenceCheck =
  | { kind: 'new' }
  | { kind: 'duplicate'; baseOffset: number; lastOffset: number; timestamp: number };

export class ProducerState {
  constructor(readonly expirationMs: number = 86_400_000) {}

  static fromSnapshot(_entries: readonly ProducerSnapshotEntry[], _expirationMs?: number): ProducerState {
    throw new Error('unfinished');
  }

  check(_header: BatchHeader, _now: number, _earlierMayBeGone?: boolean): SequenceCheck {
    throw new Error('unfinished');
  }

  /** `header` with its final base offset; `appendedAt` defaults to the batch's maximum timestamp. */
  record(_header: BatchHeader, _appendedAt?: number): void {
    throw new Error('unfinished');
  }

  toSnapshot(): ProducerSnapshotEntry[] {
    throw new Error('unfinished');
  }

  clone(): ProducerState {
    throw new Error('unfinished');
  }

  /** Forgets producers that have not appended for `expirationMs`. */
  expire(_now: number): void {
    throw new Error('unfinished');
  }
}
