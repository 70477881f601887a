import { OttlaError } from '../errors';
import { Reader } from '../wire/reader';
import { BATCH_HEADER_BYTES, type BatchHeader, type CompressionName, compressionOf, isLogAppendTime } from './header';
import { type KafkaRecord, RECORD_MIN_BYTES, readRecord } from './record';

/** Opens a batch's payload. It bounds what it makes: a small payload may claim to be a huge one. */
export type Decompress = (codec: CompressionName, payload: Uint8Array) => Uint8Array;

/**
 * Reads the records of the batch at `offset`, whose header was read before. Nothing is copied: what isn't compressed is a
 * view of `bytes`. Throws CORRUPT_MESSAGE on records that aren't what the header says, and UNSUPPORTED_COMPRESSION_TYPE
 * when the batch is compressed and no `decompress` is given.
 */
export function decodeBatch(
  bytes: Uint8Array,
  offset: number,
  header: BatchHeader,
  decompress?: Decompress,
): KafkaRecord[] {
  const end = offset + header.batchLength;
  if (end > bytes.length) {
    const left = bytes.length - offset;
    throw new OttlaError('CORRUPT_MESSAGE', `${where(header)}: is ${header.batchLength} bytes long, ${left} are left`);
  }
  const payload = open(bytes.subarray(offset + BATCH_HEADER_BYTES, end), header, decompress);
  try {
    return readRecords(new Reader(payload, 0, payload.length, 'CORRUPT_MESSAGE'), header);
  } catch (error) {
    if (!(error instanceof OttlaError)) throw error;
    throw new OttlaError(error.code, `${where(header)}: ${error.message}`, { cause: error });
  }
}

function readRecords(reader: Reader, header: BatchHeader): KafkaRecord[] {
  const { baseOffset, baseTimestamp, recordCount } = header;
  if (recordCount < 0 || recordCount * RECORD_MIN_BYTES > reader.remaining) {
    throw reader.malformed(`${recordCount} records in ${reader.remaining} bytes,`);
  }
  const base = { baseOffset, baseTimestamp, appendTime: isLogAppendTime(header) ? header.maxTimestamp : null };
  const records: KafkaRecord[] = [];
  for (let i = 0; i < recordCount; i++) records.push(readRecord(reader, base));
  if (reader.remaining > 0) throw reader.malformed(`${reader.remaining} bytes after the last record,`);
  return records;
}

function open(payload: Uint8Array, header: BatchHeader, decompress: Decompress | undefined): Uint8Array {
  const codec = compressionOf(header);
  if (codec === 'none') return payload;
  if (decompress === undefined) {
    throw new OttlaError('UNSUPPORTED_COMPRESSION_TYPE', `${where(header)}: no codec was given to open ${codec} with`);
  }
  try {
    return decompress(codec, payload);
  } catch (error) {
    if (error instanceof OttlaError) throw error;
    throw new OttlaError('CORRUPT_MESSAGE', `${where(header)}: its ${codec} payload can't be opened`, { cause: error });
  }
}

function where(header: BatchHeader): string {
  return `batch at offset ${header.baseOffset}`;
}
