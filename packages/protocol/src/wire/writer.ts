import { OttlaError } from '../errors';
import { int64High, int64Low, putInt32 } from './bytes';
import type { Chunk, RecordsInput } from './chunk';
import { encodeUtf8, isAscii } from './text';
import { putUuid } from './uuid';
import { unsignedVarintSize, zigzagFirst, zigzagRest } from './varint';

const INITIAL_BYTES = 256;
/** Memory doubles up to this much, and beyond only for what needs it. */
const MAX_STEP_BYTES = 16_384;
/** The longest string that a length of an int16 can announce. */
const MAX_STRING_BYTES = 0x7fff;
const scratch = new DataView(new ArrayBuffer(8));

/**
 * Writes Kafka's primitive types, big-endian, into memory that grows. Record batches are not copied: the bytes before them
 * are closed as a chunk, and the batches follow as chunks of their own. Values are checked by the caller.
 */
export class Writer {
  private bytes: Uint8Array;
  private pos = 0;
  /** Where the bytes begin that no chunk holds yet. */
  private open = 0;
  private readonly chunks: Chunk[] = [];
  private chunkBytes = 0;

  constructor(capacity: number = INITIAL_BYTES) {
    this.bytes = new Uint8Array(capacity);
  }

  /** How many bytes were written since the last chunk was closed. */
  get mark(): number {
    return this.pos - this.open;
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  int8(value: number): void {
    // `bytes` may be replaced by reserving, so it is looked up afterwards.
    const at = this.reserve(1);
    this.bytes[at] = value;
  }

  int16(value: number): void {
    const at = this.reserve(2);
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }

  int32(value: number): void {
    const at = this.reserve(4);
    putInt32(this.bytes, at, value);
  }

  int64(value: number): void {
    const at = this.reserve(8);
    putInt32(this.bytes, at, int64High(value));
    putInt32(this.bytes, at + 4, int64Low(value));
  }

  float64(value: number): void {
    const at = this.reserve(8);
    scratch.setFloat64(0, value);
    for (let i = 0; i < 8; i++) this.bytes[at + i] = scratch.getUint8(i);
  }

  uuid(value: string): void {
    const at = this.reserve(16);
    putUuid(this.bytes, at, value);
  }

  /** A safe integer of 0 or more. */
  unsignedVarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.int8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.int8(rest);
  }

  /** A safe integer as a zigzag varint, of 32 or 64 bits alike. */
  varint(value: number): void {
    const rest = zigzagRest(value);
    if (rest === 0) {
      this.int8(zigzagFirst(value));
    } else {
      this.int8(zigzagFirst(value) | 0x80);
      this.unsignedVarint(rest);
    }
  }

  /** How many elements follow. */
  arrayLength(count: number, compact: boolean): void {
    if (compact) this.unsignedVarint(count + 1);
    else this.int32(count);
  }

  /** A string after its length. */
  string(value: string, compact: boolean): void {
    if (!isAscii(value)) {
      const encoded = encodeUtf8(value);
      this.stringLength(encoded.length, compact);
      this.raw(encoded);
      return;
    }
    this.stringLength(value.length, compact);
    const at = this.reserve(value.length);
    for (let i = 0; i < value.length; i++) this.bytes[at + i] = value.charCodeAt(i);
  }

  /** The length that stands for a null string. */
  nullString(compact: boolean): void {
    this.stringLength(-1, compact);
  }

  /** A byte string after its length. */
  byteString(value: Uint8Array, compact: boolean): void {
    this.arrayLength(value.length, compact);
    this.raw(value);
  }

  /** The bytes alone, copied. */
  raw(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.bytes.set(value, at);
  }

  /** Record batches after their length, uncopied. */
  records(value: RecordsInput, compact: boolean): void {
    if (value === null) {
      this.arrayLength(-1, compact);
      return;
    }
    const pieces = value instanceof Uint8Array ? [value] : value;
    let byteLength = 0;
    for (const piece of pieces) byteLength += piece.byteLength;
    this.arrayLength(byteLength, compact);
    if (byteLength === 0) return;
    this.closeChunk();
    for (const piece of pieces) if (piece.byteLength > 0) this.chunks.push(piece);
    this.chunkBytes += byteLength;
  }

  /**
   * Puts an unsigned varint before what was written since `mark`, which is moved up: the size of a tagged field is known
   * only once it is written.
   */
  insertSize(mark: number): void {
    const size = this.mark - mark;
    const prefix = unsignedVarintSize(size);
    this.reserve(prefix);
    const at = this.open + mark;
    this.bytes.copyWithin(at + prefix, at, at + size);
    const end = this.pos;
    this.pos = at;
    this.unsignedVarint(size);
    this.pos = end;
  }

  /** Everything written, in order. The writer is not used afterwards. */
  finish(): { chunks: Chunk[]; byteLength: number } {
    if (this.pos > this.open) this.closeChunk();
    return { chunks: this.chunks, byteLength: this.chunkBytes };
  }

  /** Everything written, joined. Throws INVALID_REQUEST when that includes a range of a file, which isn't read here. */
  toBytes(): Uint8Array {
    const { chunks, byteLength } = this.finish();
    if (chunks.length === 1 && chunks[0] instanceof Uint8Array) return chunks[0];
    const joined = new Uint8Array(byteLength);
    let next = 0;
    for (const chunk of chunks) {
      if (!(chunk instanceof Uint8Array)) {
        throw new OttlaError('INVALID_REQUEST', "records must be bytes in memory here, not a file's range");
      }
      joined.set(chunk, next);
      next += chunk.length;
    }
    return joined;
  }

  private stringLength(length: number, compact: boolean): void {
    if (compact) {
      this.unsignedVarint(length + 1);
      return;
    }
    if (length > MAX_STRING_BYTES) {
      throw new OttlaError('INVALID_REQUEST', `a string of ${length} bytes is too long; at most ${MAX_STRING_BYTES}`);
    }
    this.int16(length);
  }

  private closeChunk(): void {
    const chunk = this.bytes.subarray(this.open, this.pos);
    this.chunks.push(chunk);
    this.chunkBytes += chunk.length;
    this.open = this.pos;
  }

  /** Makes room for `count` bytes and returns where they begin. */
  private reserve(count: number): number {
    const at = this.pos;
    if (at + count > this.bytes.length) return this.grow(count);
    this.pos = at + count;
    return at;
  }

  /** Moves the open bytes to larger memory; the chunks keep the old one. */
  private grow(count: number): number {
    const open = this.bytes.subarray(this.open, this.pos);
    const doubled = Math.min(this.bytes.length * 2, MAX_STEP_BYTES);
    const larger = new Uint8Array(Math.max((open.length + count) * 2, doubled, INITIAL_BYTES));
    larger.set(open);
    this.bytes = larger;
    this.open = 0;
    this.pos = open.length + count;
    return open.length;
  }
}
