import { type BatchHeader, lastOffset, OttlaError } from '@ottla/protocol';
import type { LeaderEpochs, ProducerState } from '@ottla/replication';
import type { Codecs } from '@ottla/runtime';
import { checkLogConfig, type LogConfig } from '../config';
import { deletedFolder } from '../files/folder-names';
import { writeLeaderEpochs } from '../files/leader-epoch-file';
import { locateBatches } from '../read/locate';
import { readableEnd, readBatches } from '../read/reader';
import { findMaxTimestamp, findTimestamp } from '../read/timestamps';
import { openLogState } from '../recovery/open';
import { forEachHeader, writeSnapshot } from '../recovery/producers';
import { Flusher } from '../write/flusher';
import { advanceStart, type LogStart } from '../write/log-start';
import { restartAt, truncateTo } from '../write/truncation';
import { WriteQueue } from '../write/write-queue';
import { type LogState, parentOf } from './log-state';
import type {
  AppendResult,
  FoundTimestamp,
  LogRange,
  PartitionLogOptions,
  ReadOptions,
  ReadResult,
  TimestampOffset,
} from './types';

const HEADERS_AT_A_TIME = 512;

/**
 * One partition's log on disk. What its properties say is confirmed: the bytes are in the file, and on the platter if
 * the flush policy says so. Everything fails with `KAFKA_STORAGE_ERROR` once the log is offline or closed.
 */
export class PartitionLog {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly dir: string;
  readonly #state: LogState;
  readonly #flusher: Flusher;
  readonly #writes: WriteQueue;
  #closing: Promise<void> | null = null;

  private constructor(state: LogState) {
    const { topic, topicId, partition, dir } = state.options;
    this.topic = topic;
    this.topicId = topicId;
    this.partition = partition;
    this.dir = dir;
    this.#state = state;
    this.#flusher = new Flusher(state);
    this.#writes = new WriteQueue(state, this.#flusher);
  }

