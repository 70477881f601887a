const MAGIC = 0x184d2204;
const BLOCK_MAX_BYTES: Readonly<Record<number, number>> = { 4: 64 << 10, 5: 256 << 10, 6: 1 << 20, 7: 4 << 20 };
const STORED = 0x80000000;
/** A match is at most 255 bytes longer for each of its length bytes. */
const MAX_RATIO = 255;

/**
 * An upper bound of what an LZ4 frame opens to, from block headers alone; exact for stored blocks, at most 255 times the
 * compressed size for the others. Null when this isn't a well-formed frame.
 */
export function lz4OpenedBytesAtMost(frame: Uint8Array): number | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 7 || view.getUint32(0, true) !== MAGIC) return null;
  const flags = view.getUint8(4);
  const blockMax = BLOCK_MAX_BYTES[(view.getUint8(5) >> 4) & 7];
  if (flags >> 6 !== 1 || blockMax === undefined) return null;
  const blockChecksum = (flags & 0x10) !== 0 ? 4 : 0;
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  let total = 0;
  while (at + 4 <= frame.length) {
    const word = view.getUint32(at, true);
    if (word === 0) return total;
    const size = word & ~STORED;
    if (size > blockMax) return null;
    total += (word & STORED) !== 0 ? size : Math.min(blockMax, size * MAX_RATIO);
    at += 4 + size + blockChecksum;
  }
  return null;
}
