/** Big-endian numbers at a place in a byte array. Callers have checked the bounds. */

const TWO_32 = 2 ** 32;

export function int16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) >> 16) | bytes[at + 1]!;
}

export function int32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** An int64 as a number; what lies outside the safe integers becomes the nearest safe one. */
export function int64At(bytes: Uint8Array, at: number): number {
  return int64From(int32At(bytes, at), int32At(bytes, at + 4) >>> 0);
}

/** The number of a two's-complement int64 given as its high (signed) and low (unsigned) halves, clamped as `int64At`. */
export function int64From(high: number, low: number): number {
  if (high > 0x1fffff) return Number.MAX_SAFE_INTEGER;
  if (high < -0x200000) return Number.MIN_SAFE_INTEGER;
  return Math.max(high * TWO_32 + low, Number.MIN_SAFE_INTEGER);
}

export function putInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function putInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes an integer as int64; the largest and smallest safe integers become Long.MAX_VALUE and Long.MIN_VALUE. */
export function putInt64(bytes: Uint8Array, at: number, value: number): void {
  putInt32(bytes, at, int64High(value));
  putInt32(bytes, at + 4, int64Low(value));
}

/** The high half of an int64, signed. */
export function int64High(value: number): number {
  if (value >= Number.MAX_SAFE_INTEGER) return 0x7fffffff;
  if (value <= Number.MIN_SAFE_INTEGER) return -0x80000000;
  return Math.floor(value / TWO_32);
}

/** The low half of an int64, unsigned. */
export function int64Low(value: number): number {
  if (value >= Number.MAX_SAFE_INTEGER) return 0xffffffff;
  if (value <= Number.MIN_SAFE_INTEGER) return 0;
  return value >>> 0;
}
