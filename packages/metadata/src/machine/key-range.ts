/**
 * Keys inside the machine are byte strings: JavaScript strings with one character (0 to 255) a byte, so that comparing
 * them compares bytes. A key of ASCII characters is its own byte string.
 */
export type ByteKey = string;

/** Keys from `start` (inclusive) to `end` (exclusive; null: to the last key). */
export interface KeyRange {
  readonly start: ByteKey;
  readonly end: ByteKey | null;
  /** True when it can hold `start` only. */
  readonly single: boolean;
}

export function oneKey(key: ByteKey): KeyRange {
  return { start: key, end: `${key}\0`, single: true };
}

export function keysFrom(start: ByteKey, end: ByteKey | null): KeyRange {
  return { start, end, single: false };
}

export function keysBelow(prefix: ByteKey): KeyRange {
  return keysFrom(prefix, prefixEnd(prefix));
}

export function contains(range: KeyRange, key: ByteKey): boolean {
  return range.single ? key === range.start : key >= range.start && (range.end === null || key < range.end);
}

/** Smallest key above everything that begins with `prefix`; null when there is none. */
export function prefixEnd(prefix: ByteKey): ByteKey | null {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix.charCodeAt(at);
    if (byte < 0xff) return prefix.slice(0, at) + String.fromCharCode(byte + 1);
  }
  return null;
}

const ASCII = /^[\0-\x7f]*$/;

export function toByteKey(text: string): ByteKey {
  if (ASCII.test(text)) return text;
  let bytes = '';
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

export function fromByteKey(key: ByteKey): string {
  if (ASCII.test(key)) return key;
  return new TextDecoder().decode(Uint8Array.from(key, (character) => character.charCodeAt(0)));
}