  /**
   * Opens the log in `dir`, or makes one. After an unclean shutdown everything from the recovery point on is checked and
   * a torn tail is cut. Throws `INCONSISTENT_TOPIC_ID` when the folder is another topic's.
   */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    checkLogConfig(options.config);
    return new PartitionLog(await openLogState(options));
  }

  /** The first offset that may be read. */
  get logStart(): number {
    return this.#state.logStart;
  }

  /** Base offset of the batch in which the log start lies, `logStart` itself when it lies in none; `read` begins here. */
  get firstBatchOffset(): number {
    return this.#state.firstBatchOffset;
  }

  /** The offset behind the last confirmed batch. */
  get logEnd(): number {
    return this.#state.logEnd;
  }

  /** Everything below is fsynced. */
  get recoveryPoint(): number {
    return this.#state.recoveryPoint;
  }

  /** Bytes of batches, indexes not counted. */
  get sizeBytes(): number {
    return this.#state.segments.all().reduce((sum, { size }) => sum + size, 0);
  }

  get segmentCount(): number {
    return this.#state.segments.count;
  }

  /** The epochs of the confirmed batches. Clone before changing it. */
  get epochs(): LeaderEpochs {
    return this.#state.epochs;
  }

  /** The producers of the confirmed batches. Clone before changing it. */
  get producers(): ProducerState {
    return this.#state.producers;
  }

  /** Why the log is offline; null while it works. */
  get failure(): OttlaError | null {
    return this.#state.failure;
  }

  get closed(): boolean {
    return this.#state.closed;
  }

  get config(): LogConfig {
    return this.#state.context.config;
  }

  /** Settings for what comes; segments that are closed stay as they are. */
  updateConfig(config: LogConfig): void {
    checkLogConfig(config);
    this.#state.context.config = config;
    this.#flusher.configChanged();
  }

  /** `producer.id.expiration.ms` for what comes, ms: idempotent producers are forgotten so long after their last append. */
  set producerExpirationMs(ms: number) {
    this.#state.options.producerExpirationMs = ms;
    this.#state.producers.expirationMs = ms;
  }

  /**
   * Appends whole batches whose headers carry their final offsets; `batches` must not change afterwards. Resolves when
   * they are confirmed. A failure cuts what was written, and fails everything appended behind it too; nothing is retried.
   *
   * `expectedEnd`: where the caller believes the log to end when these batches come, by default their first offset. An
   * append that is wrong about it is refused.
   */
  async append(batches: Uint8Array, headers: readonly BatchHeader[], expectedEnd?: number): Promise<AppendResult> {
    this.#state.requireUsable();
    const first = headers[0];
    if (first === undefined) return { endOffset: this.#state.logEnd };
    this.#checkBatches(batches, headers, expectedEnd ?? first.baseOffset);
    return this.#writes.append(batches, headers, expectedEnd ?? first.baseOffset);
  }

  /** Whole batches from the one that holds `fromOffset`, of one segment. Throws `OFFSET_OUT_OF_RANGE`, naming the range. */
  async read(fromOffset: number, options: ReadOptions): Promise<ReadResult> {
    return readBatches(this.#state, fromOffset, options);
  }

  /** As `read`, but where the bytes are; null when there are none. The caller must release what it gets. */
  async locate(fromOffset: number, options: ReadOptions): Promise<LogRange | null> {
    return locateBatches(this.#state, fromOffset, options);
  }

  /** The first record whose timestamp is `timestamp` (ms) or later; null when there is none. Opens one batch. */
  async offsetForTimestamp(timestamp: number, codecs: Codecs): Promise<FoundTimestamp | null> {
    return findTimestamp(this.#state, timestamp, codecs);
  }

  /**
   * The first record with the largest timestamp (KIP-734), -1 and -1 in an empty log. Without `codecs` the offset is that
   * of the last record in its batch.
   */
  async maxTimestamp(codecs?: Codecs): Promise<TimestampOffset> {
    return findMaxTimestamp(this.#state, codecs ?? null);
  }

  /** Headers of the batches from the one that holds `from`, below `upTo`. */
  async *batchHeaders(from: number, upTo: number): AsyncGenerator<BatchHeader, void, undefined> {
    let next = from;
    for (;;) {
      const end = readableEnd(this.#state, next, upTo);
      const headers: BatchHeader[] = [];
      await forEachHeader(this.#state, next, end, (header) => headers.push(header) < HEADERS_AT_A_TIME);
      const last = headers.at(-1);
      if (last === undefined) return;
      yield* headers;
      next = lastOffset(last) + 1;
    }
  }

  /** Cuts everything from `offset` on, a batch in which it lies whole. Does nothing at or behind the end. */
  truncate(offset: number): Promise<void> {
    return this.#change(() => truncateTo(this.#state, offset));
  }

  /** Drops everything; the log is empty and begins at `offset`. */
  restartAt(offset: number): Promise<void> {
    return this.#change(() => restartAt(this.#state, offset));
  }

  /**
   * Nothing below `offset`, at most the end, is read any more: durable when this resolves. The batch in which it lies is
   * kept; segments that lie below it whole are removed. When it can't be made durable the log stays as it was.
   */
  advanceStart(offset: number): Promise<LogStart> {
    return this.#change(() => advanceStart(this.#state, offset));
  }

  /** Resolves when everything confirmed by now is durable. A failing fsync takes the log offline. */
  async flush(): Promise<void> {
    await this.#flusher.flush();
  }

  /** Makes the folder itself durable, and whose it is; costs nothing once it is. */
  async syncFolder(): Promise<void> {
    await this.#flusher.exclusive(async () => {
      if (!this.#state.closed && this.#state.failure === null) await this.#flusher.syncFolder();
    });
  }

  /**
   * Waits for what is being written and closes the files. `clean` first makes all of it durable, indexes, epochs and
   * producers included, so that the next open can take the files as they are; when that fails the log is closed all the
   * same, and this rejects.
   */
  close({ clean }: { clean: boolean }): Promise<void> {
    this.#closing ??= this.#close(clean);
    return this.#closing;
  }

  /** Closes the log and removes its folder, which is renamed first so that a removal that is cut short leaves no log. */
  async delete(): Promise<void> {
    await this.close({ clean: false });
    const { disk } = this.#state.context;
    const parent = parentOf(this.dir);
    const doomed = `${parent}/${deletedFolder(this.dir.slice(this.dir.lastIndexOf('/') + 1), this.topicId)}`;
    await disk.remove(doomed);
    await disk.rename(this.dir, doomed);
    await disk.syncDir(parent);
    await disk.remove(doomed);
  }

  /** Runs when everything queued is written, and while nothing flushes. */
  #change<T>(task: () => Promise<T>): Promise<T> {
    return this.#writes.run(() =>
      this.#flusher.exclusive(() => {
        this.#state.requireUsable();
        return task();
      }),
    );
  }

  async #close(clean: boolean): Promise<void> {
    const state = this.#state;
    if (!clean)
      this.#writes.refuseWaiting(new OttlaError('KAFKA_STORAGE_ERROR', `${state.name}: the log is being closed`));
    await this.#writes.run(async () => {
      try {
        if (clean && state.failure === null) await this.#seal();
      } finally {
        // Not under a running flush: the folder may be renamed next.
        await this.#flusher.exclusive(() => this.#release());
      }
    });
  }

  /** Makes everything durable that the next open relies on. */
  async #seal(): Promise<void> {
    const state = this.#state;
    const { disk } = state.context;
    await this.#flusher.flush();
    if (state.active.size > 0 && !this.#isSealed()) {
      await state.active.seal();
      for (const file of state.active.files) await state.syncFile(file);
    }
    if (state.logEnd > state.segments.first.baseOffset && state.snapshots.at(-1) !== state.logEnd) {
      state.producers.expire(state.options.clock.wall());
      await writeSnapshot(state, state.logEnd, state.producers.toSnapshot());
    }
    if (state.epochsDirty) await writeLeaderEpochs(disk, state.options.dir, state.epochs);
    state.epochsDirty = false;
    await state.syncNames();
  }

  /** Nothing happened since the last clean close: its snapshot is that of the end. */
  #isSealed(): boolean {
    const { snapshots, logEnd, active } = this.#state;
    return snapshots.at(-1) === logEnd && active.indexesPersisted;
  }

  async #release(): Promise<void> {
    const state = this.#state;
    state.closed = true;
    this.#flusher.stop();
    state.tail.clear();
    state.hints.clear();
    await Promise.all(state.segments.all().map((segment) => segment.close()));
  }

  #checkBatches(batches: Uint8Array, headers: readonly BatchHeader[], expectedEnd: number): void {
    let bytes = 0;
    let next = expectedEnd;
    for (const header of headers) {
      if (header.baseOffset < next || header.lastOffsetDelta < 0) {
        const message = `${this.#state.name}: a batch at offset ${header.baseOffset} can't follow ${next - 1}`;
        throw new OttlaError('UNKNOWN_SERVER_ERROR', message);
      }
      bytes += header.batchLength;
      next = lastOffset(header) + 1;
    }
    if (bytes === batches.length) return;
    const message = `${this.#state.name}: headers of ${bytes} bytes were given with ${batches.length} bytes of batches`;
    throw new OttlaError('UNKNOWN_SERVER_ERROR', message);
  }
}
