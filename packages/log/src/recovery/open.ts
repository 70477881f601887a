import { OttlaError } from '@ottla/protocol';
import { LeaderEpochs, ProducerState } from '@ottla/replication';
import { readLeaderEpochs } from '../files/leader-epoch-file';
import { PARTITION_METADATA, readTopicId, writeTopicId } from '../files/partition-metadata';
import { LogState } from '../partition/log-state';
import type { PartitionLogOptions } from '../partition/types';
import { LogResources } from '../resources/log-resources';
import { isDraft, parseSegmentFileName } from '../segment/file-names';
import { Segment, type SegmentContext } from '../segment/segment';
import { firstBatchOffsetAt, removeSegmentsBelow } from '../write/log-start';
import { restartAt } from '../write/truncation';
import { loadProducers, removeSnapshots } from './producers';
import { epochsFromHeaders, recover } from './recover';

/** Opens the log in a folder, or makes one there. */
export async function openLogState(options: PartitionLogOptions): Promise<LogState> {
  const { disk, dir, clock } = options;
  const resources = options.resources ?? new LogResources({}, options.logger);
  const context: SegmentContext = { disk, dir, resources, config: options.config };
  const isNew = await prepareFolder(options);
  const files = await survey(options, await disk.list(dir));
  const segments = files.bases.map((baseOffset) => new Segment(context, baseOffset, clock.wall()));
  if (segments.length === 0) {
    const segment = new Segment(context, options.logStart, clock.wall());
    await segment.create();
    segments.push(segment);
  }
  const parts = { segments, epochs: LeaderEpochs.from([]), producers: new ProducerState(options.producerExpirationMs) };
  const state = new LogState(options, context, parts);
  state.snapshots = files.snapshots;
  // A life that was cut short may have made files without syncing their names.
  state.folderDirty = isNew || !options.cleanShutdown;
  state.namesDirty = state.folderDirty || files.bases.length === 0;
  try {
    if (files.bases.length > 0) await load(state);
    else startEmpty(state);
  } catch (error) {
    await Promise.all(state.segments.all().map((segment) => segment.close()));
    throw error;
  }
  return state;
}

/** Makes the folder if it is new, and checks whose it is. */
async function prepareFolder(options: PartitionLogOptions): Promise<boolean> {
  const { disk, dir, topicId } = options;
  const found = await readTopicId(disk, dir);
  if (found === topicId) return false;
  if (found !== null) {
    const message = `${dir} belongs to topic id ${found}, not ${topicId}`;
    throw new OttlaError(
      'INCONSISTENT_TOPIC_ID',
      `${message}: it was left by another topic of that name; set it aside`,
    );
  }
  if (await hasBatches(options)) {
    // Only a crash before anything in the folder was synced leaves it like this.
    const message = `${dir} holds batches but no readable ${PARTITION_METADATA}`;
    throw new OttlaError(
      'INCONSISTENT_TOPIC_ID',
      `${message}, so it can't be told whose they are; set the folder aside`,
    );
  }
  await disk.makeDir(dir);
  await writeTopicId(disk, dir, topicId);
  return true;
}

async function hasBatches({ disk, dir }: PartitionLogOptions): Promise<boolean> {
  for (const name of await disk.list(dir)) {
    if (parseSegmentFileName(name)?.suffix !== 'log') continue;
    if (((await disk.stat(`${dir}/${name}`))?.size ?? 0) > 0) return true;
  }
  return false;
}

/** What the folder holds, after removing what a dead process left: drafts, and indexes without a segment. */
async function survey(
  { disk, dir }: PartitionLogOptions,
  names: readonly string[],
): Promise<{ bases: number[]; snapshots: number[] }> {
  const files = names.map((name) => ({ name, parsed: parseSegmentFileName(name) }));
  const bases = new Set(files.flatMap(({ parsed }) => (parsed?.suffix === 'log' ? [parsed.baseOffset] : [])));
  const snapshots: number[] = [];
  for (const { name, parsed } of files) {
    const isIndex = parsed?.suffix === 'index' || parsed?.suffix === 'timeindex';
    if (isDraft(name) || (isIndex && !bases.has(parsed.baseOffset))) await disk.removeFile(`${dir}/${name}`);
    if (parsed?.suffix === 'snapshot') snapshots.push(parsed.baseOffset);
  }
  const ascending = (a: number, b: number) => a - b;
  return { bases: [...bases].sort(ascending), snapshots: snapshots.sort(ascending) };
}

