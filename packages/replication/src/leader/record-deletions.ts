import type { ErrorName } from '@ottla/protocol';
import type { Core } from '../core';
import { lowWatermarkOf } from '../rules/low-watermark';
import type { DeleteRecords, PartitionRecord } from '../types';
import type { Followers } from './followers';

/**
 * The deletions of records that one leader epoch was asked for: carried out on the leader's log at once, answered when
 * every replica in sync or connected has followed.
 */
export class RecordDeletions {
  private pending: DeleteRecords[] = [];

  constructor(
    private readonly core: Core,
    private readonly followers: Followers,
  ) {}

  onDeleteRecords(request: DeleteRecords): void {
    const { log, options } = this.core;
    const offset = request.offset === -1 ? log.highWatermark : request.offset;
    if (offset < 0 || offset > log.highWatermark) {
      const range = `0 to the high watermark ${log.highWatermark}`;
      this.refuse(request, 'OFFSET_OUT_OF_RANGE', `records can't be deleted before ${request.offset}: give ${range}`);
    } else if (this.pending.length >= options.maxPendingProduces) {
      this.refuse(
        request,
        'THROTTLING_QUOTA_EXCEEDED',
        `${this.pending.length} deletions are waiting, try again later`,
      );
    } else this.pending.push({ ...request, offset });
  }

  /** After every input: orders the deletion, answers those that every replica has followed. */
  flush(record: PartitionRecord): void {
    if (this.pending.length === 0) return;
    const { log } = this.core;
    const offset = this.pending.reduce((furthest, request) => Math.max(furthest, request.offset), 0);
    if (log.mayStartAt(offset)) {
      log.beginMoveOfStart();
      this.core.emit({ type: 'log-start', offset });
    }
    const lowWatermark = lowWatermarkOf(log.logStart, this.followers.inSyncOrConnected(record));
    for (const { requestId } of this.take((request) => request.offset <= lowWatermark)) {
      this.core.emit({ type: 'records-deleted', requestId, error: null, message: null, lowWatermark });
    }
  }

  /** The leader's own log could not be made to begin later. */
  failUndone(reason: string): void {
    const { logStart } = this.core.log;
    for (const request of this.take(({ offset }) => offset > logStart)) {
      this.refuse(request, 'KAFKA_STORAGE_ERROR', `records could not be deleted: ${reason}`);
    }
  }

  failExpired(): void {
    const { now } = this.core;
    for (const request of this.take(({ deadline }) => deadline <= now)) {
      this.refuse(request, 'REQUEST_TIMED_OUT', 'the records were not deleted on all replicas before the deadline');
    }
  }

  failAll(error: ErrorName, message: string): void {
    for (const request of this.take(() => true)) this.refuse(request, error, message);
  }

  nextDeadline(): number | null {
    let next: number | null = null;
    for (const { deadline } of this.pending) next = Math.min(next ?? deadline, deadline);
    return next;
  }

  private take(matches: (request: DeleteRecords) => boolean): DeleteRecords[] {
    const taken = this.pending.filter(matches);
    if (taken.length > 0) this.pending = this.pending.filter((request) => !matches(request));
    return taken;
  }

  private refuse({ requestId }: DeleteRecords, error: ErrorName, message: string): void {
    this.core.refuseDeletion(requestId, error, message);
  }
}
