import { type BatchHeader, lastOffset } from '@ottla/protocol';
import type { Core } from './core';
import type { DivergedMessage, LeaderMessage, PushMessage, StartAnewMessage } from './messages';
import { continuesLog, epochsGrow, truncationPoint } from './rules/divergence';
import { isCurrent } from './rules/identity';

const RETRY_FIRST_MS = 20;
const MAX_PATIENCE_DOUBLINGS = 3;
const RETRY_MAX_MS = 1000;

/**
 * Where a follower stands:
 *
 *     settling   no stream, or the log's end is not known yet: writes in flight, a cut being carried out
 *     asked      subscribed, no answer yet
 *     streaming  accepted: batches are arriving
 *     waiting    was refused or met an error; asks again at a deadline
 */
type Phase =
  | { name: 'settling' }
  | { name: 'asked'; until: number }
  | { name: 'streaming' }
  | { name: 'waiting'; until: number };

/** A replica in one epoch in which it follows. */
export class Follower {
  readonly role = 'follower';
  private phase: Phase = { name: 'settling' };
  /** Whether the leader knows of this replica by the stream that is open now. */
  private hasAsked = false;
  private failures = 0;
  /** Subscriptions in a row to which no answer came in time. */
  private unanswered = 0;
  private leaderHighWatermark = 0;
  private leaderLogStart = 0;

  constructor(
    private readonly core: Core,
    private readonly leader: number,
    private isStreamOpen: boolean,
  ) {}

  /** Whether the leader pushes to this replica, so that what is read here is not older than a moment. */
  get isStreaming(): boolean {
    return this.phase.name === 'streaming';
  }

  onStreamOpened(): void {
    this.isStreamOpen = true;
    this.hasAsked = false;
    this.phase = { name: 'settling' };
  }

  onStreamClosed(): void {
    this.isStreamOpen = false;
    this.phase = { name: 'settling' };
  }

  onLeaderMessage(message: LeaderMessage, headers: readonly BatchHeader[]): void {
    if (this.phase.name !== 'asked' && this.phase.name !== 'streaming') return;
    if (!isCurrent(message, this.core.leaderEpoch, this.core.subscription)) return;
    this.unanswered = 0;
    if (message.type === 'push') this.onPush(message, headers);
    else if (message.type === 'diverged') this.onDiverged(message);
    else if (message.type === 'start-anew') this.onStartAnew(message);
    else this.onRefused();
  }

  /** A write of this epoch is on disk: says so, and opens the window by as much. */
  onAppended(bytes: number): void {
    this.failures = 0;
    this.advanceHighWatermark();
    this.report(bytes);
    this.followLogStart();
  }

  /** What lay before the log start is gone here too. */
  onLogStartChanged(): void {
    this.report(0);
    this.followLogStart();
  }

  onAppendFailed(): void {
    this.waitToAskAgain();
  }

  onTick(): void {
    if ('until' in this.phase && this.core.now >= this.phase.until) this.phase = { name: 'settling' };
  }

  /** After every input: subscribes as soon as there is a stream, and the log has settled. */
  flush(): void {
    if (this.phase.name === 'settling' && this.isStreamOpen && this.core.log.settled) this.subscribe();
  }

  close(): void {
    if (!this.isStreamOpen || !this.hasAsked) return;
    const base = this.core.messageBase(this.core.leaderEpoch, this.core.subscription);
    this.core.emit({ type: 'to-leader', broker: this.leader, message: { ...base, type: 'unsubscribe' } });
  }

  nextDeadline(): number | null {
    return 'until' in this.phase ? this.phase.until : null;
  }

