import type { LogState } from '../partition/log-state';
import { firstBatchFrom } from '../read/locate';
import { writeSnapshot } from '../recovery/producers';

/** Where a log begins. */
export interface LogStart {
  /** The first offset that may be read; it may lie inside a batch. */
  readonly logStart: number;
  /** Base offset of the batch in which `logStart` lies; `logStart` itself when it lies in none. */
  readonly firstBatchOffset: number;
}

/**
 * Nothing below `offset` may be read any more. Durable before anything goes: a log that begins behind its checkpointed
 * start is taken for one that has lost its beginning. Then every segment that lies below the start whole is removed.
 */
export async function advanceStart(state: LogState, offset: number): Promise<LogStart> {
  const before: LogStart = { logStart: state.logStart, firstBatchOffset: state.firstBatchOffset };
  const logStart = Math.min(offset, state.logEnd);
  if (logStart <= state.logStart) return before;
  const firstBatchOffset = await firstBatchOffsetAt(state, logStart);
  state.logStart = logStart;
  state.firstBatchOffset = firstBatchOffset;
  try {
    await state.options.checkpoint?.();
  } catch (error) {
    Object.assign(state, before);
    throw error;
  }
  state.epochs.truncateFromStart(firstBatchOffset);
  state.epochsDirty = true;
  await removeSegmentsBelow(state, firstBatchOffset);
  return { logStart, firstBatchOffset };
}

/** Base offset of the batch in which `offset` lies, `offset` itself when it lies in none. */
export async function firstBatchOffsetAt(state: LogState, offset: number): Promise<number> {
  const found = await firstBatchFrom(state, state.segments.floor(offset), offset);
  return Math.min(offset, found?.baseOffset ?? offset);
}

/** Segments that hold nothing at `offset` or behind it; the last one stays, it is written to. */
export async function removeSegmentsBelow(state: LogState, offset: number): Promise<void> {
  const all = state.segments.all();
  const doomed = all.filter((_segment, index) => (all[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) <= offset);
  if (doomed.length === 0) return;
  const gone = state.rolled.filter(({ segment }) => doomed.includes(segment));
  const last = gone.at(-1);
  // Otherwise the next open would know nothing of producers whose batches lay there.
  if (last !== undefined) await writeSnapshot(state, state.segments.after(last.segment)!.baseOffset, last.producers);
  state.rolled = state.rolled.filter((rolled) => !gone.includes(rolled));
  state.forgetReads();
  for (const segment of doomed) {
    state.segments.remove(segment);
    await segment.remove();
  }
  state.namesDirty = true;
}
