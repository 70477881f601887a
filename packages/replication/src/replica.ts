import { OttlaError } from '@ottla/protocol';
import { Core, earlier } from './core';
import { Follower } from './follower';
import { unknownProgress } from './leader/followers';
import { Leader } from './leader/leader';
import { LeaderEpochs } from './leader-epochs';
import { OfflineReplica } from './offline-replica';
import { ProducerState } from './producer-state';
import { knowsLatest } from './rules/acknowledgement';
import { isOfEpoch, roleIn } from './rules/identity';
import type {
  Appended,
  AppendFailed,
  DeleteRecords,
  IsrRefused,
  IsrWritten,
  LeaderMessageArrived,
  LogStartChanged,
  LogStartFailed,
  PartitionRecord,
  Produce,
  Pushed,
  ReplicaEffect,
  ReplicaInput,
  ReplicaLogState,
  ReplicaOptions,
  ReplicaProgress,
  ReplicaRole,
  Report,
  RestartedAt,
  Subscribe,
  Truncated,
  Unsubscribe,
} from './types';

const PRODUCER_EXPIRY_CHECK_MS = 600_000;

/**
 * One partition's replica: a state machine. Inputs are what its host learnt, effects are what its host has to do;
 * what comes of an effect is an input again, so an acknowledgement can't overtake the write it acknowledges.
 *
 * The partition's record decides the role. Each leader epoch begins with a role object that knows nothing of the
 * epochs before; only the log outlives them.
 */
export class Replica {
  private readonly core: Core;
  /** Of the epoch in `core.record`; null without a record, without a part in it, and offline. */
  private current: Leader | Follower | null = null;
  /** The leader to which a stream is open; it stays open when the same leader begins another epoch. */
  private streamTo: PartitionRecord['leader'] = null;
  /** Whom the latest epoch that had a leader belongs to. */
  private lastLeader: { epoch: number; broker: number; run: string } | null = null;
  /** Not right at the start: what was read back from the log may bear old timestamps, and be sent again just now. */
  private expireProducersAt: number | null = null;
  private offline: OfflineReplica | null = null;
  /** Records of earlier epochs are not adopted: they are older than what the log holds, or than a history that was lost. */
  private firstEpoch: number;

  constructor(options: ReplicaOptions, log: ReplicaLogState) {
    this.core = new Core(options, log);
    this.firstEpoch = this.highestEpoch;
  }

  get role(): ReplicaRole {
    if (this.offline !== null) return 'offline';
    return this.current?.role ?? 'idle';
  }

  /** Whether this replica follows a leader who has accepted it, and who has not been lost sight of since. */
  get isFollowing(): boolean {
    return this.follower?.isStreaming ?? false;
  }

  /** As last adopted, null before the first one. */
  get record(): PartitionRecord | null {
    return this.core.record;
  }

  /** -1 before the first record. */
  get leaderEpoch(): number {
    return this.core.leaderEpoch;
  }

  /** Where the epoch that this replica leads began; null when it doesn't lead, or when its log has not settled yet. */
  get epochStart(): number | null {
    return this.leader?.epochStart ?? null;
  }

  /** The highest leader epoch that is known here, by a record or by what the log holds; -1 when none is. */
  get highestEpoch(): number {
    return Math.max(this.leaderEpoch, this.core.log.epochs.latest()?.epoch ?? -1);
  }

  /** Leader epoch of the last batch, -1 when the log holds none. */
  get lastEpoch(): number {
    return this.core.log.lastEpoch;
  }

  /** Nothing is being written to the log or cut from it: its end is what `logEnd` says. */
  get isSettled(): boolean {
    return this.core.log.settled;
  }

  get logStart(): number {
    return this.core.log.logStart;
  }

  /** The confirmed log end offset. */
  get logEnd(): number {
    return this.core.log.logEnd;
  }

  get highWatermark(): number {
    return this.core.log.highWatermark;
  }

  /** Consumers with read_committed see below it: the high watermark, as long as there are no transactions. */
  get lastStableOffset(): number {
    return this.core.log.highWatermark;
  }

