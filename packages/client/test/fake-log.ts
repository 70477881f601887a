import { type BatchHeader, lastOffset, OttlaError, readBatchHeader, stampBatch, verifyBatch } from '@ottla/protocol';

interface StoredBatch {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  readonly nextOffset: number;
}

interface ProducerMemory {
  epoch: number;
  /** The last five batches, as a broker keeps them. */
  batches: { firstSequence: number; lastSequence: number; baseOffset: number }[];
}

const BATCHES_KEPT = 5;

/** A partition's log in memory: appends as a broker does, the checks of idempotent producers included. */
export class FakeLog {
  readonly batches: StoredBatch[] = [];
  logStart = 0;
  /** Records at and above it are not given to consumers; null for all. */
  heldAt: number | null = null;
  readonly #producers = new Map<number, ProducerMemory>();
  readonly #listeners = new Set<() => void>();

  get logEnd(): number {
    return this.batches.at(-1)?.nextOffset ?? this.logStart;
  }

  get highWatermark(): number {
    return Math.min(this.logEnd, this.heldAt ?? Number.POSITIVE_INFINITY);
  }

  /** The base offset of the first batch; of the original for a batch that is in the log already. */
  append(records: Uint8Array, leaderEpoch: number): number {
    const headers: { at: number; header: BatchHeader }[] = [];
    for (let at = 0; at < records.length; ) {
      const header = readBatchHeader(records, at);
      verifyBatch(records, at, header);
      headers.push({ at, header });
      at += header.batchLength;
    }
    const bases = headers.map(({ at, header }) => this.#appendBatch(records, at, header, leaderEpoch));
    for (const listener of [...this.#listeners]) listener();
    return bases[0]!;
  }

  #appendBatch(records: Uint8Array, at: number, header: BatchHeader, leaderEpoch: number): number {
    const duplicate = this.#checkSequence(header);
    if (duplicate !== null) return duplicate;
    const baseOffset = this.logEnd;
    const bytes = records.slice(at, at + header.batchLength);
    stampBatch(bytes, 0, baseOffset, leaderEpoch);
    this.batches.push({ bytes, baseOffset, nextOffset: lastOffset({ ...header, baseOffset }) + 1 });
    return baseOffset;
  }

  #checkSequence({ producerId, producerEpoch, baseSequence, recordCount }: BatchHeader): number | null {
    if (producerId < 0) return null;
    const memory = this.#producers.get(producerId) ?? { epoch: producerEpoch, batches: [] };
    const last = memory.batches.at(-1);
    const lastSequence = baseSequence + recordCount - 1;
    const known = memory.batches.find(
      (batch) => batch.firstSequence === baseSequence && batch.lastSequence === lastSequence,
    );
    if (known !== undefined) return known.baseOffset;
    if (last === undefined && baseSequence !== 0)
      throw new OttlaError('UNKNOWN_PRODUCER_ID', `${producerId} is unknown`);
    if (last !== undefined && baseSequence !== last.lastSequence + 1) {
      const message = `sequence ${baseSequence} after ${last.lastSequence}`;
      throw new OttlaError('OUT_OF_ORDER_SEQUENCE_NUMBER', message);
    }
    memory.batches = [...memory.batches, { firstSequence: baseSequence, lastSequence, baseOffset: this.logEnd }];
    memory.batches = memory.batches.slice(-BATCHES_KEPT);
    this.#producers.set(producerId, memory);
    return null;
  }

  forgetProducers(): void {
    this.#producers.clear();
  }

  read(offset: number, maxBytes: number): Uint8Array[] {
    if (offset < this.logStart || offset > this.logEnd) {
      throw new OttlaError('OFFSET_OUT_OF_RANGE', `offset ${offset} is outside ${this.logStart} to ${this.logEnd}`);
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (const batch of this.batches) {
      if (batch.nextOffset <= offset || batch.nextOffset > this.highWatermark) continue;
      if (bytes > 0 && bytes + batch.bytes.length > maxBytes) break;
      chunks.push(batch.bytes);
      bytes += batch.bytes.length;
    }
    return chunks;
  }

  /** Resolves when something may have changed, or the signal is aborted. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#listeners.delete(settle);
        signal.removeEventListener('abort', settle);
        resolve();
      };
      this.#listeners.add(settle);
      signal.addEventListener('abort', settle);
    });
  }

  wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
