import { BATCH_HEADER_BYTES, type BatchHeader, lastOffset, OttlaError, readBatchHeader } from '@ottla/protocol';
import type { Disk } from '@ottla/runtime';
import type { LogConfig } from '../config';
import type { LogResources } from '../resources/log-resources';
import type { FileLease, SharedFile } from '../resources/open-files';
import { type ScanOptions, type ScanResult, scanBatches } from './batch-scan';
import { segmentFileName } from './file-names';
import { OffsetIndex } from './offset-index';
import { NO_TIMESTAMP, TimeIndex } from './time-index';

/** What a log's segments share. */
export interface SegmentContext {
  readonly disk: Disk;
  readonly dir: string;
  readonly resources: LogResources;
  config: LogConfig;
}

/** Null when the bytes are no batch header; a scan of the segment will tell what they are. */
function timestampOf(bytes: Uint8Array): number | null {
  try {
    return readBatchHeader(bytes, 0).maxTimestamp;
  } catch (error) {
    if (error instanceof OttlaError) return null;
    throw error;
  }
}

/** Batches that will be written before the one asked about. */
export interface PlannedBatches {
  bytes: number;
  firstTimestamp: number | null;
}

const NOTHING_PLANNED: PlannedBatches = { bytes: 0, firstTimestamp: null };
const MAX_INT32 = 0x7fffffff;
/** Index entries that are only in memory are written when they come to this much. */
const PENDING_INDEX_BYTES = 64 * 1024;

/**
 * One file of batches with its two indexes. `size` covers the confirmed batches only: what lies behind it in the file is
 * being written, or about to be cut off.
 */
export class Segment {
  readonly file: SharedFile;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  size = 0;
  /** The largest timestamp of its batches; -1 when there is none. Known once the indexes are loaded. */
  maxTimestamp = NO_TIMESTAMP;
  /** The last offset of the first batch that reached `maxTimestamp`. */
  offsetOfMaxTimestamp: number;
  #firstTimestamp: number | null = null;
  #bytesSinceIndexEntry = 0;
  #indexes: Promise<void> | null = null;

  constructor(
    private readonly context: SegmentContext,
    readonly baseOffset: number,
    /** Wall time, for `segment.ms` while no batch says otherwise. */
    private readonly createdAt: number,
  ) {
    const { disk, dir, resources } = context;
    const pathOf = (suffix: 'log' | 'index' | 'timeindex') => `${dir}/${segmentFileName(baseOffset, suffix)}`;
    this.file = resources.files.file(disk, pathOf('log'));
    this.offsetIndex = new OffsetIndex(disk, pathOf('index'), baseOffset, resources);
    this.timeIndex = new TimeIndex(disk, pathOf('timeindex'), baseOffset, resources);
    this.offsetOfMaxTimestamp = baseOffset;
  }

  /** Makes the file, empty. */
  async create(): Promise<void> {
    const lease = await this.file.acquire('create');
    try {
      if ((await lease.file.size()) > 0) await lease.file.truncate(0);
    } finally {
      lease.release();
    }
    this.startIndexes();
  }

  /** Whether the next batch, behind those planned, belongs into a new segment. */
  shouldRoll(header: BatchHeader, now: number, ahead: PlannedBatches = NOTHING_PLANNED): boolean {
    const { segmentBytes, segmentMs, indexMaxBytes } = this.context.config;
    if (lastOffset(header) - this.baseOffset > MAX_INT32) return true;
    const size = this.size + ahead.bytes;
    if (size === 0) return false;
    const first = this.size === 0 ? ahead.firstTimestamp : this.#firstTimestamp;
    const waited = first !== null && first >= 0 ? header.maxTimestamp - first : now - this.createdAt;
    return (
      size + header.batchLength > segmentBytes ||
      waited > segmentMs ||
      this.offsetIndex.isFull(indexMaxBytes) ||
      this.timeIndex.isFull(indexMaxBytes)
    );
  }

  /** The batch at the end, `size`, is in the file. */
  accept(header: BatchHeader): void {
    if (this.size === 0) this.#firstTimestamp = header.maxTimestamp;
    this.#index(header, this.size);
    this.size += header.batchLength;
  }

  lease(): Promise<FileLease> {
    return this.file.acquire();
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.file.read(into, position);
  }

