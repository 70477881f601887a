import { BATCH_HEADER_BYTES, OttlaError, readBatchHeader, verifyBatch } from '@ottla/protocol';
import type { Segment } from '../segment/segment';

const WINDOW_BYTES = 16 * 1024 * 1024;
const MAGIC_AT = 16;
const MAGIC_V2 = 2;
const MAX_INT32 = 0x7fffffff;

/**
 * Whether what lies between `from` and `to`, where a log ends inside a batch, is the beginning of one that a process was
 * killed while writing. A damaged length field looks the same, but leaves a batch that is whole, or whole ones behind it.
 */
export async function isTorn(segment: Segment, from: number, to: number, nextOffset: number): Promise<boolean> {
  const bytes = new Uint8Array(Math.min(to - from, WINDOW_BYTES));
  const left = bytes.subarray(0, await segment.read(bytes, from));
  if (left.length < BATCH_HEADER_BYTES) return true;
  if (isWhole(left, 0, { batchLength: left.length })) return false;
  for (let at = 1; at + BATCH_HEADER_BYTES <= left.length; at++) {
    if (left[at + MAGIC_AT] !== MAGIC_V2 || !isWhole(left, at)) continue;
    const { baseOffset } = readBatchHeader(left, at);
    if (baseOffset > nextOffset && baseOffset - nextOffset <= MAX_INT32) return false;
  }
  return true;
}

function isWhole(bytes: Uint8Array, at: number, assumed: { readonly batchLength?: number } = {}): boolean {
  try {
    verifyBatch(bytes, at, { ...readBatchHeader(bytes, at), ...assumed });
    return true;
  } catch (error) {
    if (error instanceof OttlaError) return false;
    throw error;
  }
}
