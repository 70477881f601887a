import { OttlaError } from '../errors';
import { int16At, int32At, int64At } from '../wire/bytes';

/** The header of a RecordBatch v2 (KIP-98). */
export interface BatchHeader {
  baseOffset: number;
  /** Bytes of the whole batch, the 12 before the length field's count included. */
  batchLength: number;
  /** The leader epoch in which the batch was appended; -1 as producers send it. */
  partitionLeaderEpoch: number;
  magic: number;
  /** CRC32C of everything from the attributes on, unsigned. */
  crc: number;
  attributes: number;
  lastOffsetDelta: number;
  /** In ms. */
  baseTimestamp: number;
  /** In ms; with LogAppendTime the timestamp of every record. */
  maxTimestamp: number;
  /** -1 when the producer isn't idempotent. */
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  recordCount: number;
}

export const BATCH_HEADER_BYTES = 61;
/** The base offset and the length itself, which the length field doesn't count. */
export const LENGTH_PREFIX_BYTES = 12;

/** Where a header's fields are, from the start of the batch. */
export const at = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

/** The message format that is served. */
export const MAGIC_V2 = 2;

export const CODEC_MASK = 0x07;
export const LOG_APPEND_TIME = 0x08;
export const TRANSACTIONAL = 0x10;
export const CONTROL = 0x20;

/** A batch's compression, by the name that `compression.type` uses. */
export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** By the number in the attributes. */
export const COMPRESSION_NAMES: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/**
 * Reads the header of the batch at `offset`. The bytes may end inside the batch, but not inside its header. Throws
 * CORRUPT_MESSAGE when they do, or when the length field is too small for a header.
 */
export function readBatchHeader(bytes: Uint8Array, offset = 0): BatchHeader {
  if (offset < 0 || bytes.length - offset < BATCH_HEADER_BYTES) {
    const left = Math.max(bytes.length - offset, 0);
    throw new OttlaError('CORRUPT_MESSAGE', `a batch header takes ${BATCH_HEADER_BYTES} bytes, ${left} are left`);
  }
  const batchLength = int32At(bytes, offset + at.batchLength) + LENGTH_PREFIX_BYTES;
  if (batchLength < BATCH_HEADER_BYTES) {
    throw new OttlaError(
      'CORRUPT_MESSAGE',
      `a batch's length field makes it ${batchLength} bytes, less than its header`,
    );
  }
  return {
    baseOffset: int64At(bytes, offset + at.baseOffset),
    batchLength,
    partitionLeaderEpoch: int32At(bytes, offset + at.partitionLeaderEpoch),
    magic: (bytes[offset + at.magic]! << 24) >> 24,
    crc: int32At(bytes, offset + at.crc) >>> 0,
    attributes: int16At(bytes, offset + at.attributes),
    lastOffsetDelta: int32At(bytes, offset + at.lastOffsetDelta),
    baseTimestamp: int64At(bytes, offset + at.baseTimestamp),
    maxTimestamp: int64At(bytes, offset + at.maxTimestamp),
    producerId: int64At(bytes, offset + at.producerId),
    producerEpoch: int16At(bytes, offset + at.producerEpoch),
    baseSequence: int32At(bytes, offset + at.baseSequence),
    recordCount: int32At(bytes, offset + at.recordCount),
  };
}

/** The offset of the batch's last record. */
export function lastOffset(header: BatchHeader): number {
  return header.baseOffset + header.lastOffsetDelta;
}

/** Throws UNSUPPORTED_COMPRESSION_TYPE for a codec that Kafka doesn't define. */
export function compressionOf(header: BatchHeader): CompressionName {
  const name = COMPRESSION_NAMES[header.attributes & CODEC_MASK];
  if (name === undefined) {
    const id = header.attributes & CODEC_MASK;
    const message = `compression codec ${id} is unknown; Kafka has ${COMPRESSION_NAMES.join(', ')} (0 to 4)`;
    throw new OttlaError('UNSUPPORTED_COMPRESSION_TYPE', message);
  }
  return name;
}

export function isTransactional(header: BatchHeader): boolean {
  return (header.attributes & TRANSACTIONAL) !== 0;
}

export function isControl(header: BatchHeader): boolean {
  return (header.attributes & CONTROL) !== 0;
}

/** True when every record's timestamp is the batch's `maxTimestamp`, set by the broker. */
export function isLogAppendTime(header: BatchHeader): boolean {
  return (header.attributes & LOG_APPEND_TIME) !== 0;
}