function startEmpty(state: LogState): void {
  const { baseOffset } = state.active;
  state.logStart = baseOffset;
  state.firstBatchOffset = baseOffset;
  state.logEnd = baseOffset;
  state.recoveryPoint = baseOffset;
}

async function load(state: LogState): Promise<void> {
  const { options, context } = state;
  for (const segment of state.segments.all()) segment.size = (await context.disk.stat(segment.file.path))?.size ?? 0;
  await dropEmptySegments(state);
  state.logStart = Math.max(options.logStart, state.segments.first.baseOffset);
  state.firstBatchOffset = state.segments.first.baseOffset;
  // A deletion that was cut short may have left gaps between them.
  await removeSegmentsBelow(state, state.logStart);
  const epochs = await loadEpochs(state);
  const trusted = options.cleanShutdown && (await trust(state, epochs));
  if (!trusted && beginningIsLost(state)) {
    const { baseOffset } = state.segments.first;
    options.logger.warn(
      `${state.name}: what came before offset ${baseOffset} is lost and was never synced; emptying it`,
    );
    return restartAt(state, options.logStart);
  }
  if (!trusted) await recover(state, epochs);
  if (state.logStart > state.logEnd) {
    options.logger.warn(
      `${state.name}: the log ends at ${state.logEnd}, before its start ${state.logStart}; emptying it`,
    );
    return restartAt(state, state.logStart);
  }
  await findFirstBatch(state);
}

/** The log start may lie inside a segment, and inside a batch. */
async function findFirstBatch(state: LogState): Promise<void> {
  state.firstBatchOffset = state.logStart;
  if (state.logStart === state.segments.first.baseOffset) return;
  state.firstBatchOffset = await firstBatchOffsetAt(state, state.logStart);
  state.epochs.truncateFromStart(state.firstBatchOffset);
}

/**
 * The log doesn't reach down to its checkpointed start, and nothing of it was ever synced: a crash took its first
 * segments and left later ones. (Whoever deletes old segments makes the new start durable first.)
 */
function beginningIsLost({ segments, options }: LogState): boolean {
  return segments.first.baseOffset > options.logStart && options.recoveryPoint <= options.logStart;
}

/** A segment that was made and never written to would hide the one before it. (The last may be written to yet.) */
async function dropEmptySegments(state: LogState): Promise<void> {
  for (const segment of [...state.segments.all()]) {
    if (segment.size > 0 || segment === state.active || segment === state.segments.first) continue;
    await segment.remove();
    state.segments.remove(segment);
  }
}

/** Takes the files as they are. False when they contradict a clean shutdown. */
async function trust(state: LogState, epochs: LeaderEpochs | null): Promise<boolean> {
  const { nextOffset, damage } = await state.active.activate();
  if (damage !== null) {
    const { logger } = state.options;
    logger.warn(`${state.name}: closed cleanly, but ${state.active.file.path} is damaged (${damage}); recovering it`);
    return false;
  }
  state.logEnd = nextOffset;
  state.recoveryPoint = nextOffset;
  await removeSnapshots(state, (at) => at > nextOffset);
  state.epochs = epochs ?? (await epochsFromHeaders(state, nextOffset));
  state.epochs.truncateFromEnd(nextOffset);
  state.epochsDirty = epochs === null && nextOffset > state.segments.first.baseOffset;
  state.producers = await loadProducers(state, nextOffset);
  return true;
}

/** Null when there is no usable file. */
async function loadEpochs(state: LogState): Promise<LeaderEpochs | null> {
  try {
    return await readLeaderEpochs(state.context.disk, state.options.dir);
  } catch (error) {
    state.options.logger.warn(`${state.name}: the leader epochs are unusable, reading the log instead`, { error });
    return null;
  }
}