  private subscribe(): void {
    const { log, leaderEpoch, options, now } = this.core;
    this.core.subscription += 1;
    this.hasAsked = true;
    // Asking anew voids the answer that may be under way: on a slow link it has to be waited for longer and longer.
    const patience = (options.replicaLagTimeMaxMs / 3) * 2 ** Math.min(this.unanswered++, MAX_PATIENCE_DOUBLINGS);
    this.phase = { name: 'asked', until: now + patience };
    this.core.emit({
      type: 'to-leader',
      broker: this.leader,
      message: {
        ...this.core.messageBase(leaderEpoch, this.core.subscription),
        type: 'subscribe',
        logId: options.self.logId,
        endOffset: log.logEnd,
        lastEpoch: log.lastEpoch,
        logStart: log.logStart,
        windowBytes: options.windowBytes,
      },
    });
  }

  private report(grantedBytes: number): void {
    if (this.phase.name !== 'streaming') return;
    const { leaderEpoch, subscription, log } = this.core;
    const { logEnd: endOffset, logStart } = log;
    const base = this.core.messageBase(leaderEpoch, subscription);
    const message = { ...base, type: 'report' as const, endOffset, logStart, grantedBytes };
    this.core.emit({ type: 'to-leader', broker: this.leader, message });
  }

  private onPush(push: PushMessage, headers: readonly BatchHeader[]): void {
    const { log, now } = this.core;
    if (!continuesLog(push.baseOffset, headers, log.nextOffset)) {
      this.waitToAskAgain();
      return;
    }
    this.phase = { name: 'streaming' };
    if (headers.length === 0) this.failures = 0;
    else {
      const { leaderEpoch: epoch } = this.core;
      this.checkEpochs(headers);
      log.assign(headers, epoch, now);
      this.core.emit({
        type: 'append',
        epoch,
        baseOffset: push.baseOffset,
        requestId: null,
        push,
        headers: [...headers],
      });
    }
    this.leaderHighWatermark = push.highWatermark;
    this.advanceHighWatermark();
    this.leaderLogStart = push.logStart;
    this.followLogStart();
  }

  private onDiverged(message: DivergedMessage): void {
    const { log } = this.core;
    const offset = truncationPoint(log, message);
    // It answers a subscription, so nothing can be in flight; and cutting nothing would ask the same again for ever.
    if (offset >= log.logEnd || !log.settled) {
      this.waitToAskAgain();
      return;
    }
    log.beginCut();
    this.phase = { name: 'settling' };
    this.core.emit({ type: 'truncate', offset });
  }

  /** It may come while earlier pushes are being written: then it is asked for again when they are. */
  private onStartAnew({ firstBatchOffset: offset }: StartAnewMessage): void {
    this.phase = { name: 'settling' };
    if (!this.core.log.settled) return;
    this.core.log.beginCut();
    this.core.emit({ type: 'restart-at', offset });
  }

  /** The record that one side has is older than the other's; it arrives by the image, so asking again is enough. */
  private onRefused(): void {
    this.waitToAskAgain();
  }

  private waitToAskAgain(): void {
    const delay = Math.min(RETRY_FIRST_MS * 2 ** this.failures, RETRY_MAX_MS);
    this.failures += 1;
    this.phase = { name: 'waiting', until: this.core.now + delay };
  }

  private advanceHighWatermark(): void {
    this.core.raiseHighWatermark(Math.min(this.leaderHighWatermark, this.core.log.logEnd));
  }

  /** Deletes what the leader has deleted, as far as it is known here to be committed. */
  private followLogStart(): void {
    const { log } = this.core;
    const offset = Math.min(this.leaderLogStart, log.highWatermark);
    if (!log.mayStartAt(offset)) return;
    log.beginMoveOfStart();
    this.core.emit({ type: 'log-start', offset });
  }

  private checkEpochs(headers: readonly BatchHeader[]): void {
    const { log, leaderEpoch } = this.core;
    const lastEpoch = log.nextOffset > log.logStart ? log.epochs.epochAt(log.nextOffset - 1) : -1;
    const end = headers.at(-1)!;
    this.core.invariant(
      epochsGrow(headers, lastEpoch, leaderEpoch),
      `pushed batches up to offset ${lastOffset(end)} go back in leader epoch, or beyond ${leaderEpoch}`,
    );
  }
}
