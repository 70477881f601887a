import type { BatchHeader } from '@ottla/protocol';
import { lastOffset } from '@ottla/protocol';
import { type ProducerSnapshotEntry, ProducerState } from '@ottla/replication';
import { decodeProducerSnapshot, encodeProducerSnapshot } from '../files/producer-snapshot';
import type { LogState } from '../partition/log-state';
import { segmentFileName } from '../segment/file-names';

/** Writes the producers at `offset`, and removes older snapshots that no segment begins with. */
export async function writeSnapshot(
  state: LogState,
  offset: number,
  producers: ProducerSnapshotEntry[],
): Promise<void> {
  await state.context.disk.writeFileAtomic(pathOf(state, offset), encodeProducerSnapshot(producers));
  if (!state.snapshots.includes(offset)) state.snapshots = [...state.snapshots, offset].sort((a, b) => a - b);
  const bases = new Set(state.segments.all().map(({ baseOffset }) => baseOffset));
  const newest = state.snapshots.at(-1);
  await removeSnapshots(state, (at) => at !== offset && at !== newest && !bases.has(at));
}

export async function removeSnapshots(state: LogState, which: (offset: number) => boolean): Promise<void> {
  for (const offset of state.snapshots.filter(which)) {
    await state.context.disk.removeFile(pathOf(state, offset));
    state.snapshots = state.snapshots.filter((other) => other !== offset);
  }
}

/** The producers at `end`: the newest usable snapshot at or below it, and the batch headers from there on. */
export async function loadProducers(state: LogState, end: number): Promise<ProducerState> {
  const { producerExpirationMs, clock } = state.options;
  const snapshot = await newestSnapshot(state, end);
  const from = snapshot?.offset ?? state.segments.first.baseOffset;
  const someForgotten = snapshot !== null && (await reachesBack(state, clock.wall() - producerExpirationMs));
  const producers = ProducerState.fromSnapshot(snapshot?.entries ?? [], producerExpirationMs, someForgotten);
  await forEachHeader(state, from, end, (header) => {
    producers.record(header);
    return true;
  });
  producers.expire(clock.wall());
  return producers;
}

/** A snapshot doesn't tell whom it has forgotten. If the log holds records old enough, somebody may have been. */
async function reachesBack(state: LogState, timestamp: number): Promise<boolean> {
  const first = await state.segments.first.loadFirstTimestamp();
  return first !== null && first < timestamp;
}

/** Visits the headers of the batches that reach `from` and end at or below `end`, until the visitor answers false. */
export async function forEachHeader(
  state: LogState,
  from: number,
  end: number,
  visit: (header: BatchHeader) => boolean,
): Promise<void> {
  if (from >= end) return;
  for (const segment of state.segments.from(from)) {
    if (segment.baseOffset >= end) return;
    await segment.ready();
    let stopped = false;
    await segment.scan({ from: await segment.offsetIndex.positionFor(from), verify: false }, (header) => {
      if (lastOffset(header) < from) return true;
      stopped = lastOffset(header) >= end || !visit(header);
      return !stopped;
    });
    if (stopped) return;
  }
}

async function newestSnapshot(
  state: LogState,
  end: number,
): Promise<{ offset: number; entries: ProducerSnapshotEntry[] } | null> {
  const { disk } = state.context;
  for (const offset of state.snapshots.filter((at) => at <= end).reverse()) {
    const path = pathOf(state, offset);
    const bytes = await disk.readFile(path);
    try {
      if (bytes !== null) return { offset, entries: decodeProducerSnapshot(path, bytes) };
    } catch (error) {
      state.options.logger.warn(`${state.name}: a producer snapshot is unusable, reading the log instead`, { error });
    }
    await removeSnapshots(state, (at) => at === offset);
  }
  return null;
}

function pathOf(state: LogState, offset: number): string {
  return `${state.options.dir}/${segmentFileName(offset, 'snapshot')}`;
}
