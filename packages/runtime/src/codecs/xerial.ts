/**
 * The framing that Java's snappy library puts around snappy blocks, and that Kafka's Java client and kafkajs write:
 *
 *     0x82 "SNAPPY" 0x00 | version int32 = 1 | compatible int32 = 1 | ( length int32, raw snappy block )*
 *
 * librdkafka writes one raw block without framing. All of them read both.
 */
const MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00);
const HEADER_BYTES = 16;
const VERSION = 1;

/** What one block holds before compression; Java's default. */
export const XERIAL_BLOCK_BYTES = 32 * 1024;

export function isXerial(payload: Uint8Array): boolean {
  return payload.length >= HEADER_BYTES && MAGIC.every((byte, at) => payload[at] === byte);
}

/** The compressed blocks inside the framing, uncopied; null when the lengths don't add up. */
export function xerialBlocks(payload: Uint8Array): Uint8Array[] | null {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const blocks: Uint8Array[] = [];
  let at = HEADER_BYTES;
  while (at < payload.length) {
    if (at + 4 > payload.length) return null;
    const length = view.getInt32(at);
    at += 4;
    if (length <= 0 || at + length > payload.length) return null;
    blocks.push(payload.subarray(at, at + length));
    at += length;
  }
  return blocks;
}

export function encodeXerial(blocks: readonly Uint8Array[]): Uint8Array {
  const size = blocks.reduce((sum, block) => sum + 4 + block.length, HEADER_BYTES);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  out.set(MAGIC);
  view.setInt32(8, VERSION);
  view.setInt32(12, VERSION);
  let at = HEADER_BYTES;
  for (const block of blocks) {
    view.setInt32(at, block.length);
    out.set(block, at + 4);
    at += 4 + block.length;
  }
  return out;
}

/** The length that a raw snappy block says it opens to: a little-endian base-128 number of at most five bytes. */
export function snappyOpenedBytes(block: Uint8Array): number | null {
  let value = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block[at];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return value <= 0xffffffff ? value : null;
  }
  return null;
}
