/** The most bytes that a varint of 32 bits, or of 64, takes. */
export const VARINT_BYTES = 5;
export const VARLONG_BYTES = 10;

const TWO_27 = 2 ** 27;
const TWO_55 = 2 ** 55;

/**
 * The number that a zigzag varint of 64 bits stands for, given its bits in groups of 28, 28 and 8; clamped to the safe
 * integers.
 */
export function zigzag64(low: number, middle: number, high: number): number {
  const magnitude = high * TWO_55 + middle * TWO_27 + (low >>> 1);
  const value = (low & 1) === 0 ? magnitude : -magnitude - 1;
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

/** The first seven bits of a safe integer's zigzag varint: six of the magnitude, and the sign lowest. */
export function zigzagFirst(value: number): number {
  return value < 0 ? (((-value - 1) % 64) << 1) | 1 : (value % 64) << 1;
}

/** What the later bytes of a safe integer's zigzag varint hold, as an unsigned varint; 0 when the first is all. */
export function zigzagRest(value: number): number {
  return Math.floor((value < 0 ? -value - 1 : value) / 64);
}

/** How many bytes an unsigned varint takes; the value is a safe integer of 0 or more. */
export function unsignedVarintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** How many bytes a safe integer's zigzag varint takes; up to 5 for what fits in 32 bits. */
export function varintSize(value: number): number {
  const rest = zigzagRest(value);
  return rest === 0 ? 1 : 1 + unsignedVarintSize(rest);
}
