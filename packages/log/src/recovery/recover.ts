import { type BatchHeader, lastOffset } from '@ottla/protocol';
import { LeaderEpochs } from '@ottla/replication';
import type { LogState } from '../partition/log-state';
import type { ScanResult } from '../segment/batch-scan';
import type { Segment } from '../segment/segment';
import { forEachHeader, loadProducers, removeSnapshots } from './producers';
import { isTorn } from './torn';

const MAX_INT32 = 0x7fffffff;

/** What the scan has seen so far. */
interface Progress {
  nextOffset: number;
  epoch: number;
}

/**
 * After a shutdown that wasn't clean: reads every segment from the one with the recovery point on, checks each batch,
 * makes indexes, epochs and producers again, and cuts the log at the first batch that isn't whole.
 *
 * `known`: the epochs as the file has them; null when it is unusable.
 */
export async function recover(state: LogState, known: LeaderEpochs | null): Promise<void> {
  const { options } = state;
  const unsafe = state.segments.from(options.recoveryPoint);
  const start = (unsafe[0] as Segment).baseOffset;
  state.logEnd = start;
  state.epochs = known ?? (await epochsFromHeaders(state, start));
  state.epochs.truncateFromEnd(start);
  state.epochsDirty = true;
  await removeSnapshots(state, (at) => at > start);
  state.producers = await loadProducers(state, start);
  const progress: Progress = { nextOffset: start, epoch: state.epochs.latest()?.epoch ?? -1 };
  for (const [n, segment] of unsafe.entries()) {
    const written = segment.size;
    const scanned = await scanSegment(state, segment, progress);
    const damage = scanned.damage ?? misplaced(unsafe[n + 1], progress);
    if (damage !== null) {
      const torn =
        scanned.incomplete === true &&
        segment === state.active &&
        !options.cleanShutdown &&
        (await isTorn(segment, segment.size, written, progress.nextOffset));
      if (!torn) await options.onLoss?.({ offset: progress.nextOffset, reason: `${segment.file.path}: ${damage}` });
      await cutBehind(state, segment, progress.nextOffset, damage);
      break;
    }
    if (segment === state.active) break;
    await segment.seal();
    state.rolled.push({ segment, producers: state.producers.toSnapshot() });
  }
  await state.active.persistIndexes();
  state.logEnd = progress.nextOffset;
  state.recoveryPoint = Math.min(options.recoveryPoint, state.logEnd);
}

/** The epochs of the batches below `end`. */
export async function epochsFromHeaders(state: LogState, end: number): Promise<LeaderEpochs> {
  const epochs = LeaderEpochs.from([]);
  await forEachHeader(state, state.segments.first.baseOffset, end, ({ partitionLeaderEpoch, baseOffset }) => {
    if (partitionLeaderEpoch >= 0) epochs.assign(partitionLeaderEpoch, baseOffset);
    return true;
  });
  return epochs;
}

/** Takes in the whole batches of one segment; what is wrong behind them, if anything. */
async function scanSegment(
  state: LogState,
  segment: Segment,
  progress: Progress,
): Promise<Pick<ScanResult, 'damage' | 'incomplete'>> {
  const to = segment.size;
  segment.size = 0;
  segment.startIndexes();
  let contradiction: string | null = null;
  const scanned = await segment.scan({ from: 0, to, verify: true }, (header) => {
    contradiction = contradicts(segment, header, progress);
    if (contradiction !== null) return false;
    segment.accept(header);
    if (header.partitionLeaderEpoch > progress.epoch)
      state.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
    progress.epoch = header.partitionLeaderEpoch;
    progress.nextOffset = lastOffset(header) + 1;
    state.producers.record(header);
    return true;
  });
  return contradiction === null ? scanned : { damage: contradiction };
}

/**
 * A segment begins where the one before it ends. One that begins earlier was left by an earlier life of the log; one that
 * begins later has lost those in between. (Only a jump of offsets that no segment can hold leaves a gap.)
 */
function misplaced(next: Segment | undefined, { nextOffset }: Progress): string | null {
  if (next === undefined || next.baseOffset === nextOffset || next.baseOffset - nextOffset > MAX_INT32) return null;
  return `the next segment begins at ${next.baseOffset}, this one ends at ${nextOffset}`;
}

/** A whole batch that can't belong here was left by an earlier life of the file. */
function contradicts(segment: Segment, header: BatchHeader, { nextOffset, epoch }: Progress): string | null {
  if (header.baseOffset < Math.max(nextOffset, segment.baseOffset)) {
    return `a batch at offset ${header.baseOffset} follows, where ${nextOffset} or more is due`;
  }
  if (header.partitionLeaderEpoch < epoch) {
    return `a batch of leader epoch ${header.partitionLeaderEpoch} follows one of epoch ${epoch}`;
  }
  return null;
}

async function cutBehind(state: LogState, segment: Segment, nextOffset: number, damage: string): Promise<void> {
  let lostSegments = 0;
  while (state.active !== segment) {
    const last = state.active;
    state.segments.pop();
    await last.remove();
    lostSegments++;
  }
  await segment.cut();
  await state.syncFile(segment.file);
  state.namesDirty = true;
  await state.syncNames();
  const where = `${segment.file.path} at position ${segment.size} (offset ${nextOffset})`;
  state.options.logger.warn(`${state.name}: cut ${where}: ${damage}`, { segmentsRemoved: lostSegments });
}
