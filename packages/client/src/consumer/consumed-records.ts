import { decodeBatch, isControl, type KafkaRecord, readBatchHeader, verifyBatch } from '@ottla/protocol';
import type { Codecs } from '@ottla/runtime';

export interface ConsumedRange {
  readonly topic: string;
  readonly partition: number;
  /** The first offset wanted; batches may begin below. */
  readonly from: number;
  /** The offset after the last one wanted. */
  readonly to: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Whole record batches (v2). */
  readonly bytes: Uint8Array;
}

/** What one fetch brought of a partition. */
export class ConsumedRecords {
  readonly topic: string;
  readonly partition: number;
  /** The position after these records. */
  readonly nextOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Whole record batches (v2) as the broker sent them; the first and last may reach beyond the records wanted. */
  readonly bytes: Uint8Array;
  readonly #from: number;
  readonly #codecs: Codecs;

  constructor(range: ConsumedRange, codecs: Codecs) {
    this.topic = range.topic;
    this.partition = range.partition;
    this.nextOffset = range.to;
    this.highWatermark = range.highWatermark;
    this.lastStableOffset = range.lastStableOffset;
    this.logStartOffset = range.logStartOffset;
    this.bytes = range.bytes;
    this.#from = range.from;
    this.#codecs = codecs;
  }

  /** The records in order, opened batch by batch. Throws CORRUPT_MESSAGE for a batch whose checksum is wrong. */
  *[Symbol.iterator](): Iterator<KafkaRecord> {
    for (let at = 0; at < this.bytes.length; ) {
      const header = readBatchHeader(this.bytes, at);
      verifyBatch(this.bytes, at, header);
      if (!isControl(header)) {
        const decompress = (name: Parameters<Codecs['decompress']>[0], payload: Uint8Array): Uint8Array =>
          this.#codecs.decompress(name, payload);
        for (const record of decodeBatch(this.bytes, at, header, decompress)) {
          if (record.offset >= this.#from && record.offset < this.nextOffset) yield record;
        }
      }
      at += header.batchLength;
    }
  }
}
