import { encodeBatch, type OttlaError, type RecordInput } from '@ottla/protocol';
import type { Codecs, CompressionName, Timer } from '@ottla/runtime';
import type { RecordMetadata } from './options';

/** Told once how a record fared: an error, or where it lies. */
export type Delivered = (error: OttlaError | null, metadata: RecordMetadata | null) => void;

/** Under whose number an idempotent producer's batches are counted. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** What a record takes in a batch beside its key, value and headers, at most. */
const RECORD_OVERHEAD = 24;

export function recordBytes({ key, value, headers = [] }: RecordInput): number {
  let bytes = RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += RECORD_OVERHEAD + header.key.length + (header.value?.length ?? 0);
  return bytes;
}

/** A batch on its way to a partition, with those who wait for its records. */
export class PendingBatch {
  readonly topic: string;
  readonly partition: number;
  /** Its place among the batches of its partition, in the order of their creation. */
  readonly order: number;
  /** Estimated size before compression. */
  bytes = 0;
  /** Sequence number of its first record, -1 until it was sent under an identity. */
  sequence = -1;
  identity: ProducerIdentity | null = null;
  /** Its place among the numbered batches of its partition. */
  place = 0;
  /** It was sent before under its present number. */
  resent = false;
  /** It was sent, and what became of it isn't known. */
  mayBeAppended = false;
  settled = false;
  /** Runs until the delivery timeout. */
  timer: Timer | null = null;
  readonly #records: RecordInput[] = [];
  readonly #delivered: (Delivered | null)[] = [];
  #encoded: Uint8Array | null = null;
  #onSettled: (() => void)[] = [];

  constructor(topic: string, partition: number, order: number) {
    this.topic = topic;
    this.partition = partition;
    this.order = order;
  }

  get recordCount(): number {
    return this.#records.length;
  }

  add(record: RecordInput, bytes: number, delivered: Delivered | null): void {
    this.#records.push(record);
    this.#delivered.push(delivered);
    this.bytes += bytes;
  }

  /** Gives the batch its place among those of a producer; what was encoded for another place is dropped. */
  number(identity: ProducerIdentity | null, sequence: number): void {
    this.identity = identity;
    this.sequence = sequence;
    this.#encoded = null;
  }

  encode(codecs: Codecs, compression: CompressionName): Uint8Array {
    this.#encoded ??= encodeBatch({
      records: this.#records,
      ...(this.identity !== null && { ...this.identity, baseSequence: this.sequence }),
      ...(compression !== 'none' && {
        compression: { name: compression, compress: (payload: Uint8Array) => codecs.compress(compression, payload) },
      }),
    });
    return this.#encoded;
  }

  succeed(baseOffset: number, logAppendTime: number): void {
    const { topic, partition } = this;
    this.#settle((delivered, index) =>
      delivered(null, {
        topic,
        partition,
        offset: baseOffset < 0 ? -1 : baseOffset + index,
        timestamp: logAppendTime >= 0 ? logAppendTime : this.#records[index]!.timestamp,
      }),
    );
  }

  /** True when somebody was told. */
  fail(error: OttlaError): boolean {
    const heard = this.#delivered.every((delivered) => delivered !== null);
    this.#settle((delivered) => delivered(error, null));
    return heard;
  }

  onSettled(callback: () => void): void {
    if (this.settled) callback();
    else this.#onSettled.push(callback);
  }

  #settle(tell: (delivered: Delivered, index: number) => void): void {
    if (this.settled) return;
    this.settled = true;
    this.timer?.cancel();
    this.#encoded = null;
    this.#delivered.forEach((delivered, index) => {
      if (delivered !== null) tell(delivered, index);
    });
    for (const callback of this.#onSettled) callback();
    this.#onSettled = [];
  }
}
