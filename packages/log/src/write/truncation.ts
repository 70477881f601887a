import { lastOffset } from '@ottla/protocol';
import { LeaderEpochs, ProducerState } from '@ottla/replication';
import { removeLeaderEpochs } from '../files/leader-epoch-file';
import type { LogState } from '../partition/log-state';
import { forEachHeader, loadProducers, removeSnapshots } from '../recovery/producers';
import { Segment } from '../segment/segment';

/**
 * Cuts everything from `offset` on; a batch in which `offset` lies goes whole. Every step leaves files that recovery
 * reads as a log that ends at the cut or later.
 */
export async function truncateTo(state: LogState, offset: number): Promise<void> {
  if (offset >= state.logEnd) return;
  if (offset <= state.segments.first.baseOffset) return restartAt(state, offset);
  const target = state.segments.floor(offset);
  const cut = await findCut(target, offset);
  const newEnd = Math.min(offset, cut.baseOffset ?? offset);
  const touchesProducers = await hasProducers(state, newEnd);
  await lowerCheckpoints(state, newEnd, Math.min(state.logStart, newEnd));
  state.forgetPositions();
  state.logEnd = newEnd;
  state.firstBatchOffset = Math.min(state.firstBatchOffset, state.logStart);
  await guarded(state, async () => {
    await dropSegmentsBehind(state, target);
    await target.truncate(cut.position, newEnd);
    // Otherwise a crash could bring old batches back between those that are appended next.
    await state.syncFile(target.file);
    await removeSnapshots(state, (at) => at > newEnd);
    state.rolled = state.rolled.filter(({ segment }) => segment.baseOffset < target.baseOffset);
    state.epochs.truncateFromEnd(newEnd);
    state.epochsDirty = true;
    if (touchesProducers) state.producers = await loadProducers(state, newEnd);
  });
  state.forgetPositions();
}

/** Drops everything; the log is empty and begins at `offset`. */
export async function restartAt(state: LogState, offset: number): Promise<void> {
  const { disk, dir } = state.context;
  await moveCheckpoints(state, offset);
  state.forgetPositions();
  state.logEnd = offset;
  state.firstBatchOffset = offset;
  await guarded(state, async () => {
    for (const segment of [...state.segments.all()].reverse()) await segment.remove();
    await removeSnapshots(state, () => true);
    await removeLeaderEpochs(disk, dir);
    state.namesDirty = true;
    await state.syncNames();
    const segment = new Segment(state.context, offset, state.options.clock.wall());
    await segment.create();
    state.segments.replaceAll(segment);
    state.namesDirty = true;
    state.rolled = [];
    state.epochs = LeaderEpochs.from([]);
    state.epochsDirty = false;
    state.producers = new ProducerState(state.options.producerExpirationMs);
  });
  state.forgetPositions();
}

/** The first batch that reaches `offset`: where it begins, or the segment's end when there is none. */
async function findCut(target: Segment, offset: number): Promise<{ position: number; baseOffset: number | null }> {
  await target.ready();
  let baseOffset: number | null = null;
  const { position } = await target.scan(
    { from: await target.offsetIndex.positionFor(offset), verify: false },
    (header) => {
      if (lastOffset(header) < offset) return true;
      baseOffset = header.baseOffset;
      return false;
    },
  );
  return { position, baseOffset };
}

/** Whether idempotent producers wrote any of what is about to go. */
async function hasProducers(state: LogState, from: number): Promise<boolean> {
  let found = false;
  await forEachHeader(state, from, state.logEnd, (header) => {
    found = header.producerId >= 0;
    return !found;
  });
  return found;
}

/** Recovery trusts everything below the checkpoints, so they go back, durably, before the log does. */
async function lowerCheckpoints(state: LogState, recoveryPoint: number, logStart: number): Promise<void> {
  if (state.recoveryPoint <= recoveryPoint && state.logStart <= logStart) return;
  state.recoveryPoint = Math.min(state.recoveryPoint, recoveryPoint);
  state.logStart = Math.min(state.logStart, logStart);
  await state.options.checkpoint?.();
}

/**
 * First of all on a restart, because recovery takes a log that doesn't reach down to its start for one that lost its
 * beginning.
 */
async function moveCheckpoints(state: LogState, offset: number): Promise<void> {
  const { logStart, recoveryPoint } = state;
  state.logStart = offset;
  state.recoveryPoint = offset;
  try {
    await state.options.checkpoint?.();
  } catch (error) {
    state.logStart = logStart;
    state.recoveryPoint = recoveryPoint;
    throw error;
  }
}

async function dropSegmentsBehind(state: LogState, target: Segment): Promise<void> {
  if (state.active === target) return;
  while (state.active !== target) {
    const last = state.active;
    state.segments.pop();
    await last.remove();
  }
  // Otherwise a crash could bring them back behind what is appended next.
  state.namesDirty = true;
  await state.syncNames();
}

/** What fails half-way leaves memory and files apart: then the log is offline. */
async function guarded(state: LogState, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw state.goOffline(error, 'cut-failed', 'it could not be truncated');
  }
}
