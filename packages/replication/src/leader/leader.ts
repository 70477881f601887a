import type { ErrorName } from '@ottla/protocol';
import { type Core, earlier } from '../core';
import { includesReplica } from '../rules/identity';
import { hasMinimum, highWatermarkOf } from '../rules/isr';
import type { AppendFailed, DeleteRecords, PartitionRecord, Produce } from '../types';
import { Followers } from './followers';
import { IsrChanges } from './isr-changes';
import { Produces } from './produces';
import { RecordDeletions } from './record-deletions';

const RESIGN_AGAIN_MS = 1000;

/**
 * A replica in one epoch that it leads; a later epoch gets another. The epoch begins (`epochStart`) when the log that
 * it inherited has settled; produces and subscriptions that come earlier wait for that.
 */
export class Leader {
  readonly role = 'leader';
  epochStart: number | null = null;
  readonly followers: Followers;
  readonly isr: IsrChanges;
  private readonly produces: Produces;
  private readonly deletions: RecordDeletions;
  private resignation: { reason: string; againAt: number } | null = null;

  constructor(
    private readonly core: Core,
    private record: PartitionRecord,
  ) {
    this.checkMembership(record);
    this.followers = new Followers(core);
    this.followers.onRecord(record);
    this.isr = new IsrChanges(core, this.followers);
    this.produces = new Produces(core, () => this.record);
    this.deletions = new RecordDeletions(core, this.followers);
  }

  /** Another version of the record within this epoch. */
  onRecord(record: PartitionRecord): void {
    this.checkMembership(record);
    const joined = record.isr.filter((member) => !includesReplica(this.record.isr, member));
    this.record = record;
    this.followers.onRecord(record);
    this.followers.grantLagTime(joined);
    this.isr.onRecord(record);
    if (!hasMinimum(record)) this.produces.failBelowMinimum();
  }

  onProduce(produce: Produce): void {
    if (this.core.isDraining || this.resignation !== null) {
      this.produces.refuse(produce, 'NOT_LEADER_OR_FOLLOWER', 'the leader is leaving, look for the next one');
    } else if (this.epochStart === null) this.produces.park(produce);
    else this.produces.admit(produce);
  }

  onDeleteRecords(request: DeleteRecords): void {
    if (this.core.isDraining || this.resignation !== null || this.epochStart === null) {
      const message = 'the leader is leaving, or has not begun: look for the leader, and try again';
      this.core.refuseDeletion(request.requestId, 'NOT_LEADER_OR_FOLLOWER', message);
    } else this.deletions.onDeleteRecords(request);
  }

  onLogStartFailed(reason: string): void {
    this.deletions.failUndone(reason);
  }

  /** The log was cut back to its last confirmed end. A log that can't be written is no leader's. */
  onAppendFailed(failed: AppendFailed): void {
    const { log, leaderEpoch } = this.core;
    if (this.epochStart !== null) log.epochs.assign(leaderEpoch, this.epochStart);
    this.produces.failUnwritten(failed);
    this.resign(`a write failed: ${failed.reason}`);
  }

  onTick(): void {
    this.produces.failExpired();
    this.deletions.failExpired();
    this.isr.judge(this.record);
    if (this.resignation !== null && this.core.now >= this.resignation.againAt) this.resign(this.resignation.reason);
  }

  /** After every input: does what has become possible by it. */
  flush(): void {
    if (this.epochStart === null && this.core.log.settled) this.begin();
    if (this.epochStart === null) return;
    this.advanceHighWatermark();
    this.produces.acknowledge();
    this.deletions.flush(this.record);
    this.followers.push();
    this.isr.propose(this.record, this.epochStart);
  }

  /** Leadership ends: nobody here can say any more what becomes of what waits. */
  close(error: ErrorName, message: string): void {
    this.produces.failAll(error, message);
    this.deletions.failAll(error, message);
  }

  nextDeadline(): number | null {
    const { produces, deletions, isr, followers, resignation } = this;
    const deadlines = [produces, deletions, isr, followers].map((part) => part.nextDeadline());
    return deadlines.reduce(earlier, resignation?.againAt ?? null);
  }

  /** The inherited log has settled: the epoch starts at its end. */
  private begin(): void {
    const { log, leaderEpoch } = this.core;
    this.epochStart = log.logEnd;
    log.epochs.assign(leaderEpoch, log.logEnd);
    this.core.emit({ type: 'role-changed', role: this.role, leaderEpoch });
    this.followers.grantLagTime(this.record.isr);
    this.isr.begin(this.record);
    this.followers.serve();
    this.produces.admitParked();
  }

  private advanceHighWatermark(): void {
    const members = this.isr.members(this.record);
    const { highWatermark } = this.core.log;
    this.core.raiseHighWatermark(highWatermarkOf(highWatermark, this.record, members, this.followers.logEndOf));
  }

  /** Asks the host to give up leadership, again and again until the record has changed. */
  private resign(reason: string): void {
    this.resignation = { reason, againAt: this.core.now + RESIGN_AGAIN_MS };
    this.core.emit({ type: 'resign', reason });
  }

  private checkMembership({ isr, leaderEpoch }: PartitionRecord): void {
    const { broker, logId } = this.core.options.self;
    this.core.invariant(
      includesReplica(isr, { broker, logId }),
      `the ISR of leader epoch ${leaderEpoch} lacks its leader, broker ${broker} with log ${logId}`,
    );
  }
}
