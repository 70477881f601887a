import { BATCH_HEADER_BYTES, lastOffset, readBatchHeader } from '@ottla/protocol';
import type { LogState } from '../partition/log-state';
import type { LogRange, ReadOptions } from '../partition/types';
import type { Segment } from '../segment/segment';
import { readableEnd, rememberEnd, startOf } from './reader';

/** Enough for the headers between two index entries when batches are small; larger batches have an entry each. */
const WINDOW_BYTES = 8 * 1024;

interface Extent {
  position: number;
  byteLength: number;
  baseOffset: number;
  endOffset: number;
}

/** As `readBatches`, but where the bytes are instead of the bytes. Null when there are none. */
export async function locateBatches(state: LogState, from: number, options: ReadOptions): Promise<LogRange | null> {
  for (;;) {
    const upTo = readableEnd(state, from, options.upTo);
    if (from >= upTo || (options.maxBytes <= 0 && !options.atLeastOne)) return null;
    const { cuts } = state;
    try {
      const range = await locateInFile(state, from, { ...options, upTo });
      if (cuts === state.cuts) return range;
      range?.release();
    } catch (error) {
      if (cuts === state.cuts) throw error;
    }
  }
}

async function locateInFile(state: LogState, from: number, options: ReadOptions): Promise<LogRange | null> {
  let segment: Segment | null = state.segments.floor(from);
  while (segment !== null) {
    const extent = await extentIn(state, segment, from, options);
    if (extent === 'nothing-fits') return null;
    if (extent !== 'not-here') {
      const lease = await segment.lease();
      return { ...extent, file: lease.file, release: () => lease.release() };
    }
    segment = state.segments.after(segment);
  }
  return null;
}

async function extentIn(
  state: LogState,
  segment: Segment,
  from: number,
  { maxBytes, upTo, atLeastOne }: ReadOptions,
): Promise<Extent | 'not-here' | 'nothing-fits'> {
  const first = await firstBatchFrom(state, segment, from);
  if (first === null) return 'not-here';
  const fits = first.byteLength <= maxBytes || atLeastOne;
  if (first.endOffset > upTo || !fits) return 'nothing-fits';
  const extent = { ...first };
  const skipTo = await jump(segment, first.position + maxBytes, upTo);
  const scanFrom = Math.max(skipTo, first.position + first.byteLength);
  await segment.scan({ from: scanFrom, verify: false, windowBytes: WINDOW_BYTES }, (header, position) => {
    const byteLength = position + header.batchLength - first.position;
    // The batch that was jumped to may already be one too many: then the jump only told where the one before it ends.
    if (byteLength > maxBytes || lastOffset(header) >= upTo) {
      if (position === scanFrom && position > first.position + first.byteLength) {
        extent.byteLength = position - first.position;
        extent.endOffset = header.baseOffset;
      }
      return false;
    }
    extent.byteLength = byteLength;
    extent.endOffset = lastOffset(header) + 1;
    return true;
  });
  rememberEnd(state, segment, extent.endOffset, extent.position + extent.byteLength);
  return extent;
}

/** The batch of the segment that holds `from`, or the first one behind it; null when it has none. */
export async function firstBatchFrom(state: LogState, segment: Segment, from: number): Promise<Extent | null> {
  const known = await startOf(state, segment, from);
  if (known.exact && known.position + BATCH_HEADER_BYTES <= segment.size) {
    const bytes = new Uint8Array(BATCH_HEADER_BYTES);
    await segment.read(bytes, known.position);
    const header = readBatchHeader(bytes, 0);
    if (lastOffset(header) >= from) {
      const { baseOffset, batchLength: byteLength } = header;
      return { position: known.position, byteLength, baseOffset, endOffset: lastOffset(header) + 1 };
    }
  }
  const found: { extent: Extent | null } = { extent: null };
  await segment.scan({ from: known.position, verify: false, windowBytes: WINDOW_BYTES }, (header, position) => {
    if (lastOffset(header) < from) return true;
    const { baseOffset, batchLength: byteLength } = header;
    found.extent = { position, byteLength, baseOffset, endOffset: lastOffset(header) + 1 };
    return false;
  });
  return found.extent;
}

/** The last indexed batch that begins within the budget and not behind `upTo`: everything before it fits. */
async function jump(segment: Segment, budgetEnd: number, upTo: number): Promise<number> {
  await segment.ready();
  const byBudget = (await segment.offsetIndex.batchAtOrBefore(budgetEnd))?.position ?? 0;
  const byOffset = await segment.offsetIndex.positionFor(upTo - 1);
  return Math.min(byBudget, byOffset);
}
