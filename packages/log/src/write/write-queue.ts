import { type BatchHeader, lastOffset, OttlaError } from '@ottla/protocol';
import { Deferred } from '@ottla/runtime';
import type { LogState } from '../partition/log-state';
import type { AppendResult } from '../partition/types';
import { Segment } from '../segment/segment';
import type { Flusher } from './flusher';

interface QueuedAppend {
  readonly kind: 'append';
  readonly bytes: Uint8Array;
  readonly headers: readonly BatchHeader[];
  /** Where its caller believes the log to end. */
  readonly expectedEnd: number;
  /** Its first batch that is not yet confirmed, and where that is in `bytes`. */
  nextHeader: number;
  nextByte: number;
  readonly done: Deferred<AppendResult>;
  /** Some of it is being written. */
  inFlight: boolean;
}

interface QueuedTask {
  readonly kind: 'task';
  readonly run: () => Promise<void>;
}

/** Some or all batches of an append that go out in one write. */
interface Piece {
  readonly append: QueuedAppend;
  readonly bytes: Uint8Array;
  readonly headers: readonly BatchHeader[];
}

const MAX_QUEUED_APPENDS = 10_000;
const MAX_QUEUED_BYTES = 128 * 1024 * 1024;
const MAX_WRITE_BYTES = 8 * 1024 * 1024;
/** As many as one writev takes. */
const MAX_WRITE_CHUNKS = 1024;

const MAX_INT32 = 0x7fffffff;

/** A segment begins where the one before it ends, unless its indexes couldn't hold the offset of its first batch then. */
function baseFor(next: BatchHeader, logEnd: number): number {
  return lastOffset(next) - logEnd > MAX_INT32 ? next.baseOffset : logEnd;
}

/** What goes out of an append now: up to `stop` in its bytes, `nextHeader` in its headers. */
function pieceOf(append: QueuedAppend, stop: number, nextHeader: number): Piece {
  const whole = append.nextByte === 0 && stop === append.bytes.length;
  if (whole) return { append, bytes: append.bytes, headers: append.headers };
  return {
    append,
    bytes: append.bytes.subarray(append.nextByte, stop),
    headers: append.headers.slice(append.nextHeader, nextHeader),
  };
}

/**
 * The only writer of a log. What is appended while a write is in flight waits, and then goes out in one write; what
 * changes the log otherwise takes its turn in the same line.
 */
export class WriteQueue {
  readonly #state: LogState;
  readonly #flusher: Flusher;
  #queue: (QueuedAppend | QueuedTask)[] = [];
  #queuedBytes = 0;
  #running = false;

  constructor(state: LogState, flusher: Flusher) {
    this.#state = state;
    this.#flusher = flusher;
  }

