import { BATCH_HEADER_BYTES, lastOffset, OttlaError, readBatchHeader } from '@ottla/protocol';
import type { LogState } from '../partition/log-state';
import type { ReadOptions, ReadResult } from '../partition/types';
import type { Segment } from '../segment/segment';

/** Whole batches in a buffer, as found by `collect`. */
interface Collected {
  /** Where the first one begins in the buffer, and where the last one ends. */
  start: number;
  end: number;
  baseOffset: number;
  endOffset: number;
  /** With nothing collected: where the next batch begins, and its length once its header was read. Null: nothing fits. */
  next: { at: number; batchLength: number | null } | null;
}

interface Wanted extends ReadOptions {
  from: number;
}

/** What an index entry may be ahead of the batch that is looked for, beyond the index interval. */
const SLACK_BYTES = 1024;

/** Reads whole batches from the one that holds `from`. */
export async function readBatches(state: LogState, from: number, options: ReadOptions): Promise<ReadResult> {
  for (;;) {
    const limit = readableEnd(state, from, options.upTo);
    const wanted: Wanted = { ...options, upTo: limit, from };
    if (from >= limit || (options.maxBytes <= 0 && !options.atLeastOne)) return nothing(from);
    const cached = state.tail.read(from, limit, options.maxBytes, options.atLeastOne);
    if (cached !== null) return cached;
    const { cuts } = state;
    try {
      const result = await readFromFile(state, wanted);
      if (cuts === state.cuts) return result;
    } catch (error) {
      if (cuts === state.cuts) throw error;
    }
  }
}

/**
 * The end below which may be read. Throws when the log is offline, or `from` is outside of it. The batch in which the log
 * start lies counts: followers need it whole, and consumers leave out what lies before.
 */
export function readableEnd(state: LogState, from: number, upTo: number): number {
  state.requireUsable();
  if (from >= state.firstBatchOffset && from <= state.logEnd) return Math.min(upTo, state.logEnd);
  const range = `${state.logStart} to ${state.logEnd}`;
  throw new OttlaError('OFFSET_OUT_OF_RANGE', `${state.name}: offset ${from} is outside of the log's range, ${range}`);
}

async function readFromFile(state: LogState, wanted: Wanted): Promise<ReadResult> {
  let segment: Segment | null = state.segments.floor(wanted.from);
  while (segment !== null) {
    const result = await readFromSegment(state, segment, wanted);
    if (result !== null) return result;
    // `from` lies in a gap at the end of the segment.
    segment = state.segments.after(segment);
  }
  return nothing(wanted.from);
}

/** Null when nothing in the segment reaches `from`. */
async function readFromSegment(state: LogState, segment: Segment, wanted: Wanted): Promise<ReadResult | null> {
  const { size } = segment;
  const known = await startOf(state, segment, wanted.from);
  let position = known.position;
  let slack = known.exact ? 0 : state.context.config.indexIntervalBytes + SLACK_BYTES;
  while (position < size) {
    const bytes = allocate(Math.min(Math.max(wanted.maxBytes, BATCH_HEADER_BYTES) + slack, size - position));
    await fill(state, segment, bytes, position);
    const found = collect(bytes, wanted);
    if (found.end > found.start) {
      rememberEnd(state, segment, found.endOffset, position + found.end);
      return asResult(found, [bytes.subarray(found.start, found.end)]);
    }
    if (found.next === null) return nothing(wanted.from);
    const { at, batchLength } = found.next;
    if (batchLength !== null) {
      if (!wanted.atLeastOne && batchLength > wanted.maxBytes) return nothing(wanted.from);
      return readOne(state, segment, { position: position + at, batchLength, head: bytes.subarray(at) }, wanted.from);
    }
    // Only batches before `from`, so far.
    if (at === 0) throw shorter(state, segment, position);
    position += at;
    slack = SLACK_BYTES;
  }
  return null;
}

/** A batch that is larger than what was read of it. */
async function readOne(
  state: LogState,
  segment: Segment,
  batch: { position: number; batchLength: number; head: Uint8Array },
  from: number,
): Promise<ReadResult> {
  const bytes = allocate(batch.batchLength);
  bytes.set(batch.head);
  await fill(state, segment, bytes.subarray(batch.head.length), batch.position + batch.head.length);
  const found = collect(bytes, { from, maxBytes: batch.batchLength, upTo: Number.POSITIVE_INFINITY, atLeastOne: true });
  rememberEnd(state, segment, found.endOffset, batch.position + batch.batchLength);
  return asResult(found, [bytes]);
}

/** The batches in `bytes` that are wanted. `bytes` begins with a batch. */
function collect(bytes: Uint8Array, wanted: Wanted): Collected {
  const found: Collected = { start: 0, end: 0, baseOffset: wanted.from, endOffset: wanted.from, next: null };
  let at = 0;
  while (at + BATCH_HEADER_BYTES <= bytes.length) {
    const header = readBatchHeader(bytes, at);
    const last = lastOffset(header);
    if (last >= wanted.from) {
      if (last >= wanted.upTo) return found;
      const isFirst = found.end === 0;
      if (at + header.batchLength > bytes.length) {
        found.next = isFirst ? { at, batchLength: header.batchLength } : null;
        return found;
      }
      const start = isFirst ? at : found.start;
      if (at + header.batchLength - start > wanted.maxBytes && !(isFirst && wanted.atLeastOne)) return found;
      if (isFirst) found.baseOffset = header.baseOffset;
      found.start = start;
      found.end = at + header.batchLength;
      found.endOffset = last + 1;
    }
    at += header.batchLength;
  }
  found.next = { at, batchLength: null };
  return found;
}

/** Where to begin reading for `from`: at its batch when that is known, else somewhere before. */
export async function startOf(
  state: LogState,
  segment: Segment,
  from: number,
): Promise<{ position: number; exact: boolean }> {
  if (from <= segment.baseOffset) return { position: 0, exact: true };
  const hint = state.hints.get(from);
  if (hint?.segmentBase === segment.baseOffset) return { position: hint.position, exact: true };
  await segment.ready();
  return { position: await segment.offsetIndex.positionFor(from), exact: false };
}

export function rememberEnd(state: LogState, segment: Segment, endOffset: number, position: number): void {
  state.hints.set(endOffset, { segmentBase: segment.baseOffset, position });
}

async function fill(state: LogState, segment: Segment, into: Uint8Array, position: number): Promise<void> {
  const read = await segment.read(into, position);
  if (read < into.length) throw shorter(state, segment, position + read);
}

function shorter(state: LogState, segment: Segment, end: number): OttlaError {
  const message = `${state.name}: ${segment.file.path} ends at ${end}, before the ${segment.size} bytes written to it`;
  return new OttlaError('KAFKA_STORAGE_ERROR', `${message}; something else has cut it: restart the broker to recover`);
}

/** Not zeroed: it is filled from the file, or not given out. */
function allocate(length: number): Uint8Array {
  return Buffer.allocUnsafeSlow(length);
}

function asResult({ baseOffset, endOffset }: Collected, chunks: Uint8Array[]): ReadResult {
  return { baseOffset, endOffset, chunks, byteLength: chunks.reduce((sum, chunk) => sum + chunk.length, 0) };
}

function nothing(from: number): ReadResult {
  return { baseOffset: from, endOffset: from, chunks: [], byteLength: 0 };
}
