import type { Reader } from '../wire/reader';
import { decodeUtf8, encodeUtf8 } from '../wire/text';
import { varintSize } from '../wire/varint';
import type { Writer } from '../wire/writer';

/** A record's own header: metadata beside its value (KIP-82). */
export interface RecordHeader {
  key: string;
  value: Uint8Array | null;
}

/** A record as read from a batch; key, value and headers are views of the batch's (or the decompressed) bytes. */
export interface KafkaRecord {
  offset: number;
  /** In ms. */
  timestamp: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: RecordHeader[];
}

/** A record to be put into a batch. */
export interface RecordInput {
  /** In ms. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly Readonly<RecordHeader>[];
}

/** What a batch's header says of all its records. */
export interface RecordBase {
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  /** The timestamp of every record with LogAppendTime; null when each has its own. */
  readonly appendTime: number | null;
}

/** A length, attributes, timestamp delta, offset delta, key, value and header count take a byte each at least. */
export const RECORD_MIN_BYTES = 7;
/** A key's length and a value's length take a byte each. */
const HEADER_MIN_BYTES = 2;
const ATTRIBUTES = 0;

/** Reads one record, which must take exactly the bytes that its length announces. */
export function readRecord(reader: Reader, base: RecordBase): KafkaRecord {
  const length = reader.varint();
  if (length < 0 || length > reader.remaining) throw reader.malformed(`a record of ${length} bytes`);
  const { end } = reader;
  reader.end = reader.pos + length;
  reader.skip(1);
  const timestampDelta = reader.varlong();
  const offsetDelta = reader.varint();
  const key = nullableBytes(reader);
  const value = nullableBytes(reader);
  const headers = readHeaders(reader);
  if (reader.remaining > 0) throw reader.malformed(`${reader.remaining} bytes too many in a record`);
  reader.end = end;
  const timestamp = base.appendTime ?? base.baseTimestamp + timestampDelta;
  return { offset: base.baseOffset + offsetDelta, timestamp, key, value, headers };
}

function readHeaders(reader: Reader): RecordHeader[] {
  const count = reader.varint();
  if (count < 0 || count * HEADER_MIN_BYTES > reader.remaining) throw reader.malformed(`${count} record headers`);
  const headers: RecordHeader[] = [];
  for (let i = 0; i < count; i++) {
    const length = reader.varint();
    if (length < 0) throw reader.malformed('a record header without a key');
    const at = reader.pos;
    reader.skip(length);
    headers.push({ key: decodeUtf8(reader.bytes, at, at + length), value: nullableBytes(reader) });
  }
  return headers;
}

function nullableBytes(reader: Reader): Uint8Array | null {
  const length = reader.varint();
  if (length < -1) throw reader.malformed(`a length of ${length}`);
  return length === -1 ? null : reader.view(length);
}

/** Writes one record; its length comes first, so it is computed before anything is written. */
export function writeRecord(writer: Writer, record: RecordInput, offsetDelta: number, timestampDelta: number): void {
  const headers = (record.headers ?? []).map(({ key, value }) => ({ key: encodeUtf8(key), value }));
  let length = 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + varintSize(headers.length);
  length += bytesSize(record.key) + bytesSize(record.value);
  for (const { key, value } of headers) length += bytesSize(key) + bytesSize(value);
  writer.varint(length);
  writer.int8(ATTRIBUTES);
  writer.varint(timestampDelta);
  writer.varint(offsetDelta);
  writeBytes(writer, record.key);
  writeBytes(writer, record.value);
  writer.varint(headers.length);
  for (const { key, value } of headers) {
    writeBytes(writer, key);
    writeBytes(writer, value);
  }
}

function bytesSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function writeBytes(writer: Writer, bytes: Uint8Array | null): void {
  writer.varint(bytes === null ? -1 : bytes.length);
  if (bytes !== null) writer.raw(bytes);
}
