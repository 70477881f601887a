import { type Core, earlier } from '../core';
import { compareLogs } from '../rules/divergence';
import { isCurrent, isSameReplica } from '../rules/identity';
import type { LogEndOf } from '../rules/isr';
import type { PartitionRecord, Pushed, ReplicaId, Report, Subscribe, Unsubscribe } from '../types';

/** Shared: making one costs more than all the rest of a message without batches. */
const NO_RECORDS = new Uint8Array(0);

const PUSH_AGAIN_MS = 1000;

/** A follower's open subscription. */
interface FollowerStream {
  run: string;
  subscription: number;
  /** Where its log ends, by the subscribe message; what it ends with. */
  asked: { endOffset: number; lastEpoch: number };
  /** Whether the logs agree, so that batches may be pushed. */
  accepted: boolean;
  /** Offset of the next batch to push. */
  sentTo: number;
  windowBytes: number;
  /** What is left of the window; below 0 when a batch larger than that was sent. */
  availableBytes: number;
  /** What the push that is under way may send; null when none is. */
  pushingBytes: number | null;
  /** The last push sent nothing: the next batch doesn't fit, or can't be read. Until a report, or this time. */
  blockedUntil: number | null;
  sentHighWatermark: number;
  sentLogStart: number;
}

/** What a leader knows of one other replica, all of it learnt in its own epoch. */
export interface FollowerProgress {
  broker: number;
  /** As announced by its stream. */
  logId: string | null;
  logEnd: number | null;
  /** As last announced or reported; null when unknown. */
  logStart: number | null;
  stream: FollowerStream | null;
  /** When it last had everything that the leader had; 0 when never. */
  caughtUpAt: number;
  /** What the leader had at an earlier time, not reached yet: the next proof of having been caught up. */
  mark: { leaderEnd: number; at: number } | null;
  /** Whether it has reported since it was last judged to be behind: a silent stream doesn't bring it back into the ISR. */
  hasReported: boolean;
  /** How often in a row it was sent batches and asked for the same ones again: its disk may be full. */
  failedPushes: number;
}

/** At the start of an epoch nothing is known of a follower's log, whatever it had reported in an earlier one. */
export function unknownProgress(broker: number): FollowerProgress {
  const unknown = { logId: null, logEnd: null, logStart: null, stream: null, mark: null };
  return { broker, ...unknown, caughtUpAt: 0, hasReported: false, failedPushes: 0 };
}

/** A leader's followers: their subscriptions, what they have written, and what is pushed to them. */
export class Followers {
  private readonly byBroker = new Map<number, FollowerProgress>();
  /** False while the leader's own log settles; subscriptions wait for their answer so long. */
  private isServing = false;

  constructor(private readonly core: Core) {}

  get(broker: number): FollowerProgress | undefined {
    return this.byBroker.get(broker);
  }

  all(): Iterable<FollowerProgress> {
    return this.byBroker.values();
  }

  /** The log end that counts for `replica`: its own or what a follower with the same log id reported. */
  readonly logEndOf: LogEndOf = (replica) => {
    if (isSameReplica(replica, this.core.options.self)) return this.core.log.logEnd;
    const progress = this.byBroker.get(replica.broker);
    if (progress === undefined || progress.logId === null) return null;
    return isSameReplica(replica, { broker: replica.broker, logId: progress.logId }) ? progress.logEnd : null;
  };

  /** The others that a deletion of records waits for. */
  inSyncOrConnected({ isr }: PartitionRecord): FollowerProgress[] {
    const counts = ({ broker, stream }: FollowerProgress) =>
      stream !== null || isr.some((member) => member.broker === broker);
    return [...this.byBroker.values()].filter(counts);
  }

  onRecord({ replicas }: PartitionRecord): void {
    for (const broker of this.byBroker.keys()) {
      if (!replicas.includes(broker)) this.byBroker.delete(broker);
    }
    for (const broker of replicas) {
      if (broker === this.core.options.self.broker || this.byBroker.has(broker)) continue;
      this.byBroker.set(broker, unknownProgress(broker));
    }
  }

  /** From now on these have the full lag time to catch up: they are new in the ISR, or the leader is. */
  grantLagTime(members: readonly ReplicaId[]): void {
    for (const { broker } of members) {
      const progress = this.byBroker.get(broker);
      if (progress !== undefined) progress.caughtUpAt = this.core.now;
    }
  }

