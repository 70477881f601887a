import { crc32c } from '@ottla/protocol';

/*
 * A file of the journal is a header, then frames. A frame is written and synced before the next one is begun.
 *
 *   header  "OTTLASTR" (8)  format version u32  kind u32  store id (8)                          24 bytes
 *   frame   "OFRM" (4)  payload length u32  CRC32C u32 of what follows  sequence u64  payload   20 bytes + payload
 *
 * Numbers are big endian. The sequence counts the frames of a store, across its files.
 */

export const HEADER_BYTES = 24;
export const FRAME_OVERHEAD_BYTES = 20;
const FORMAT_VERSION = 1;
const FILE_MAGIC = Buffer.from('OTTLASTR', 'latin1');
const FRAME_MAGIC = Buffer.from('OFRM', 'latin1');
const CHECKED_FROM = 12;

export type FileKind = 'log' | 'snapshot';
const KIND_NUMBERS: Readonly<Record<FileKind, number>> = { log: 1, snapshot: 2 };

export interface Frame {
  readonly sequence: number;
  readonly payload: Uint8Array;
  /** Offset of the byte after it. */
  readonly end: number;
}

export function encodeHeader(kind: FileKind, storeId: string): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  FILE_MAGIC.copy(header);
  header.writeUInt32BE(FORMAT_VERSION, 8);
  header.writeUInt32BE(KIND_NUMBERS[kind], 12);
  header.write(storeId, 16, 'hex');
  return header;
}

/** @returns the store id; null when these bytes aren't such a header (which a crash can leave, whole or in part). */
export function decodeHeader(bytes: Uint8Array, kind: FileKind): string | null {
  const header = asBuffer(bytes);
  if (header.length < HEADER_BYTES || !header.subarray(0, 8).equals(FILE_MAGIC)) return null;
  const version = header.readUInt32BE(8);
  if (version !== FORMAT_VERSION) {
    throw new Error(`has format version ${version}, this version of Ottla reads ${FORMAT_VERSION}; start a newer one`);
  }
  return header.readUInt32BE(12) === KIND_NUMBERS[kind] ? header.toString('hex', 16, 24) : null;
}

export function encodeFrame(sequence: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(FRAME_OVERHEAD_BYTES + payload.length);
  FRAME_MAGIC.copy(frame);
  frame.writeUInt32BE(payload.length, 4);
  frame.writeBigUInt64BE(BigInt(sequence), CHECKED_FROM);
  frame.set(payload, FRAME_OVERHEAD_BYTES);
  frame.writeUInt32BE(crc32c(frame.subarray(CHECKED_FROM)), 8);
  return frame;
}

/** The frame that begins at `at`; null when there's no whole, undamaged one. */
export function decodeFrame(bytes: Uint8Array, at: number): Frame | null {
  const buffer = asBuffer(bytes);
  if (at + FRAME_OVERHEAD_BYTES > buffer.length) return null;
  if (!buffer.subarray(at, at + 4).equals(FRAME_MAGIC)) return null;
  const end = at + FRAME_OVERHEAD_BYTES + buffer.readUInt32BE(at + 4);
  if (end > buffer.length) return null;
  if (crc32c(buffer.subarray(at + CHECKED_FROM, end)) !== buffer.readUInt32BE(at + 8)) return null;
  const sequence = Number(buffer.readBigUInt64BE(at + CHECKED_FROM));
  return { sequence, payload: buffer.subarray(at + FRAME_OVERHEAD_BYTES, end), end };
}

/** Offset of the first whole frame after `at` that continues the store's sequence; -1 when there's none. */
export function findLaterFrame(bytes: Uint8Array, at: number, sequence: number): number {
  const buffer = asBuffer(bytes);
  for (let found = buffer.indexOf(FRAME_MAGIC, at + 1); found >= 0; found = buffer.indexOf(FRAME_MAGIC, found + 1)) {
    const frame = decodeFrame(buffer, found);
    if (frame !== null && frame.sequence > sequence) return found;
  }
  return -1;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
