import { type BatchHeader, type ErrorName, OttlaError } from '@ottla/protocol';
import type { Core } from '../core';
import { isAcknowledged, isDuplicateAcknowledged } from '../rules/acknowledgement';
import { hasMinimum } from '../rules/isr';
import type { AppendFailed, PartitionRecord, Produce } from '../types';
import { PendingProduces } from './pending-produces';

type SequenceResult =
  | { kind: 'new' }
  | { kind: 'duplicate'; baseOffset: number; lastOffset: number }
  | { kind: 'error'; error: OttlaError };

/** The produce requests of one leader epoch: from their admission to their answer. */
export class Produces {
  private readonly pending = new PendingProduces();
  /** Produces that came before the epoch had its start. */
  private parked: Produce[] = [];

  constructor(
    private readonly core: Core,
    private readonly record: () => PartitionRecord,
  ) {}

  /** Appends the batches, or refuses them with an error that clients retry. */
  admit(produce: Produce): void {
    if (!this.refuseWhenFull(produce)) this.append(produce);
  }

  /** As `admit`, once the epoch has its start. */
  park(produce: Produce): void {
    if (!this.refuseWhenFull(produce)) this.parked.push(produce);
  }

  admitParked(): void {
    const parked = this.parked;
    this.parked = [];
    for (const produce of parked) this.append(produce);
  }

  /** Nothing is answered to acks=0, refusals included. */
  refuse({ requestId, acks }: Produce, error: ErrorName, message: string): void {
    if (acks !== 0) this.core.refuse(requestId, error, message);
  }

  /** Answers what the log end or the high watermark has reached. */
  acknowledge(): void {
    const { log } = this.core;
    const satisfied = this.pending.takeSatisfied(({ acks, endOffset }) => isAcknowledged(acks, endOffset, log));
    for (const { requestId, baseOffset } of satisfied) this.core.acknowledge(requestId, baseOffset);
  }

  /** The log was cut back: what lay behind its end is lost. */
  failUnwritten({ endOffset, reason }: AppendFailed): void {
    for (const { requestId } of this.pending.take((produce) => produce.endOffset > endOffset)) {
      this.core.refuse(requestId, 'KAFKA_STORAGE_ERROR', `the batch could not be written: ${reason}`);
    }
  }

  /** The ISR has shrunk below the minimum while these waited. */
  failBelowMinimum(): void {
    for (const { requestId } of this.pending.take(({ acks }) => acks === -1)) {
      this.core.refuse(requestId, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', this.belowMinimum());
    }
  }

  failExpired(): void {
    const { now } = this.core;
    for (const { requestId } of this.pending.takeExpired(now)) {
      const message = 'the batch was appended; it did not reach all in-sync replicas before the deadline';
      this.core.refuse(requestId, 'REQUEST_TIMED_OUT', message);
    }
    for (const produce of this.parked.filter(({ deadline }) => deadline <= now)) {
      this.refuse(produce, 'REQUEST_TIMED_OUT', 'the leader could not begin its epoch before the deadline');
    }
    this.parked = this.parked.filter(({ deadline }) => deadline > now);
  }

  failAll(error: ErrorName, message: string): void {
    for (const { requestId } of this.pending.take(() => true)) this.core.refuse(requestId, error, message);
    for (const produce of this.parked) this.refuse(produce, error, message);
    this.parked = [];
  }

  nextDeadline(): number | null {
    let next = this.pending.nextDeadline();
    for (const { deadline } of this.parked) next = Math.min(next ?? deadline, deadline);
    return next;
  }

  private append(produce: Produce): void {
    const sequence = this.checkSequence(produce.headers);
    if (sequence.kind === 'duplicate') this.awaitOriginal(produce, sequence);
    else if (produce.acks === -1 && !hasMinimum(this.record())) {
      // Before a sequence error: behind a batch that was refused like this, the next one is no gap of its producer's.
      this.refuse(produce, 'NOT_ENOUGH_REPLICAS', this.belowMinimum());
    } else if (sequence.kind === 'error') this.refuse(produce, sequence.error.code, sequence.error.message);
    else this.appendNew(produce);
  }

  private appendNew(produce: Produce): void {
    const { log, leaderEpoch, now } = this.core;
    const baseOffset = log.nextOffset;
    const headers = atOffset(produce.headers, baseOffset, leaderEpoch);
    log.assign(headers, leaderEpoch, now);
    const { requestId } = produce;
    this.core.emit({ type: 'append', epoch: leaderEpoch, baseOffset, requestId, push: null, headers });
    this.wait(produce, baseOffset, log.nextOffset);
  }

  private awaitOriginal(produce: Produce, batch: { baseOffset: number; lastOffset: number }): void {
    const { requestId, acks } = produce;
    const endOffset = batch.lastOffset + 1;
    if (acks === 0) return;
    if (isDuplicateAcknowledged(acks, endOffset, this.core.log)) this.core.acknowledge(requestId, batch.baseOffset);
    else if (acks === -1 && !hasMinimum(this.record())) {
      this.refuse(produce, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', this.belowMinimum());
    } else this.wait(produce, batch.baseOffset, endOffset);
  }

  private checkSequence(headers: readonly BatchHeader[]): SequenceResult {
    const { log, now } = this.core;
    const [first] = headers;
    if (first === undefined) return invalid('the request holds no batch');
    if (headers.length > 1 && headers.some(({ producerId }) => producerId >= 0)) {
      return invalid('an idempotent producer sends one batch per partition in a request');
    }
    try {
      return log.producers.check(first, now, log.logStart > 0);
    } catch (error) {
      if (error instanceof OttlaError) return { kind: 'error', error };
      throw error;
    }
  }

  private wait({ requestId, acks, deadline }: Produce, baseOffset: number, endOffset: number): void {
    if (acks !== 0) this.pending.add({ requestId, acks, baseOffset, endOffset, deadline });
  }

  /**
   * Bounds what waits. NOT_ENOUGH_REPLICAS, for every client retries it, and knows by it that nothing was appended;
   * REQUEST_TIMED_OUT would leave that open. The limit is met when the replicas acknowledge more slowly than producers
   * send, so the name isn't far from the truth.
   */
  private refuseWhenFull(produce: Produce): boolean {
    const limit = this.core.options.maxPendingProduces;
    const waiting = this.pending.size + this.parked.length;
    if (Math.max(waiting, this.core.log.writesInFlight) < limit) return false;
    this.refuse(produce, 'NOT_ENOUGH_REPLICAS', `${limit} produces are waiting for replicas already, try again later`);
    return true;
  }

  private belowMinimum(): string {
    const { isr, minIsr } = this.record();
    return `in-sync replicas: ${isr.length}, min.insync.replicas: ${minIsr}`;
  }
}

function invalid(message: string): SequenceResult {
  return { kind: 'error', error: new OttlaError('INVALID_RECORD', message) };
}

function atOffset(headers: readonly BatchHeader[], baseOffset: number, partitionLeaderEpoch: number): BatchHeader[] {
  let next = baseOffset;
  return headers.map((header) => {
    const placed = { ...header, baseOffset: next, partitionLeaderEpoch };
    next += header.lastOffsetDelta + 1;
    return placed;
  });
}
