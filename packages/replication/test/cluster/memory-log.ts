import { type BatchHeader, lastOffset } from '@ottla/protocol';
import { LeaderEpochs, ProducerState } from '../../src/index';

/** What a broker's log directory holds of the partition; it survives the broker's process. */
export class MemoryLog {
  batches: BatchHeader[] = [];
  logStart = 0;
  firstBatchOffset = 0;
  private emptyEnd = 0;
  /** The high watermark as last checkpointed. */
  checkpoint = 0;

  constructor(readonly logId: string) {}

  get logEnd(): number {
    const last = this.batches.at(-1);
    return last === undefined ? this.emptyEnd : lastOffset(last) + 1;
  }

  append(headers: readonly BatchHeader[]): void {
    for (const header of headers) {
      if (header.baseOffset !== this.logEnd) {
        throw new Error(`log ${this.logId}: append at ${header.baseOffset}, the end is ${this.logEnd}`);
      }
      this.batches.push(header);
    }
  }

  truncate(offset: number): void {
    this.batches = this.batches.filter((header) => lastOffset(header) < offset);
    if (this.batches.length === 0) this.emptyEnd = this.firstBatchOffset;
    this.logStart = Math.min(this.logStart, this.logEnd);
    this.firstBatchOffset = Math.min(this.firstBatchOffset, this.logEnd);
    this.checkpoint = Math.min(this.checkpoint, this.logEnd);
  }

  restartAt(offset: number): void {
    this.batches = [];
    this.logStart = offset;
    this.firstBatchOffset = offset;
    this.emptyEnd = offset;
    this.checkpoint = offset;
  }

  /** Deletes what lies before `offset`; a batch in which it lies stays whole. */
  deleteBefore(offset: number): void {
    if (offset <= this.logStart) return;
    this.emptyEnd = this.logEnd;
    this.batches = this.batches.filter((header) => lastOffset(header) >= offset);
    this.logStart = offset;
    this.firstBatchOffset = Math.min(offset, this.batches[0]?.baseOffset ?? offset);
  }

  /** Whole batches of [from, upTo). */
  read(from: number, upTo: number, maxBytes: number, atLeastOne: boolean): BatchHeader[] {
    const found: BatchHeader[] = [];
    let bytes = 0;
    for (const header of this.batches) {
      if (header.baseOffset < from || lastOffset(header) >= upTo) continue;
      bytes += header.batchLength;
      if (bytes > maxBytes && !(atLeastOne && found.length === 0)) break;
      found.push(header);
    }
    return found;
  }

  at(offset: number): BatchHeader | undefined {
    return this.batches.find((header) => header.baseOffset <= offset && lastOffset(header) >= offset);
  }

  epochs(): LeaderEpochs {
    return LeaderEpochs.from(
      this.batches.map((header) => ({ epoch: header.partitionLeaderEpoch, startOffset: header.baseOffset })),
    );
  }

  producers(): ProducerState {
    const producers = new ProducerState();
    for (const header of this.batches) producers.record(header);
    return producers;
  }
}
