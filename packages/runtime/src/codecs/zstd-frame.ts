const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const MAX_BLOCK_BYTES = 128 * 1024;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;

/**
 * An upper bound of what zstd frames open to: the content size where the header has it (the decoder holds it to that),
 * else what their blocks can open to, 128 KiB each at most. Null when these aren't well-formed frames.
 */
export function zstdOpenedBytesAtMost(payload: Uint8Array): number | null {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let total = 0;
  let at = 0;
  while (at < payload.length) {
    if (at + 8 > payload.length) return null;
    if ((view.getUint32(at, true) & 0xfffffff0) >>> 0 === SKIPPABLE) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    const frame = readFrame(view, at);
    if (frame === null) return null;
    total += frame.opened;
    at = frame.end;
  }
  return at === payload.length ? total : null;
}

function readFrame(view: DataView, start: number): { opened: number; end: number } | null {
  if (view.getUint32(start, true) !== MAGIC) return null;
  const descriptor = view.getUint8(start + 4);
  const singleSegment = (descriptor & 0x20) !== 0;
  let sizeBytes: number = CONTENT_SIZE_BYTES[(descriptor >> 6) as 0 | 1 | 2 | 3];
  if (sizeBytes === 0 && singleSegment) sizeBytes = 1;
  const sizeAt = start + 5 + (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  if (sizeAt + sizeBytes > view.byteLength) return null;
  const blocks = readBlocks(view, sizeAt + sizeBytes);
  if (blocks === null) return null;
  const end = blocks.end + ((descriptor & 0x04) !== 0 ? 4 : 0);
  const contentSize = readContentSize(view, sizeAt, sizeBytes);
  return { opened: contentSize ?? blocks.opened, end };
}

function readContentSize(view: DataView, at: number, bytes: number): number | null {
  switch (bytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    case 8:
      return Number(view.getBigUint64(at, true));
    default:
      return null;
  }
}

function readBlocks(view: DataView, start: number): { opened: number; end: number } | null {
  let opened = 0;
  let at = start;
  while (at + 3 <= view.byteLength) {
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    const last = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3) return null;
    // 0: stored, 1: one byte repeated `size` times, 2: compressed.
    opened += type === 2 ? MAX_BLOCK_BYTES : size;
    at += 3 + (type === 1 ? 1 : size);
    if (last) return { opened, end: at };
  }
  return null;
}
