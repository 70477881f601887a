import { OttlaError } from '../errors';
import { int32At, putInt16, putInt32, putInt64 } from '../wire/bytes';
import { crc32c } from './crc';
import { at, type BatchHeader, LENGTH_PREFIX_BYTES, LOG_APPEND_TIME, MAGIC_V2 } from './header';

/**
 * Checks that the batch at `offset` is whole and says what its producer wrote: length, magic, CRC32C and the counts that
 * offsets are computed from. Throws CORRUPT_MESSAGE, or UNSUPPORTED_FOR_MESSAGE_FORMAT for the formats before v2.
 */
export function verifyBatch(bytes: Uint8Array, offset: number, header: BatchHeader): void {
  const where = `batch at offset ${header.baseOffset}`;
  if (header.magic !== MAGIC_V2) throw wrongMagic(header.magic, where);
  if (offset + header.batchLength > bytes.length) {
    const left = bytes.length - offset;
    throw new OttlaError('CORRUPT_MESSAGE', `${where}: is ${header.batchLength} bytes long, ${left} are left`);
  }
  const crc = crc32c(bytes.subarray(offset + at.attributes, offset + header.batchLength));
  if (crc !== header.crc) {
    const message = `${where}: CRC32C is ${hex(crc)}, the header says ${hex(header.crc)}`;
    throw new OttlaError('CORRUPT_MESSAGE', `${message}; the bytes changed since their producer built the batch`);
  }
  if (header.lastOffsetDelta < 0 || header.recordCount < 0) {
    const message = `last offset delta ${header.lastOffsetDelta} and record count ${header.recordCount} can't be negative`;
    throw new OttlaError('CORRUPT_MESSAGE', `${where}: ${message}`);
  }
}

/** The error for a batch of another format than v2. */
export function wrongMagic(magic: number, where: string): OttlaError {
  const old = magic === 0 || magic === 1;
  const way = old ? 'produce with version 3 or later of the Produce API' : 'the bytes are no record batch';
  const code = old ? 'UNSUPPORTED_FOR_MESSAGE_FORMAT' : 'CORRUPT_MESSAGE';
  return new OttlaError(code, `${where}: message format v${magic} isn't supported, only v2; ${way}`);
}

/** Writes the base offset and the leader epoch into the batch at `offset`, in place; both are outside the CRC. */
export function stampBatch(bytes: Uint8Array, offset: number, baseOffset: number, leaderEpoch: number): void {
  putInt64(bytes, offset + at.baseOffset, baseOffset);
  putInt32(bytes, offset + at.partitionLeaderEpoch, leaderEpoch);
}

/** Gives every record of the batch at `offset` the broker's `timestamp` (ms), in place, and recomputes the CRC. */
export function setLogAppendTime(bytes: Uint8Array, offset: number, timestamp: number): void {
  const end = offset + LENGTH_PREFIX_BYTES + int32At(bytes, offset + at.batchLength);
  const attributes = (bytes[offset + at.attributes]! << 8) | bytes[offset + at.attributes + 1]! | LOG_APPEND_TIME;
  putInt16(bytes, offset + at.attributes, attributes);
  putInt64(bytes, offset + at.maxTimestamp, timestamp);
  putInt32(bytes, offset + at.crc, crc32c(bytes.subarray(offset + at.attributes, end)));
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}
