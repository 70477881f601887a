import { type BatchHeader, lastOffset, OttlaError } from '@ottla/protocol';

/** A batch that an idempotent producer may send again. */
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

/** As many batches as a client may have in flight: the protocol's `max.in.flight.requests.per.connection` for idempotence. */
const BATCHES_KEPT = 5;
const LAST_SEQUENCE = 2 ** 31 - 1;
const DEFAULT_EXPIRATION_MS = 86_400_000;

/** The sequence that follows `sequence`; 0 follows 2^31 - 1. */
export function nextSequence(sequence: number): number {
  return sequence === LAST_SEQUENCE ? 0 : sequence + 1;
}

/** The sequence of a batch's last record. */
export function lastSequence(header: BatchHeader): number {
  const last = header.baseSequence + header.lastOffsetDelta;
  return last > LAST_SEQUENCE ? last - LAST_SEQUENCE - 1 : last;
}

/**
 * What a partition knows of its idempotent producers: their epochs and the sequences of their last five batches. It
 * holds every batch that has been given an offset, written yet or not, so a batch in flight is a duplicate too.
 */
export class ProducerState {
  private producers = new Map<number, ProducerSnapshotEntry>();

  /**
   * `someForgotten`: whether producers whose records are still in the log may have expired before this state was
   * made; an unknown producer may then go on where it was.
   */
  constructor(
    /** How long a producer is remembered after its last append. May be changed: it holds from then on. */
    public expirationMs: number = DEFAULT_EXPIRATION_MS,
    private someForgotten = false,
  ) {}

  static fromSnapshot(
    entries: readonly ProducerSnapshotEntry[],
    expirationMs: number = DEFAULT_EXPIRATION_MS,
    someForgotten = false,
  ): ProducerState {
    const state = new ProducerState(expirationMs, someForgotten);
    for (const entry of entries) {
      state.producers.set(entry.producerId, { ...entry, batches: entry.batches.slice(-BATCHES_KEPT) });
    }
    return state;
  }

  get size(): number {
    return this.producers.size;
  }

  /** -1 when no producer is known. */
  get highestProducerId(): number {
    let highest = -1;
    for (const producerId of this.producers.keys()) highest = Math.max(highest, producerId);
    return highest;
  }

  /**
   * Whether a produced batch is the next of its producer or one that is already here.
   *
   * `earlierMayBeGone`: records of the log have been deleted, so an unknown producer's first may have been among them.
   *
   * @throws OttlaError INVALID_PRODUCER_EPOCH when a later instance of the producer has written;
   *   OUT_OF_ORDER_SEQUENCE_NUMBER when a batch before this one is missing. (UNKNOWN_PRODUCER_ID is not used, as in
   *   Kafka since KIP-360: clients treat it as data loss.)
   */
  check(header: BatchHeader, now: number, earlierMayBeGone = false): SequenceCheck {
    if (header.producerId < 0) return { kind: 'new' };
    const known = this.producers.get(header.producerId);
    if (known === undefined) return checkFirst(header, earlierMayBeGone || this.someForgotten);
    const duplicate = known.producerEpoch === header.producerEpoch ? findDuplicate(known, header) : undefined;
    if (duplicate !== undefined) {
      const { baseOffset, lastOffset, timestamp } = duplicate;
      return { kind: 'duplicate', baseOffset, lastOffset, timestamp };
    }
    const isExpired = this.isExpired(known, now);
    if (header.producerEpoch < known.producerEpoch && !isExpired) throw staleEpoch(header, known);
    const last = known.producerEpoch === header.producerEpoch ? known.batches.at(-1) : undefined;
    if (last === undefined) return checkFirst(header, isExpired);
    const expected = nextSequence(last.lastSequence);
    if (header.baseSequence !== expected && !isExpired) throw outOfOrder(header, expected);
    return { kind: 'new' };
  }

  /**
   * Notes a batch that has got its place in the log: `header` with its final base offset. `appendedAt` (ms since the
   * Unix epoch) is when; where that isn't known any more, the batch's own maximum timestamp stands for it.
   */
  record(header: BatchHeader, appendedAt: number = header.maxTimestamp): void {
    if (header.producerId < 0) return;
    const { producerId, producerEpoch } = header;
    const known = this.producers.get(producerId);
    // What has expired counts as forgotten: kept beside new batches it would be out of their order.
    const continues = known?.producerEpoch === producerEpoch && !this.isExpired(known, appendedAt);
    const earlier = continues ? known.batches.slice(1 - BATCHES_KEPT) : [];
    const batch = {
      baseSequence: header.baseSequence,
      lastSequence: lastSequence(header),
      baseOffset: header.baseOffset,
      lastOffset: lastOffset(header),
      timestamp: header.maxTimestamp,
    };
    this.producers.set(producerId, {
      producerId,
      producerEpoch,
      lastTimestamp: appendedAt,
      batches: [...earlier, batch],
    });
  }

  toSnapshot(): ProducerSnapshotEntry[] {
    return [...this.producers.values()].map((entry) => ({ ...entry, batches: [...entry.batches] }));
  }

  clone(): ProducerState {
    const copy = new ProducerState(this.expirationMs, this.someForgotten);
    copy.producers = new Map(this.producers);
    return copy;
  }

  /** Forgets producers that have not appended for `expirationMs`. */
  expire(now: number): void {
    for (const entry of this.producers.values()) {
      if (!this.isExpired(entry, now)) continue;
      this.producers.delete(entry.producerId);
      this.someForgotten = true;
    }
  }

  private isExpired(entry: ProducerSnapshotEntry, now: number): boolean {
    return now - entry.lastTimestamp >= this.expirationMs;
  }
}

/** Nothing is known of the producer in this epoch: it begins at 0. */
function checkFirst(header: BatchHeader, mayStartAnywhere: boolean): SequenceCheck {
  if (header.baseSequence !== 0 && !mayStartAnywhere) throw outOfOrder(header, 0);
  return { kind: 'new' };
}

function findDuplicate(known: ProducerSnapshotEntry, header: BatchHeader): ProducerBatch | undefined {
  const last = lastSequence(header);
  return known.batches.find((batch) => batch.baseSequence === header.baseSequence && batch.lastSequence === last);
}

function outOfOrder(header: BatchHeader, expected: number): OttlaError {
  const { producerId, producerEpoch, baseSequence } = header;
  return new OttlaError(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    `producer ${producerId}, epoch ${producerEpoch}: expected sequence ${expected}, got ${baseSequence}; ` +
      'send the batches before it first',
  );
}

function staleEpoch(header: BatchHeader, known: ProducerSnapshotEntry): OttlaError {
  return new OttlaError(
    'INVALID_PRODUCER_EPOCH',
    `producer ${header.producerId}: epoch ${header.producerEpoch} was replaced by ${known.producerEpoch}; ` +
      'ask for a new producer id and epoch',
  );
}
