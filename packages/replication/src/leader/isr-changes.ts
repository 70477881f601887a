import { type Core, earlier } from '../core';
import { includesReplica } from '../rules/identity';
import {
  failsToWrite,
  hasLostCommitted,
  isCaughtUp,
  isReplaced,
  maximalIsr,
  mayJoin,
  wasPaused,
  withIsr,
} from '../rules/isr';
import type { PartitionRecord, ProposeIsr, ReplicaId } from '../types';
import type { FollowerProgress, Followers } from './followers';

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 3200;

/**
 * A leader's changes of the ISR. One proposal is in flight at most. Between proposing and knowing, whoever may be in
 * the ISR counts: a proposal whose outcome is unknown stays uncertain until the record has another mod revision, for
 * from then on it can't be applied any more.
 */
export class IsrChanges {
  private inFlight: { proposal: number; isr: ReplicaId[] } | null = null;
  /** Members of proposals whose outcome is unknown. */
  private uncertain: ReplicaId[] | null = null;
  private retryAt: number | null = null;
  private failures = 0;
  /** When followers are judged next; null while nobody else is in the ISR. */
  private judgeAt: number | null = null;
  /** Members found behind when they were last judged. */
  private readonly behind = new Set<number>();

  constructor(
    private readonly core: Core,
    private readonly followers: Followers,
  ) {}

  /** Whose log ends bound the high watermark. */
  members(record: PartitionRecord): ReplicaId[] {
    if (this.inFlight === null && this.uncertain === null) return record.isr;
    return maximalIsr(maximalIsr(record.isr, this.inFlight?.isr ?? []), this.uncertain ?? []);
  }

  nextDeadline(): number | null {
    return earlier(this.judgeAt, this.retryAt);
  }

  /** The epoch has its start: followers can report from now on. */
  begin(record: PartitionRecord): void {
    this.judgeAt = record.isr.length > 1 ? this.core.now + this.judgePeriodMs : null;
  }

  /** Another mod revision: whatever had been proposed is in it or will never be. */
  onRecord(record: PartitionRecord): void {
    this.inFlight = null;
    this.uncertain = null;
    if (this.judgeAt === null || record.isr.length === 1) this.begin(record);
  }

  onWritten(): void {
    this.failures = 0;
  }

  /** The proposal is not what the store holds, or nobody knows (`outcomeKnown` false). The next one comes a little later. */
  onRefused(proposal: number, outcomeKnown: boolean): void {
    if (this.inFlight?.proposal !== proposal) return;
    if (!outcomeKnown) this.uncertain = maximalIsr(this.uncertain ?? [], this.inFlight.isr);
    this.inFlight = null;
    this.retryAt = this.core.now + Math.min(RETRY_FIRST_MS * 2 ** this.failures, RETRY_MAX_MS);
    this.failures += 1;
  }

  /** Judges who has fallen behind, once per half lag time; not right after this leader itself was paused. */
  judge(record: PartitionRecord): void {
    const { now } = this.core;
    if (this.judgeAt === null || now < this.judgeAt) return;
    const { replicaLagTimeMaxMs } = this.core.options;
    const paused = wasPaused(now, this.judgeAt, replicaLagTimeMaxMs);
    this.judgeAt = now + this.judgePeriodMs;
    if (paused) return;
    for (const { broker } of record.isr) {
      const progress = this.followers.get(broker);
      if (progress === undefined || this.isCaughtUp(progress)) continue;
      this.behind.add(broker);
      progress.hasReported = false;
    }
  }

  /** Proposes what the ISR should be, unless it is that, or a proposal is in flight or was refused just now. */
  propose(record: PartitionRecord, epochStart: number): void {
    const { now } = this.core;
    if (this.inFlight !== null || (this.retryAt !== null && now < this.retryAt)) return;
    this.retryAt = null;
    const lost = record.isr.filter((member) => this.hasLostRecords(member));
    const stays = record.isr.filter((member) => !includesReplica(lost, member) && this.mayStay(member));
    const adds = this.joiners(record, epochStart);
    const isUnchanged = adds.length === 0 && stays.length === record.isr.length;
    // An uncertain proposal is settled by any write, the same record included.
    if (isUnchanged && this.uncertain === null) return;
    const isr = [...stays, ...adds.map(({ broker, logId }) => ({ broker, logId }))];
    const proposed = isUnchanged ? record : withIsr(record, isr, [...lost, ...this.replacedEligible(record)]);
    const proposal = this.core.nextProposal();
    this.inFlight = { proposal, isr };
    this.core.emit({
      type: 'propose-isr',
      proposal,
      expectedModRevision: this.core.modRevision,
      record: proposed,
      adds,
    });
  }

  private get judgePeriodMs(): number {
    return this.core.options.replicaLagTimeMaxMs / 2;
  }

  private hasLostRecords(member: ReplicaId): boolean {
    const progress = this.followers.get(member.broker);
    if (progress === undefined) return false;
    if (isReplaced(member, progress.logId)) return true;
    const { logEnd, stream } = progress;
    const announced = stream === null || stream.accepted ? null : stream.asked.endOffset;
    return hasLostCommitted(logEnd ?? announced, this.core.log.highWatermark);
  }

  private replacedEligible(record: PartitionRecord): ReplicaId[] {
    return record.elr.filter((member) => isReplaced(member, this.followers.get(member.broker)?.logId ?? null));
  }

  /** Whether a member is still assigned, and not behind (or no longer so). */
  private mayStay({ broker }: ReplicaId): boolean {
    if (broker === this.core.options.self.broker) return true;
    const progress = this.followers.get(broker);
    if (progress === undefined || failsToWrite(progress, this.core.log.logEnd)) return false;
    if (!this.behind.has(broker)) return true;
    if (!this.isCaughtUp(progress)) return false;
    this.behind.delete(broker);
    return true;
  }

  private isCaughtUp(progress: FollowerProgress): boolean {
    const { now, log, options } = this.core;
    return isCaughtUp(progress, log.logEnd, now, options.replicaLagTimeMaxMs);
  }

  /** Followers to add, with the run and log id of the stream by which they reported. */
  private joiners(record: PartitionRecord, epochStart: number): ProposeIsr['adds'] {
    const adds: ProposeIsr['adds'] = [];
    for (const progress of this.followers.all()) {
      const { broker, logId, logEnd, stream, hasReported } = progress;
      if (!stream?.accepted || !hasReported || logId === null) continue;
      if (failsToWrite(progress, this.core.log.logEnd)) continue;
      if (includesReplica(record.isr, { broker, logId })) continue;
      if (mayJoin(logEnd, this.core.log.highWatermark, epochStart)) adds.push({ broker, run: stream.run, logId });
    }
    return adds;
  }
}
