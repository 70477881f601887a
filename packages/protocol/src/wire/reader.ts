import { type ErrorName, OttlaError } from '../errors';
import { int16At, int32At, int64At } from './bytes';
import { decodeUtf8 } from './text';
import { uuidAt } from './uuid';
import { VARINT_BYTES, VARLONG_BYTES, zigzag64 } from './varint';

const scratch = new DataView(new ArrayBuffer(8));

/**
 * Reads Kafka's primitive types, big-endian, from `pos` on. Every read checks the bounds first and throws `code` when the
 * bytes end too early; lengths are never trusted, so nothing is allocated for bytes that aren't there. Byte strings are
 * views, not copies.
 */
export class Reader {
  constructor(
    readonly bytes: Uint8Array,
    /** Where the next read begins. */
    public pos = 0,
    /** Where the readable bytes end. */
    public end = bytes.length,
    /** The error that malformed bytes are. */
    private readonly code: ErrorName = 'INVALID_REQUEST',
  ) {}

  get remaining(): number {
    return this.end - this.pos;
  }

  /** The error for malformed bytes, saying where they are. */
  malformed(what: string): OttlaError {
    return new OttlaError(this.code, `${what} at byte ${this.pos} of ${this.end}`);
  }

  /** Steps over `count` bytes and returns where they began. */
  private take(count: number): number {
    const at = this.pos;
    if (count > this.end - at) throw this.malformed(`${count} bytes needed, ${this.end - at} left,`);
    this.pos = at + count;
    return at;
  }

  bool(): boolean {
    return this.bytes[this.take(1)] !== 0;
  }

  int8(): number {
    return (this.bytes[this.take(1)]! << 24) >> 24;
  }

  int16(): number {
    return int16At(this.bytes, this.take(2));
  }

  int32(): number {
    return int32At(this.bytes, this.take(4));
  }

  int64(): number {
    return int64At(this.bytes, this.take(8));
  }

  float64(): number {
    const at = this.take(8);
    for (let i = 0; i < 8; i++) scratch.setUint8(i, this.bytes[at + i]!);
    return scratch.getFloat64(0);
  }

  uuid(): string {
    return uuidAt(this.bytes, this.take(16));
  }

  /** Up to five bytes, seven bits each, least significant first. */
  unsignedVarint(): number {
    const { bytes, end } = this;
    let value = 0;
    for (let i = 0; i < VARINT_BYTES; i++) {
      if (this.pos >= end) throw this.malformed('a varint ends too early');
      const byte = bytes[this.pos++]!;
      if (i === VARINT_BYTES - 1 && byte > 0x0f) break;
      value |= (byte & 0x7f) << (i * 7);
      if (byte < 0x80) return value >>> 0;
    }
    throw this.malformed('a varint has more than 32 bits');
  }

  /** A zigzag varint of 32 bits. */
  varint(): number {
    const value = this.unsignedVarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag varint of 64 bits; clamped to the safe integers. */
  varlong(): number {
    const { bytes, end } = this;
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let i = 0; i < VARLONG_BYTES; i++) {
      if (this.pos >= end) throw this.malformed('a varlong ends too early');
      const byte = bytes[this.pos++]!;
      if (i === VARLONG_BYTES - 1 && byte > 1) break;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (i * 7);
      else if (i < 8) middle |= bits << ((i - 4) * 7);
      else high |= bits << ((i - 8) * 7);
      if (byte < 0x80) return zigzag64(low, middle, high);
    }
    throw this.malformed('a varlong has more than 64 bits');
  }

  /** How many elements follow; null is -1. Each takes at least `elementBytes`, so more than fit are refused at once. */
  arrayLength(compact: boolean, elementBytes: number): number {
    const count = compact ? this.unsignedVarint() - 1 : this.int32();
    if (count < -1) throw this.malformed(`an array of ${count} elements`);
    if (count * elementBytes > this.remaining) {
      throw this.malformed(`an array of ${count} elements in ${this.remaining} bytes`);
    }
    return count;
  }

  /** A string after its length, an int16 or compact; null when the length says so. */
  string(compact: boolean): string | null {
    const length = compact ? this.unsignedVarint() - 1 : this.int16();
    if (length < 0) return this.nullLength(length);
    const at = this.take(length);
    return decodeUtf8(this.bytes, at, at + length);
  }

  /** A byte string after its length, an int32 or compact, as a view; null when the length says so. */
  byteString(compact: boolean): Uint8Array | null {
    const length = compact ? this.unsignedVarint() - 1 : this.int32();
    return length < 0 ? this.nullLength(length) : this.view(length);
  }

  /** The next `length` bytes as a view. */
  view(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.take(length);
  }

  private nullLength(length: number): null {
    if (length !== -1) throw this.malformed(`a length of ${length}`);
    return null;
  }
}