  /** The epoch has its start: answers the subscriptions that came earlier. */
  serve(): void {
    this.isServing = true;
    for (const progress of this.byBroker.values()) this.answer(progress);
  }

  onSubscribe(input: Subscribe): void {
    const { broker, run, message } = input;
    const progress = this.byBroker.get(broker);
    if (progress === undefined) {
      this.core.refuseSubscription(input, 'REPLICA_NOT_AVAILABLE');
      return;
    }
    const former = progress.stream;
    if (former !== null && former.run === run && message.subscription <= former.subscription) return;
    this.keepCaughtUp(progress);
    if (former?.accepted && former.run === run) noteFailedPush(progress, former, message.endOffset);
    progress.logId = message.logId;
    progress.logEnd = null;
    progress.logStart = message.logStart;
    progress.stream = openStream(input);
    if (this.isServing) this.answer(progress);
  }

  onReport({ broker, run, message }: Report): void {
    const progress = this.byBroker.get(broker);
    const stream = progress?.stream;
    if (progress === undefined || !stream?.accepted || stream.run !== run) return;
    if (!isCurrent(message, this.core.leaderEpoch, stream.subscription)) return;
    const { logEnd } = this.core.log;
    this.core.invariant(
      message.endOffset <= logEnd,
      `broker ${broker} reports end ${message.endOffset}, and the leader's is ${logEnd}`,
    );
    stream.availableBytes = Math.min(stream.availableBytes + message.grantedBytes, stream.windowBytes);
    stream.blockedUntil = null;
    progress.logStart = message.logStart;
    if (message.endOffset > stream.asked.endOffset) progress.failedPushes = 0;
    this.noteLogEnd(progress, Math.max(progress.logEnd ?? 0, message.endOffset));
  }

  onUnsubscribe({ broker, run }: Unsubscribe): void {
    const progress = this.byBroker.get(broker);
    if (progress?.stream?.run !== run) return;
    this.keepCaughtUp(progress);
    progress.stream = null;
  }

  onPushed({ broker, run, subscription, epoch, endOffset, bytes }: Pushed): void {
    const stream = this.byBroker.get(broker)?.stream;
    if (!stream || stream.run !== run) return;
    if (stream.subscription !== subscription || epoch !== this.core.leaderEpoch) return;
    const { pushingBytes } = stream;
    this.core.invariant(pushingBytes !== null, `a push to broker ${broker} ended that was not ordered`);
    this.core.invariant(
      endOffset >= stream.sentTo && endOffset <= this.core.log.logEnd,
      `pushed to ${endOffset}, outside [${stream.sentTo}, ${this.core.log.logEnd}]`,
    );
    stream.pushingBytes = null;
    stream.sentTo = endOffset;
    // A report may have opened the window since the push was ordered.
    if (bytes === 0 && stream.availableBytes <= pushingBytes) stream.blockedUntil = this.core.now + PUSH_AGAIN_MS;
    stream.availableBytes -= bytes;
  }

  /** The leader's own log is about to grow: whoever has all of it has been caught up until now. */
  beforeLogGrows(): void {
    for (const progress of this.byBroker.values()) this.keepCaughtUp(progress);
  }

  /** Orders whatever can be sent: batches first; a changed high watermark or log start alone only when no batch is due. */
  push(): void {
    if (!this.isServing) return;
    for (const progress of this.byBroker.values()) {
      const { stream } = progress;
      if (stream?.accepted && stream.pushingBytes === null) this.pushTo(progress, stream);
    }
  }

  nextDeadline(): number | null {
    let next: number | null = null;
    for (const { stream } of this.byBroker.values()) {
      next = earlier(next, stream?.blockedUntil ?? null);
    }
    return next;
  }

  private answer(progress: FollowerProgress): void {
    const { stream, broker } = progress;
    if (stream === null) return;
    const agreement = compareLogs(this.core.log, stream.asked);
    if (agreement.kind === 'agreed') {
      stream.accepted = true;
      this.noteLogEnd(progress, stream.asked.endOffset);
    } else if (agreement.kind === 'diverged') {
      const base = this.core.messageBase(this.core.leaderEpoch, stream.subscription);
      const { epoch, endOffset } = agreement;
      this.core.emit({ type: 'to-follower', broker, message: { ...base, type: 'diverged', epoch, endOffset } });
    } else this.startAnew(progress, stream);
  }

