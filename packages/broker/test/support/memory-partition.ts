import { type BatchHeader, lastOffset, OttlaError, stampBatch } from '@ottla/protocol';
import { type ProducerSnapshotEntry, ProducerState, type ReplicaProgress } from '@ottla/replication';
import type {
  DeleteRecordsResult,
  LocalPartition,
  ProduceOptions,
  ProduceResult,
  ReadOptions,
  ReadResult,
  TimestampedOffset,
} from '../../src/services';

interface Batch {
  header: BatchHeader;
  bytes: Uint8Array;
}

interface Waiting {
  readonly upTo: number;
  resolve(): void;
}

/** A partition in memory whose high watermark and leadership a test sets. */
export class MemoryPartition implements LocalPartition {
  isLeader = true;
  isFollowing = false;
  leaderEpoch = 0;
  logStart = 0;
  logEnd = 0;
  highWatermark = 0;
  /** Follow the log's end with the high watermark at once. */
  commitAtOnce = true;
  /** What the next produce is refused with. */
  produceError: Error | null = null;
  readError: Error | null = null;
  latestError: OttlaError | null = null;
  epochs: { epoch: number; startOffset: number }[] = [{ epoch: 0, startOffset: 0 }];
  reads = 0;
  readonly batches: Batch[] = [];
  private readonly listeners = new Set<() => void>();
  private waiting: Waiting[] = [];

  constructor(
    readonly topic: string,
    readonly topicId: string,
    readonly partition: number,
  ) {}

  get lastStableOffset(): number {
    return this.highWatermark;
  }

  get sizeBytes(): number {
    return this.batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  producers(): ProducerSnapshotEntry[] {
    const state = new ProducerState();
    for (const { header } of this.batches) state.record(header);
    return state.toSnapshot();
  }

  get listenerCount(): number {
    return this.listeners.size;
  }

  latestReadable(): number {
    if (this.latestError !== null) throw this.latestError;
    return this.highWatermark;
  }

  async produce(records: Uint8Array, headers: BatchHeader[], { acks }: ProduceOptions): Promise<ProduceResult> {
    if (this.produceError !== null) throw this.produceError;
    const baseOffset = this.logEnd;
    let at = 0;
    for (const header of headers) {
      header.baseOffset = this.logEnd;
      stampBatch(records, at, this.logEnd, this.leaderEpoch);
      this.batches.push({ header, bytes: records.slice(at, at + header.batchLength) });
      at += header.batchLength;
      this.logEnd = lastOffset(header) + 1;
    }
    if (this.commitAtOnce) this.commit(this.logEnd);
    if (acks === -1) await this.committed(this.logEnd);
    return { baseOffset, logStart: this.logStart };
  }

  async deleteRecords(offset: number): Promise<DeleteRecordsResult> {
    if (!this.isLeader) throw new OttlaError('NOT_LEADER_OR_FOLLOWER', 'not the leader');
    const upTo = offset === -1 ? this.highWatermark : offset;
    if (upTo < 0 || upTo > this.highWatermark) throw new OttlaError('OFFSET_OUT_OF_RANGE', `${offset} is out of range`);
    this.logStart = Math.max(this.logStart, upTo);
    return { lowWatermark: this.logStart };
  }

  async read(fromOffset: number, options: ReadOptions): Promise<ReadResult> {
    this.reads += 1;
    if (this.readError !== null) throw this.readError;
    if (!this.isLeader && !(options.fromFollower && this.isFollowing)) {
      throw new OttlaError('NOT_LEADER_OR_FOLLOWER', 'not the leader');
    }
    if (fromOffset < this.logStart || fromOffset > this.logEnd) {
      throw new OttlaError('OFFSET_OUT_OF_RANGE', `${fromOffset} is not in ${this.logStart} to ${this.logEnd}`);
    }
    const chunks: Uint8Array[] = [];
    let byteLength = 0;
    for (const { header, bytes } of this.batches) {
      if (lastOffset(header) < fromOffset || header.baseOffset >= this.highWatermark) continue;
      const first = chunks.length === 0 && options.atLeastOne;
      if (!first && byteLength + bytes.length > options.maxBytes) break;
      chunks.push(bytes);
      byteLength += bytes.length;
    }
    const { highWatermark, lastStableOffset, logStart } = this;
    return { chunks, byteLength, highWatermark, lastStableOffset, logStart };
  }

  async readForLoad(fromOffset: number, maxBytes: number) {
    if (this.readError !== null) throw this.readError;
    const records: Uint8Array[] = [];
    let endOffset = fromOffset;
    let byteLength = 0;
    for (const { header, bytes } of this.batches) {
      if (lastOffset(header) < fromOffset) continue;
      if (records.length > 0 && byteLength + bytes.length > maxBytes) break;
      records.push(bytes);
      byteLength += bytes.length;
      endOffset = lastOffset(header) + 1;
    }
    return { records, endOffset };
  }

  onAdvance(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    const index = this.epochs.filter((entry) => entry.epoch <= epoch).length - 1;
    const found = this.epochs[index];
    if (found === undefined) return { epoch: -1, endOffset: -1 };
    return { epoch: found.epoch, endOffset: this.epochs[index + 1]?.startOffset ?? this.logEnd };
  }

  epochAt(offset: number): number {
    return this.epochs.filter((entry) => entry.startOffset <= offset).at(-1)?.epoch ?? -1;
  }

  async offsetForTimestamp(timestamp: number): Promise<TimestampedOffset | null> {
    const found = this.batches.find(({ header }) => header.maxTimestamp >= timestamp);
    return found === undefined ? null : this.timestamped(found);
  }

  async maxTimestamp(): Promise<TimestampedOffset> {
    const [latest] = [...this.batches].sort((a, b) => b.header.maxTimestamp - a.header.maxTimestamp);
    return latest === undefined ? { offset: -1, timestamp: -1, leaderEpoch: -1 } : this.timestamped(latest);
  }

  /** What this leader knows of the other replicas. */
  others: ReplicaProgress[] = [];

  progress(): ReplicaProgress[] {
    const { logStart, logEnd } = this;
    return [{ broker: 1, logEnd, logStart, inIsr: true, caughtUpAt: 0 }, ...this.others];
  }

  /** Moves the high watermark. */
  commit(highWatermark: number): void {
    this.highWatermark = highWatermark;
    const done = this.waiting.filter(({ upTo }) => upTo <= highWatermark);
    this.waiting = this.waiting.filter(({ upTo }) => upTo > highWatermark);
    for (const { resolve } of done) resolve();
    this.notify();
  }

  becomeLeader(epoch: number): void {
    this.isLeader = true;
    this.leaderEpoch = epoch;
    this.epochs.push({ epoch, startOffset: this.logEnd });
    this.notify();
  }

  resign(): void {
    this.isLeader = false;
    this.notify();
  }

  notify(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private committed(upTo: number): Promise<void> {
    if (this.highWatermark >= upTo) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ upTo, resolve }));
  }

  private timestamped({ header }: Batch): TimestampedOffset {
    return {
      offset: header.baseOffset,
      timestamp: header.maxTimestamp,
      leaderEpoch: this.epochAt(header.baseOffset),
    };
  }
}
