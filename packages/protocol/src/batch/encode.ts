import { OttlaError } from '../errors';
import { putInt32 } from '../wire/bytes';
import { Writer } from '../wire/writer';
import { crc32c } from './crc';
import {
  at,
  BATCH_HEADER_BYTES,
  COMPRESSION_NAMES,
  CONTROL,
  type CompressionName,
  LENGTH_PREFIX_BYTES,
  MAGIC_V2,
  TRANSACTIONAL,
} from './header';
import { type RecordInput, writeRecord } from './record';

/** What a batch is built from. */
export interface BatchInput {
  /** At least one. */
  readonly records: readonly RecordInput[];
  /** 0 when left out, as producers send it. */
  readonly baseOffset?: number;
  /** -1 when left out, as producers send it. */
  readonly leaderEpoch?: number;
  /** These three are -1 when left out: the producer isn't idempotent. */
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly compression?: { readonly name: CompressionName; readonly compress: (payload: Uint8Array) => Uint8Array };
  readonly transactional?: boolean;
  readonly control?: boolean;
}

/** Builds a RecordBatch v2 whose records have consecutive offsets. */
export function encodeBatch(input: BatchInput): Uint8Array {
  const first = input.records[0];
  if (first === undefined) throw new OttlaError('INVALID_RECORD', 'a batch takes at least one record');
  const baseTimestamp = first.timestamp;
  const payload = encodePayload(input, baseTimestamp);
  const writer = new Writer(BATCH_HEADER_BYTES + payload.length);
  writer.int64(input.baseOffset ?? 0);
  writer.int32(BATCH_HEADER_BYTES - LENGTH_PREFIX_BYTES + payload.length);
  writer.int32(input.leaderEpoch ?? -1);
  writer.int8(MAGIC_V2);
  writer.int32(0);
  writer.int16(attributesOf(input));
  writer.int32(input.records.length - 1);
  writer.int64(baseTimestamp);
  writer.int64(maxTimestamp(input.records));
  writer.int64(input.producerId ?? -1);
  writer.int16(input.producerEpoch ?? -1);
  writer.int32(input.baseSequence ?? -1);
  writer.int32(input.records.length);
  writer.raw(payload);
  const batch = writer.toBytes();
  putInt32(batch, at.crc, crc32c(batch.subarray(at.attributes)));
  return batch;
}

function encodePayload({ records, compression }: BatchInput, baseTimestamp: number): Uint8Array {
  const writer = new Writer();
  for (const [index, record] of records.entries()) {
    writeRecord(writer, record, index, record.timestamp - baseTimestamp);
  }
  const payload = writer.toBytes();
  return compression === undefined || compression.name === 'none' ? payload : compression.compress(payload);
}

function attributesOf({ compression, transactional, control }: BatchInput): number {
  const codec = COMPRESSION_NAMES.indexOf(compression?.name ?? 'none');
  return codec | (transactional ? TRANSACTIONAL : 0) | (control ? CONTROL : 0);
}

function maxTimestamp(records: readonly RecordInput[]): number {
  let max = Number.MIN_SAFE_INTEGER;
  for (const { timestamp } of records) max = Math.max(max, timestamp);
  return max;
}
