import { type BatchHeader, lastOffset } from '@ottla/protocol';
import type { Invariant } from './invariant';
import type { LeaderEpochs } from './leader-epochs';
import type { ProducerState } from './producer-state';
import { isSettled } from './rules/identity';
import type { AppendFailed, ReplicaLogState, Truncated } from './types';

interface Write {
  epoch: number;
  endOffset: number;
  bytes: number;
}

/**
 * What a replica knows of its own log. Offsets are assigned when an append is ordered and confirmed when the log has
 * written it; between the two the true end is not known. Epochs and producers include what is merely assigned.
 *
 *     firstBatchOffset <= logStart <= highWatermark <= logEnd (confirmed) <= nextOffset (assigned)
 */
export class LocalLog {
  logStart: number;
  /** Base offset of the batch in which the log start lies, the log start itself when it lies in none: followers begin here. */
  firstBatchOffset: number;
  logEnd: number;
  nextOffset: number;
  highWatermark: number;
  epochs: LeaderEpochs;
  producers: ProducerState;
  /** Ordered and not reported yet, in log order. */
  private readonly writes: Write[] = [];
  private isBeingCut = false;
  private isStartMoving = false;

  constructor(
    state: ReplicaLogState,
    private readonly invariant: Invariant,
  ) {
    invariant(
      state.firstBatchOffset <= state.logStart,
      `first batch ${state.firstBatchOffset} lies behind log start ${state.logStart}`,
    );
    invariant(state.logStart <= state.logEnd, `log start ${state.logStart} lies behind log end ${state.logEnd}`);
    this.logStart = state.logStart;
    this.firstBatchOffset = state.firstBatchOffset;
    this.logEnd = state.logEnd;
    this.nextOffset = state.logEnd;
    this.highWatermark = Math.min(Math.max(state.highWatermark, state.logStart), state.logEnd);
    this.epochs = state.epochs;
    this.producers = state.producers;
  }

  get writesInFlight(): number {
    return this.writes.length;
  }

  /** Whether writes of this epoch are in flight. Those of an earlier one would have had to end first. */
  isWriting(epoch: number): boolean {
    return this.writes[0]?.epoch === epoch;
  }

  /** Whether the log's true end is known: nothing is being written or cut. */
  get settled(): boolean {
    return isSettled(this.writes.length, this.isBeingCut);
  }

  /** Leader epoch of the last batch, -1 when the log holds none. */
  get lastEpoch(): number {
    if (this.logEnd === this.logStart) return -1;
    const epoch = this.epochs.epochAt(this.logEnd - 1);
    this.invariant(epoch >= 0, `no leader epoch is known for offset ${this.logEnd - 1}`);
    return epoch;
  }

  /** Takes batches with final offsets and epochs as the next part of the log; their write is in flight from now on. */
  assign(headers: readonly BatchHeader[], epoch: number, now: number): void {
    this.invariant(!this.isBeingCut, 'an append was ordered while the log is being cut');
    let bytes = 0;
    for (const header of headers) {
      this.invariant(header.baseOffset === this.nextOffset, `batch at ${header.baseOffset}, not at ${this.nextOffset}`);
      this.epochs.assign(header.partitionLeaderEpoch, header.baseOffset);
      this.producers.record(header, now);
      this.nextOffset = lastOffset(header) + 1;
      bytes += header.batchLength;
    }
    this.invariant(Number.isSafeInteger(this.nextOffset), 'the log has run out of offsets');
    this.writes.push({ epoch, endOffset: this.nextOffset, bytes });
  }

  /** The log has written everything below `endOffset`. Returns the bytes of the writes that this confirms. */
  confirm(endOffset: number): number {
    this.invariant(endOffset <= this.nextOffset, `written to ${endOffset}, ordered only to ${this.nextOffset}`);
    let bytes = 0;
    while (this.writes.length > 0 && this.writes[0]!.endOffset <= endOffset) bytes += this.writes.shift()!.bytes;
    this.logEnd = Math.max(this.logEnd, endOffset);
    return bytes;
  }

  /**
   * The writes in flight failed and the log was cut back. What had been assigned is forgotten with them: a producer
   * that sends such a batch again isn't sending a duplicate.
   */
  dropUnconfirmed(failed: AppendFailed): void {
    this.invariant(
      failed.endOffset >= this.logEnd && failed.endOffset <= this.nextOffset,
      `a failed write left the end at ${failed.endOffset}, outside [${this.logEnd}, ${this.nextOffset}]`,
    );
    this.writes.length = 0;
    this.endAt(failed.endOffset);
    this.epochs = failed.epochs;
    this.producers = failed.producers;
  }

  beginCut(): void {
    this.invariant(this.settled, 'the log is to be cut while its end is not settled');
    this.isBeingCut = true;
  }

  /** The log was cut; the high watermark can't stay above its end. */
  finishTruncation(result: Truncated): void {
    this.invariant(this.isBeingCut, `truncated to ${result.endOffset} unasked`);
    this.invariant(result.endOffset <= this.logEnd, `truncated to ${result.endOffset}, behind the end ${this.logEnd}`);
    this.isBeingCut = false;
    this.endAt(result.endOffset);
    this.logStart = Math.min(this.logStart, result.endOffset);
    this.firstBatchOffset = Math.min(this.firstBatchOffset, result.endOffset);
    this.highWatermark = Math.min(this.highWatermark, result.endOffset);
    this.epochs = result.epochs;
    this.producers = result.producers;
  }

  /** The log was emptied and goes on from `offset`. */
  finishRestart(offset: number, epochs: LeaderEpochs, producers: ProducerState): void {
    this.invariant(this.isBeingCut, `restarted at ${offset} unasked`);
    this.isBeingCut = false;
    this.logStart = offset;
    this.firstBatchOffset = offset;
    this.endAt(offset);
    this.highWatermark = offset;
    this.epochs = epochs;
    this.producers = producers;
  }

  /** Whether the log may be told to begin at `offset`: one order at a time, and only committed records are deleted. */
  mayStartAt(offset: number): boolean {
    return !this.isStartMoving && !this.isBeingCut && offset > this.logStart && offset <= this.highWatermark;
  }

  beginMoveOfStart(): void {
    this.isStartMoving = true;
  }

  /** The log is as it was. */
  failMoveOfStart(): void {
    this.isStartMoving = false;
  }

  /** What lies before `logStart` was deleted: only committed records are. */
  startAt(logStart: number, firstBatchOffset: number): void {
    this.isStartMoving = false;
    this.invariant(
      firstBatchOffset <= logStart && logStart <= this.logEnd,
      `log start ${logStart}, with its batch at ${firstBatchOffset}, lies behind the end ${this.logEnd}`,
    );
    if (logStart <= this.logStart) return;
    this.logStart = logStart;
    this.firstBatchOffset = firstBatchOffset;
    this.highWatermark = Math.max(this.highWatermark, logStart);
    this.epochs.truncateFromStart(firstBatchOffset);
  }

  private endAt(offset: number): void {
    this.logEnd = offset;
    this.nextOffset = offset;
  }
}
