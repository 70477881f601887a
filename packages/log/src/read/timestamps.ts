import { type BatchHeader, decodeBatch, isLogAppendTime, lastOffset } from '@ottla/protocol';
import type { Codecs } from '@ottla/runtime';
import type { LogState } from '../partition/log-state';
import type { FoundTimestamp, TimestampOffset } from '../partition/types';
import type { Segment } from '../segment/segment';
import { NO_TIMESTAMP } from '../segment/time-index';

/** A batch's place in its segment. */
interface Placed {
  header: BatchHeader;
  position: number;
}

/** The first record at or behind the log start whose timestamp is `timestamp` or later; null when there is none. */
export async function findTimestamp(
  state: LogState,
  timestamp: number,
  codecs: Codecs,
): Promise<FoundTimestamp | null> {
  return unlessCut(state, async () => {
    for (const segment of state.segments.from(state.logStart)) {
      if ((await segment.largestTimestamp()) < timestamp) continue;
      const found = await findInSegment(state, segment, timestamp, codecs);
      if (found !== null) return found;
    }
    return null;
  });
}

/** The first record with the largest timestamp (KIP-734); offset and timestamp are -1 when there is none. */
export async function findMaxTimestamp(state: LogState, codecs: Codecs | null): Promise<TimestampOffset> {
  return unlessCut(state, async () => {
    let latest: Segment | null = null;
    let timestamp = NO_TIMESTAMP;
    for (const segment of state.segments.from(state.logStart)) {
      const largest = await segment.largestTimestamp();
      if (largest <= timestamp) continue;
      latest = segment;
      timestamp = largest;
    }
    if (latest === null) return { offset: -1, timestamp: NO_TIMESTAMP };
    await latest.ready();
    const batch = await firstBatch(
      latest,
      await latest.offsetIndex.positionFor(latest.offsetOfMaxTimestamp),
      (header) => header.maxTimestamp >= timestamp,
    );
    if (batch === null) return { offset: latest.offsetOfMaxTimestamp, timestamp };
    const offset = await firstOffsetAt(state, latest, batch, timestamp, codecs);
    return { offset: offset ?? lastOffset(batch.header), timestamp: batch.header.maxTimestamp };
  });
}

async function findInSegment(
  state: LogState,
  segment: Segment,
  timestamp: number,
  codecs: Codecs,
): Promise<FoundTimestamp | null> {
  await segment.ready();
  const from = Math.max(await segment.timeIndex.offsetFor(timestamp), state.logStart);
  let position = await segment.offsetIndex.positionFor(from);
  for (;;) {
    const batch = await firstBatch(
      segment,
      position,
      (header) => header.maxTimestamp >= timestamp && lastOffset(header) >= state.logStart,
    );
    if (batch === null) return null;
    const found = await firstRecord(state, segment, batch, timestamp, codecs);
    if (found !== null) return { ...found, leaderEpoch: batch.header.partitionLeaderEpoch };
    position = batch.position + batch.header.batchLength;
  }
}

async function firstBatch(
  segment: Segment,
  from: number,
  matches: (header: BatchHeader) => boolean,
): Promise<Placed | null> {
  const found: { batch: Placed | null } = { batch: null };
  await segment.scan({ from, verify: false }, (header, position) => {
    if (!matches(header)) return true;
    found.batch = { header, position };
    return false;
  });
  return found.batch;
}

async function firstOffsetAt(
  state: LogState,
  segment: Segment,
  batch: Placed,
  timestamp: number,
  codecs: Codecs | null,
): Promise<number | null> {
  if (codecs === null) return null;
  return (await firstRecord(state, segment, batch, timestamp, codecs))?.offset ?? null;
}

async function firstRecord(
  state: LogState,
  segment: Segment,
  { header, position }: Placed,
  timestamp: number,
  codecs: Codecs,
): Promise<TimestampOffset | null> {
  if (isLogAppendTime(header)) {
    return { offset: Math.max(header.baseOffset, state.logStart), timestamp: header.maxTimestamp };
  }
  const bytes = new Uint8Array(header.batchLength);
  await segment.read(bytes, position);
  const records = decodeBatch(bytes, 0, header, (name, payload) => codecs.decompress(name, payload));
  const found = records.find((record) => record.timestamp >= timestamp && record.offset >= state.logStart);
  return found === undefined ? null : { offset: found.offset, timestamp: found.timestamp };
}

/** Looks again when the log was cut while it looked. */
async function unlessCut<T>(state: LogState, look: () => Promise<T>): Promise<T> {
  for (;;) {
    state.requireUsable();
    const { cuts } = state;
    try {
      const result = await look();
      if (cuts === state.cuts) return result;
    } catch (error) {
      if (cuts === state.cuts) throw error;
    }
  }
}