  /** Writes behind the confirmed end. */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    if (this.offsetIndex.pendingBytes + this.timeIndex.pendingBytes > PENDING_INDEX_BYTES) await this.persistIndexes();
    await this.file.use((file) => file.write(chunks, this.size));
  }

  /** Cuts the file to `size`. */
  async cut(): Promise<void> {
    await this.file.use((file) => file.truncate(this.size));
  }

  scan(
    options: Omit<ScanOptions, 'to'> & { to?: number },
    visit: (header: BatchHeader, position: number) => boolean,
  ): Promise<ScanResult> {
    const read = (into: Uint8Array, position: number) => this.read(into, position);
    return scanBatches(read, { to: this.size, ...options }, visit);
  }

  /** Makes the indexes ready for look-ups; one that is missing, damaged or points beyond the file is made again. */
  ready(): Promise<void> {
    this.#indexes ??= this.#loadIndexes().catch((error) => {
      this.#indexes = null;
      throw error;
    });
    return this.#indexes;
  }

  /** Begins empty indexes, which `accept` fills. */
  startIndexes(): void {
    this.offsetIndex.reset();
    this.timeIndex.reset();
    this.maxTimestamp = NO_TIMESTAMP;
    this.offsetOfMaxTimestamp = this.baseOffset;
    this.#bytesSinceIndexEntry = 0;
    this.#indexes = Promise.resolve();
  }

  /**
   * Makes the segment ready to be appended to: reads the batches behind its last index entry. Gives the offset behind its
   * last batch, and what is wrong with the bytes behind that, if anything.
   */
  async activate(): Promise<{ nextOffset: number; damage: string | null }> {
    await this.ready();
    await this.loadFirstTimestamp();
    this.maxTimestamp = this.timeIndex.last?.timestamp ?? NO_TIMESTAMP;
    this.offsetOfMaxTimestamp = this.timeIndex.last?.offset ?? this.baseOffset;
    const from = this.offsetIndex.last?.position ?? 0;
    let nextOffset = this.baseOffset;
    const { position, damage } = await this.scan({ from, verify: false }, (header) => {
      this.#noteTimestamp(header);
      nextOffset = lastOffset(header) + 1;
      return true;
    });
    this.#bytesSinceIndexEntry = position - from;
    return { nextOffset, damage };
  }

  /** The timestamp of the first batch; null when the segment is empty, or doesn't begin with a batch. */
  async loadFirstTimestamp(): Promise<number | null> {
    if (this.#firstTimestamp === null && this.size >= BATCH_HEADER_BYTES) {
      const bytes = new Uint8Array(BATCH_HEADER_BYTES);
      await this.read(bytes, 0);
      this.#firstTimestamp = timestampOf(bytes);
    }
    return this.#firstTimestamp;
  }

  /** The largest timestamp, without loading an index where that can be avoided. */
  async largestTimestamp(): Promise<number> {
    if (this.#indexes !== null || this.maxTimestamp === NO_TIMESTAMP) {
      const last = this.#indexes === null ? await this.timeIndex.readLast() : null;
      if (last === null) await this.ready();
      else this.maxTimestamp = last.timestamp;
    }
    return this.maxTimestamp;
  }

  /** The segment is complete, or its log is closed: the time index gets its last entry, and both files hold everything. */
  async seal(): Promise<void> {
    await this.ready();
    this.timeIndex.maybeAppend(this.maxTimestamp, this.offsetOfMaxTimestamp);
    await this.persistIndexes();
  }

  /** The index files hold everything that is known. */
  get indexesPersisted(): boolean {
    return this.offsetIndex.isPersisted && this.timeIndex.isPersisted;
  }

  async persistIndexes(): Promise<void> {
    await this.offsetIndex.persist();
    await this.timeIndex.persist();
  }

  /** The files that must be durable before anything below the segment's end is called so. */
  get files(): readonly SharedFile[] {
    return [this.file, this.offsetIndex.file, this.timeIndex.file];
  }

  /** Cuts at the beginning of the batch at `position`; `nextOffset` is the offset that the log now ends with. */
  async truncate(position: number, nextOffset: number): Promise<void> {
    await this.ready();
    this.size = position;
    await this.offsetIndex.truncate(position);
    await this.timeIndex.truncate(nextOffset);
    if (position === 0) this.#firstTimestamp = null;
    await this.cut();
    await this.activate();
  }

  /** For good; what reads it by a lease goes on. */
  async close(): Promise<void> {
    await Promise.all([this.file.close(), this.offsetIndex.close(), this.timeIndex.close()]);
  }

  /** Removes the files; the log itself first, so that what is left of the others is known to be an orphan. */
  async remove(): Promise<void> {
    await this.file.close();
    await this.context.disk.removeFile(this.file.path);
    await this.offsetIndex.remove();
    await this.timeIndex.remove();
  }

  #index(header: BatchHeader, position: number): void {
    this.#noteTimestamp(header);
    if (this.#bytesSinceIndexEntry > this.context.config.indexIntervalBytes) {
      this.offsetIndex.append(lastOffset(header), position);
      this.timeIndex.maybeAppend(this.maxTimestamp, this.offsetOfMaxTimestamp);
      this.#bytesSinceIndexEntry = 0;
    }
    this.#bytesSinceIndexEntry += header.batchLength;
  }

  #noteTimestamp(header: BatchHeader): void {
    if (header.maxTimestamp <= this.maxTimestamp) return;
    this.maxTimestamp = header.maxTimestamp;
    this.offsetOfMaxTimestamp = lastOffset(header);
  }

  async #loadIndexes(): Promise<void> {
    const offsets = await this.offsetIndex.load(({ position }) => position < this.size);
    const times = offsets && (await this.timeIndex.load(() => true));
    if (times) {
      this.maxTimestamp = this.timeIndex.last?.timestamp ?? NO_TIMESTAMP;
      this.offsetOfMaxTimestamp = this.timeIndex.last?.offset ?? this.baseOffset;
      return;
    }
    await this.#rebuildIndexes();
  }

  async #rebuildIndexes(): Promise<void> {
    this.offsetIndex.reset();
    this.timeIndex.reset();
    this.maxTimestamp = NO_TIMESTAMP;
    this.#bytesSinceIndexEntry = 0;
    await this.scan({ from: 0, verify: false }, (header, position) => {
      this.#index(header, position);
      return true;
    });
    this.timeIndex.maybeAppend(this.maxTimestamp, this.offsetOfMaxTimestamp);
    await this.persistIndexes();
  }
}
