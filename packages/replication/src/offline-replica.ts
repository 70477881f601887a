import type { Core } from './core';
import { roleIn } from './rules/identity';
import type { ReplicaInput } from './types';

const RESIGN_AGAIN_MS = 1000;

/**
 * A replica whose log can't be used, for good. All that is left to do is to say so, and, while the record still names
 * it as the leader, to ask its host to give up leadership, again and again.
 */
export class OfflineReplica {
  private resignAt: number | null = null;

  constructor(
    private readonly core: Core,
    private readonly reason: string,
  ) {
    if (this.isLeader()) this.resign();
  }

  step(input: ReplicaInput): void {
    const { core } = this;
    if (input.type === 'produce' && input.acks !== 0) {
      core.refuse(input.requestId, 'KAFKA_STORAGE_ERROR', 'the replica is offline on this broker');
    } else if (input.type === 'delete-records') {
      core.refuseDeletion(input.requestId, 'KAFKA_STORAGE_ERROR', 'the replica is offline on this broker');
    } else if (input.type === 'subscribe') core.refuseSubscription(input, 'KAFKA_STORAGE_ERROR');
    else if (input.type === 'history-lost') {
      core.modRevision = -1;
      this.resignAt = null;
    } else if (input.type === 'record-changed' && input.modRevision > core.modRevision) {
      core.record = input.record;
      core.modRevision = input.modRevision;
      if (!this.isLeader()) this.resignAt = null;
      else if (this.resignAt === null) this.resign();
    } else if (input.type === 'tick' && this.resignAt !== null && core.now >= this.resignAt) this.resign();
  }

  nextDeadline(): number | null {
    return this.resignAt;
  }

  private isLeader(): boolean {
    const { record, options } = this.core;
    return record !== null && roleIn(record, options.self) === 'leader';
  }

  private resign(): void {
    this.resignAt = this.core.now + RESIGN_AGAIN_MS;
    this.core.emit({ type: 'resign', reason: this.reason });
  }
}