  /**
   * @param now milliseconds since the Unix epoch on a clock that never goes back within a run: wall time at the start
   *   of the process, and monotonic time since.
   * @throws InvariantViolation when the replica's state is damaged: feed `offline`, and nothing else any more.
   */
  step(now: number, input: ReplicaInput): ReplicaEffect[] {
    this.core.now = Math.max(this.core.now, now);
    this.expireProducersAt ??= this.core.now + PRODUCER_EXPIRY_CHECK_MS;
    if (this.offline !== null) this.offline.step(input);
    else this.dispatch(input);
    this.current?.flush();
    return this.core.takeEffects();
  }

  private dispatch(input: ReplicaInput): void {
    switch (input.type) {
      case 'record-changed':
        this.adopt(input.record, input.modRevision);
        break;
      case 'history-lost':
        this.onHistoryLost();
        break;
      case 'produce':
        this.onProduce(input);
        break;
      case 'appended':
        this.onAppended(input);
        break;
      case 'append-failed':
        this.onAppendFailed(input);
        break;
      case 'truncated':
        this.onTruncated(input);
        break;
      case 'restarted-at':
        this.onRestartedAt(input);
        break;
      case 'log-start-changed':
        this.onLogStartChanged(input);
        break;
      case 'log-start-failed':
        this.onLogStartFailed(input);
        break;
      case 'delete-records':
        this.onDeleteRecords(input);
        break;
      case 'subscribe':
        this.onSubscribe(input);
        break;
      case 'report':
        this.onReport(input);
        break;
      case 'unsubscribe':
        this.onUnsubscribe(input);
        break;
      case 'pushed':
        this.onPushed(input);
        break;
      case 'isr-written':
        this.onIsrWritten(input);
        break;
      case 'isr-refused':
        this.onIsrRefused(input);
        break;
      case 'leader-message':
        this.onLeaderMessage(input);
        break;
      case 'stream-opened':
        this.onStreamOpened();
        break;
      case 'stream-closed':
        this.onStreamClosed();
        break;
      case 'tick':
        this.onTick();
        break;
      case 'drain':
        this.core.isDraining = true;
        break;
      case 'producer-expiration':
        this.core.options.producerExpirationMs = input.expirationMs;
        this.core.log.producers.expirationMs = input.expirationMs;
        break;
      case 'offline':
        this.onOffline(input.reason);
        break;
    }
  }

  /** When the next `tick` is due, on the clock of `now`; null when nothing waits. */
  nextDeadline(): number | null {
    if (this.offline !== null) return this.offline.nextDeadline();
    const expiry = this.core.log.producers.size > 0 ? this.expireProducersAt : null;
    return earlier(expiry, this.current?.nextDeadline() ?? null);
  }

  /** On the leader: every replica of the assignment, itself included. Elsewhere nothing is known. */
  replicaProgress(): ReplicaProgress[] {
    const { leader, record } = this;
    if (leader === null || record === null) return [];
    return record.replicas.map((broker) => {
      const inIsr = record.isr.some((member) => member.broker === broker);
      if (broker === this.core.options.self.broker) {
        return { broker, logEnd: this.logEnd, logStart: this.logStart, inIsr, caughtUpAt: this.core.now };
      }
      const { logEnd, logStart, caughtUpAt } = leader.followers.get(broker) ?? unknownProgress(broker);
      return { broker, logEnd: logEnd ?? -1, logStart: logStart ?? -1, inIsr, caughtUpAt };
    });
  }

  /**
   * The end of what consumers can read, as ListOffsets answers for the latest.
   *
   * @throws OttlaError OFFSET_NOT_AVAILABLE until the high watermark has reached the epoch's start (KIP-207);
   *   NOT_LEADER_OR_FOLLOWER elsewhere than on the leader.
   */
  latestReadable(): number {
    const { leader, core } = this;
    if (leader === null) throw new OttlaError('NOT_LEADER_OR_FOLLOWER', `${core.name}: not led by this broker`);
    if (knowsLatest(this.highWatermark, leader.epochStart)) return this.highWatermark;
    const epoch = `the high watermark has not reached the start of leader epoch ${this.leaderEpoch} yet`;
    throw new OttlaError('OFFSET_NOT_AVAILABLE', `${core.name}: ${epoch}, try again`);
  }

