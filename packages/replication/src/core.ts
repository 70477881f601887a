import type { ErrorName } from '@ottla/protocol';
import { type Invariant, invariantOf } from './invariant';
import { LocalLog } from './local-log';
import type { MessageBase } from './messages';
import type { PartitionRecord, ReplicaEffect, ReplicaLogState, ReplicaOptions, Subscribe } from './types';

/** The earlier of two deadlines, of which any may be none. */
export function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** What the roles of one replica share: its log, the record, the time of the step, and the effects that it collects. */
export class Core {
  readonly invariant: Invariant;
  readonly log: LocalLog;
  now = 0;
  record: PartitionRecord | null = null;
  modRevision = -1;
  /** Set by `drain`, for good: the broker is shutting down. */
  isDraining = false;
  /** The last subscription as a follower, in whichever epoch. */
  subscription = 0;
  /** The last proposal of an ISR, in whichever epoch. */
  private proposal = 0;
  private effects: ReplicaEffect[] = [];

  constructor(
    readonly options: ReplicaOptions,
    state: ReplicaLogState,
  ) {
    this.invariant = invariantOf(options.topic, options.partition);
    this.log = new LocalLog(state, this.invariant);
  }

  /** As human-readable messages name it. */
  get name(): string {
    return `${this.options.topic}-${this.options.partition}`;
  }

  get leaderEpoch(): number {
    return this.record?.leaderEpoch ?? -1;
  }

  emit(effect: ReplicaEffect): void {
    this.effects.push(effect);
  }

  takeEffects(): ReplicaEffect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  /** Never used before, so that a late answer can't be taken for another's. */
  nextProposal(): number {
    this.proposal += 1;
    return this.proposal;
  }

  /** Raises the high watermark, never lowers it. */
  raiseHighWatermark(value: number): void {
    if (value <= this.log.highWatermark) return;
    this.invariant(value <= this.log.logEnd, `high watermark ${value} lies behind log end ${this.log.logEnd}`);
    this.log.highWatermark = value;
    this.emit({ type: 'high-watermark', value });
  }

  acknowledge(requestId: number, baseOffset: number): void {
    this.reply(requestId, null, null, baseOffset);
  }

  refuse(requestId: number, error: ErrorName, message: string): void {
    this.reply(requestId, error, `${this.name}: ${message}`, -1);
  }

  refuseDeletion(requestId: number, error: ErrorName, text: string): void {
    const message = `${this.name}: ${text}`;
    this.emit({ type: 'records-deleted', requestId, error, message, lowWatermark: -1 });
  }

  refuseSubscription({ broker, message }: Subscribe, error: ErrorName): void {
    const { leaderEpoch, subscription } = message;
    const base = this.messageBase(leaderEpoch, subscription);
    this.emit({
      type: 'to-follower',
      broker,
      message: { ...base, type: 'refused', error, currentEpoch: this.leaderEpoch },
    });
  }

  messageBase(leaderEpoch: number, subscription: number): MessageBase {
    const { topicId, partition } = this.options;
    return { topicId, partition, leaderEpoch, subscription };
  }

  private reply(requestId: number, error: ErrorName | null, message: string | null, baseOffset: number): void {
    const { leaderEpoch } = this;
    const { logStart } = this.log;
    this.emit({ type: 'reply', requestId, error, message, baseOffset, logStart, currentLeaderEpoch: leaderEpoch });
  }
}