  append(bytes: Uint8Array, headers: readonly BatchHeader[], expectedEnd: number): Promise<AppendResult> {
    const full = this.#queuedBytes + bytes.length > MAX_QUEUED_BYTES || this.#queue.length >= MAX_QUEUED_APPENDS;
    if (full && this.#queuedBytes > 0) return Promise.reject(this.#full());
    const done = new Deferred<AppendResult>();
    this.#queue.push({
      kind: 'append',
      bytes,
      headers,
      expectedEnd,
      nextHeader: 0,
      nextByte: 0,
      done,
      inFlight: false,
    });
    this.#queuedBytes += bytes.length;
    this.#start();
    return done.promise;
  }

  /** Runs `task` when everything queued before it is done, while nothing else writes. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const done = new Deferred<T>();
    this.#queue.push({ kind: 'task', run: () => task().then(done.resolve.bind(done), done.reject.bind(done)) });
    this.#start();
    return done.promise;
  }

  /** Fails every append that waits; one that is being written is finished. */
  refuseWaiting(error: OttlaError): void {
    this.#refuseWhere((append) => !append.inFlight, error);
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
      if (item.kind === 'task') {
        this.#queue.shift();
        await item.run();
        continue;
      }
      try {
        this.#state.requireUsable();
        await this.#writeNext(item);
      } catch (error) {
        await this.#fail(error);
      }
    }
    this.#running = false;
  }

  async #writeNext(first: QueuedAppend): Promise<void> {
    const state = this.#state;
    if (first.nextHeader === 0 && first.expectedEnd !== state.logEnd) {
      this.#refuse(first);
      return;
    }
    const now = state.options.clock.wall();
    const next = first.headers[first.nextHeader] as BatchHeader;
    if (state.active.shouldRoll(next, now)) await this.#roll(baseFor(next, state.logEnd));
    const pieces = this.#plan(now);
    for (const { append } of pieces) append.inFlight = true;
    await state.active.write(pieces.map(({ bytes }) => bytes));
    const lastHeader = pieces.at(-1)?.headers.at(-1) as BatchHeader;
    const synced = this.#flusher.isDue(lastOffset(lastHeader) + 1);
    if (synced) await this.#flusher.syncActive();
    let complete = 0;
    for (const piece of pieces) if (this.#confirm(piece)) complete++;
    this.#queue.splice(0, complete);
    this.#flusher.afterAppend(synced);
  }

  /** As much of the line's beginning as goes into the active segment in one write. */
  #plan(now: number): Piece[] {
    const { active } = this.#state;
    const ahead = { bytes: 0, firstTimestamp: null as number | null };
    const pieces: Piece[] = [];
    let end = this.#state.logEnd;
    for (const append of this.#queue) {
      if (append.kind === 'task' || pieces.length >= MAX_WRITE_CHUNKS || ahead.bytes >= MAX_WRITE_BYTES) break;
      if (append.nextHeader === 0 && append.expectedEnd !== end) break;
      let at = append.nextHeader;
      const start = append.nextByte;
      let stop = start;
      for (; at < append.headers.length; at++) {
        const header = append.headers[at] as BatchHeader;
        if (active.shouldRoll(header, now, ahead)) break;
        ahead.firstTimestamp ??= header.maxTimestamp;
        ahead.bytes += header.batchLength;
        stop += header.batchLength;
        end = lastOffset(header) + 1;
      }
      if (stop === start) break;
      pieces.push(pieceOf(append, stop, at));
      if (at < append.headers.length) break;
    }
    return pieces;
  }

  /** Whether the append is complete. */
  #confirm({ append, bytes, headers }: Piece): boolean {
    const state = this.#state;
    for (const header of headers) {
      state.active.accept(header);
      if (state.epochs.latest()?.epoch !== header.partitionLeaderEpoch && header.partitionLeaderEpoch >= 0) {
        if (state.epochs.assign(header.partitionLeaderEpoch, header.baseOffset)) state.epochsDirty = true;
      }
      if (header.producerId >= 0) state.producers.record(header);
      state.logEnd = lastOffset(header) + 1;
    }
    state.tail.add(bytes, headers);
    append.nextHeader += headers.length;
    append.nextByte += bytes.length;
    append.inFlight = false;
    this.#queuedBytes -= bytes.length;
    if (append.nextHeader < append.headers.length) return false;
    append.done.resolve({ endOffset: state.logEnd });
    return true;
  }

  /** Closes the active segment and begins one at `baseOffset`. */
  async #roll(baseOffset: number): Promise<void> {
    const state = this.#state;
    const old = state.active;
    const segment = new Segment(state.context, baseOffset, state.options.clock.wall());
    if (old.size > 0) await old.seal();
    await segment.create();
    state.namesDirty = true;
    if (old.size === 0) return this.#replaceEmpty(old, segment);
    state.segments.add(segment);
    state.producers.expire(state.options.clock.wall());
    state.rolled.push({ segment: old, producers: state.producers.toSnapshot() });
    await this.#flusher.afterRoll();
  }

  /** The offsets jumped so far that an empty segment can't hold them; the first one stays, as the log's beginning. */
  async #replaceEmpty(old: Segment, segment: Segment): Promise<void> {
    const { segments } = this.#state;
    const isFirst = segments.first === old;
    if (!isFirst) segments.pop();
    segments.add(segment);
    if (!isFirst) await old.remove();
  }

  #refuseWhere(which: (append: QueuedAppend) => boolean, error: OttlaError): void {
    const kept: (QueuedAppend | QueuedTask)[] = [];
    const refused: QueuedAppend[] = [];
    for (const item of this.#queue) {
      if (item.kind === 'append' && which(item)) refused.push(item);
      else kept.push(item);
    }
    this.#queue = kept;
    for (const append of refused) {
      this.#queuedBytes -= append.bytes.length - append.nextByte;
      append.done.reject(error);
    }
  }

  /** A write failed: cuts what it left, then fails every append that waits, since they all build on it. */
  async #fail(cause: unknown): Promise<void> {
    const state = this.#state;
    if (state.failure === null && !state.closed) {
      try {
        await state.active.cut();
        await state.syncFile(state.active.file);
      } catch (error) {
        state.goOffline(error, 'cut-failed', 'what a failed write left could not be cut off');
      }
    }
    this.#refuseWhere(() => true, state.failure ?? this.#failed(cause));
  }

  #refuse(append: QueuedAppend): void {
    this.#queue.shift();
    this.#queuedBytes -= append.bytes.length;
    const { name, logEnd } = this.#state;
    const message = `${name}: an append at offset ${append.expectedEnd} was refused, the log ends at ${logEnd}`;
    append.done.reject(new OttlaError('KAFKA_STORAGE_ERROR', message));
  }

  #failed(cause: unknown): OttlaError {
    const { name, logEnd } = this.#state;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${name}: nothing was appended at offset ${logEnd}: ${reason}`;
    return new OttlaError('KAFKA_STORAGE_ERROR', message, { cause });
  }

  #full(): OttlaError {
    const message = `${this.#state.name}: ${this.#queue.length} appends (${this.#queuedBytes} bytes) wait for the disk`;
    return new OttlaError('KAFKA_STORAGE_ERROR', `${message}; it is too slow for this load`);
  }
}