  /** The largest epoch at or below `epoch`, -1 when none is known, and where it ended (KIP-101). */
  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.core.log.epochs.endOffsetFor(epoch, this.logEnd);
  }

  private get leader(): Leader | null {
    return this.current?.role === 'leader' ? this.current : null;
  }

  private get follower(): Follower | null {
    return this.current?.role === 'follower' ? this.current : null;
  }

  /** Takes a version of the record, from wherever it comes, if it is newer than the one that is known. */
  private adopt(record: PartitionRecord, modRevision: number): void {
    const { core } = this;
    if (modRevision <= core.modRevision || record.leaderEpoch < this.firstEpoch) return;
    const former = core.record;
    this.checkSuccession(former, record);
    core.modRevision = modRevision;
    if (former !== null && this.isSamePart(former, record)) {
      core.record = record;
      this.leader?.onRecord(record);
      return;
    }
    this.endEpoch();
    core.record = record;
    this.beginEpoch(record);
  }

  private onHistoryLost(): void {
    this.endEpoch();
    this.core.modRevision = -1;
    this.firstEpoch = this.highestEpoch + 1;
    this.core.emit({ type: 'role-changed', role: 'idle', leaderEpoch: this.leaderEpoch });
  }

  /** Whether a record leaves this replica the part that it had: in the same epoch, with the same role. */
  private isSamePart(former: PartitionRecord, record: PartitionRecord): boolean {
    return former.leaderEpoch === record.leaderEpoch && this.part(former) === this.part(record);
  }

  private endEpoch(): void {
    const { current } = this;
    this.current = null;
    if (current?.role === 'leader') current.close('NOT_LEADER_OR_FOLLOWER', 'leadership moved, look for the leader');
    else current?.close();
  }

  private beginEpoch(record: PartitionRecord): void {
    const role = this.part(record);
    if (role === 'leader') {
      this.current = new Leader(this.core, record);
      return;
    }
    if (role === 'follower') this.current = this.follow(record.leader!);
    this.core.emit({ type: 'role-changed', role, leaderEpoch: record.leaderEpoch });
  }

  private follow(leader: { broker: number; run: string }): Follower {
    const { streamTo } = this;
    if (streamTo?.broker !== leader.broker || streamTo.run !== leader.run) this.streamTo = null;
    return new Follower(this.core, leader.broker, this.streamTo !== null);
  }

  private part(record: PartitionRecord): 'leader' | 'follower' | 'idle' {
    return roleIn(record, this.core.options.self);
  }

  /** Epochs never go back; each has one leader for ever, who doesn't come back to it once it has left. */
  private checkSuccession(former: PartitionRecord | null, { leaderEpoch, leader }: PartitionRecord): void {
    this.core.invariant(
      leaderEpoch >= this.leaderEpoch,
      `the leader epoch went back from ${this.leaderEpoch} to ${leaderEpoch}`,
    );
    if (leader === null) return;
    const known = this.lastLeader;
    if (known?.epoch === leaderEpoch) {
      this.core.invariant(
        leader.broker === known.broker && leader.run === known.run && former?.leader !== null,
        `leader epoch ${leaderEpoch} was broker ${known.broker}'s (run ${known.run}), and is given out again`,
      );
    }
    this.lastLeader = { epoch: leaderEpoch, ...leader };
  }

  private onProduce(produce: Produce): void {
    if (this.leader !== null) this.leader.onProduce(produce);
    else if (produce.acks !== 0) {
      this.core.refuse(produce.requestId, 'NOT_LEADER_OR_FOLLOWER', 'not led by this broker, look for the leader');
    }
  }

  private onAppended({ epoch, endOffset }: Appended): void {
    this.leader?.followers.beforeLogGrows();
    const bytes = this.core.log.confirm(endOffset);
    if (isOfEpoch(epoch, this.leaderEpoch)) this.follower?.onAppended(bytes);
  }

  /** The same failure may be told once for each write that it took along: the first one counts. */
  private onAppendFailed(failed: AppendFailed): void {
    const { log } = this.core;
    if (!log.isWriting(failed.epoch)) return;
    log.dropUnconfirmed(failed);
    if (isOfEpoch(failed.epoch, this.leaderEpoch)) this.current?.onAppendFailed(failed);
  }

  private onTruncated(result: Truncated): void {
    this.core.log.finishTruncation(result);
  }

  private onRestartedAt({ offset }: RestartedAt): void {
    const producers = new ProducerState(this.core.options.producerExpirationMs);
    this.core.log.finishRestart(offset, LeaderEpochs.from([]), producers);
  }

  private onLogStartChanged({ logStart, firstBatchOffset }: LogStartChanged): void {
    this.core.log.startAt(logStart, firstBatchOffset);
    this.follower?.onLogStartChanged();
  }

  /** A follower tries again when it next hears of its leader's log start. */
  private onLogStartFailed({ reason }: LogStartFailed): void {
    this.core.log.failMoveOfStart();
    this.leader?.onLogStartFailed(reason);
  }

  private onDeleteRecords(request: DeleteRecords): void {
    if (this.leader !== null) this.leader.onDeleteRecords(request);
    else {
      const message = 'not led by this broker, look for the leader';
      this.core.refuseDeletion(request.requestId, 'NOT_LEADER_OR_FOLLOWER', message);
    }
  }

  private onSubscribe(input: Subscribe): void {
    const { leaderEpoch } = input.message;
    if (leaderEpoch > this.leaderEpoch) this.core.refuseSubscription(input, 'UNKNOWN_LEADER_EPOCH');
    else if (leaderEpoch < this.leaderEpoch) this.core.refuseSubscription(input, 'FENCED_LEADER_EPOCH');
    else if (this.leader === null) this.core.refuseSubscription(input, 'NOT_LEADER_OR_FOLLOWER');
    else this.leader.followers.onSubscribe(input);
  }

  private onReport(input: Report): void {
    this.leader?.followers.onReport(input);
  }

  private onUnsubscribe(input: Unsubscribe): void {
    this.leader?.followers.onUnsubscribe(input);
  }

  private onPushed(input: Pushed): void {
    this.leader?.followers.onPushed(input);
  }

  private onIsrWritten({ record, modRevision }: IsrWritten): void {
    this.leader?.isr.onWritten();
    this.adopt(record, modRevision);
  }

  private onIsrRefused({ proposal, record, modRevision }: IsrRefused): void {
    this.leader?.isr.onRefused(proposal, record !== null);
    if (record !== null) this.adopt(record, modRevision);
  }

  private onLeaderMessage({ message, headers }: LeaderMessageArrived): void {
    this.follower?.onLeaderMessage(message, headers);
  }

  private onStreamOpened(): void {
    this.streamTo = this.record?.leader ?? null;
    this.follower?.onStreamOpened();
  }

  private onStreamClosed(): void {
    this.streamTo = null;
    this.follower?.onStreamClosed();
  }

  private onTick(): void {
    const { now, log } = this.core;
    if (this.expireProducersAt !== null && now >= this.expireProducersAt) {
      this.expireProducersAt = now + PRODUCER_EXPIRY_CHECK_MS;
      log.producers.expire(now);
    }
    this.current?.onTick();
  }

  private onOffline(reason: string): void {
    const { current } = this;
    this.current = null;
    if (current?.role === 'leader') current.close('KAFKA_STORAGE_ERROR', `the replica went offline: ${reason}`);
    else current?.close();
    this.offline = new OfflineReplica(this.core, reason);
    this.core.emit({ type: 'role-changed', role: 'offline', leaderEpoch: this.leaderEpoch });
  }
}