  private pushTo(progress: FollowerProgress, stream: FollowerStream): void {
    const { broker } = progress;
    const { firstBatchOffset, logEnd, writesInFlight } = this.core.log;
    if (stream.sentTo < firstBatchOffset) this.startAnew(progress, stream);
    else if (stream.sentTo < logEnd) this.pushBatches(broker, stream);
    // What is being written now will be pushed in a moment, and carries the news. The first push accepts: it can't wait.
    else if (stream.sentHighWatermark < 0 || (writesInFlight === 0 && this.hasNews(stream))) {
      this.pushPosition(broker, stream);
    }
  }

  private pushBatches(broker: number, stream: FollowerStream): void {
    const { availableBytes, blockedUntil } = stream;
    if (availableBytes <= 0 || (blockedUntil !== null && this.core.now < blockedUntil)) return;
    stream.pushingBytes = availableBytes;
    stream.blockedUntil = null;
    const { highWatermark, logStart } = this.noteSent(stream);
    this.core.emit({
      type: 'push',
      broker,
      run: stream.run,
      subscription: stream.subscription,
      epoch: this.core.leaderEpoch,
      fromOffset: stream.sentTo,
      upTo: this.core.log.logEnd,
      maxBytes: availableBytes,
      // With nothing under way no report would make more room for it.
      atLeastOne: availableBytes === stream.windowBytes,
      highWatermark,
      logStart,
    });
  }

  private pushPosition(broker: number, stream: FollowerStream): void {
    const { topicId, partition } = this.core.options;
    const { highWatermark, logStart } = this.noteSent(stream);
    this.core.emit({
      type: 'to-follower',
      broker,
      message: {
        type: 'push',
        topicId,
        partition,
        leaderEpoch: this.core.leaderEpoch,
        subscription: stream.subscription,
        highWatermark,
        logStart,
        baseOffset: stream.sentTo,
        records: NO_RECORDS,
      },
    });
  }

  /** Nothing that the follower has leads to what is still here. */
  private startAnew(progress: FollowerProgress, stream: FollowerStream): void {
    const { broker } = progress;
    stream.accepted = false;
    stream.blockedUntil = null;
    progress.logEnd = null;
    const base = this.core.messageBase(this.core.leaderEpoch, stream.subscription);
    const { firstBatchOffset } = this.core.log;
    this.core.emit({ type: 'to-follower', broker, message: { ...base, type: 'start-anew', firstBatchOffset } });
  }

  private hasNews(stream: FollowerStream): boolean {
    const { highWatermark, logStart } = this.core.log;
    return stream.sentHighWatermark !== highWatermark || stream.sentLogStart !== logStart;
  }

  private noteSent(stream: FollowerStream): { highWatermark: number; logStart: number } {
    const { highWatermark, logStart } = this.core.log;
    stream.sentHighWatermark = highWatermark;
    stream.sentLogStart = logStart;
    return { highWatermark, logStart };
  }

  /**
   * Takes a follower's reported end, and what it proves: a follower that has reached what the leader had at some time
   * was caught up then. The mark stays until it is reached, however often the follower reports in between.
   */
  private noteLogEnd(progress: FollowerProgress, logEnd: number): void {
    const { now } = this.core;
    const leaderEnd = this.core.log.logEnd;
    progress.logEnd = logEnd;
    progress.hasReported = true;
    if (logEnd >= leaderEnd) {
      progress.caughtUpAt = now;
      progress.mark = null;
    } else if (progress.mark === null || logEnd >= progress.mark.leaderEnd) {
      progress.caughtUpAt = Math.max(progress.caughtUpAt, progress.mark?.at ?? 0);
      progress.mark = { leaderEnd, at: now };
    }
  }

  private keepCaughtUp(progress: FollowerProgress): void {
    if (progress.stream?.accepted && progress.logEnd === this.core.log.logEnd) progress.caughtUpAt = this.core.now;
  }
}

function noteFailedPush(progress: FollowerProgress, former: FollowerStream, endOffset: number): void {
  if (endOffset > former.asked.endOffset) progress.failedPushes = 0;
  else if (former.sentTo > endOffset) progress.failedPushes += 1;
}

function openStream({ run, message }: Subscribe): FollowerStream {
  return {
    run,
    subscription: message.subscription,
    asked: { endOffset: message.endOffset, lastEpoch: message.lastEpoch },
    accepted: false,
    sentTo: message.endOffset,
    windowBytes: message.windowBytes,
    availableBytes: message.windowBytes,
    pushingBytes: null,
    blockedUntil: null,
    sentHighWatermark: -1,
    sentLogStart: -1,
  };
}
