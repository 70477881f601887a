import type { PartitionLog, ReadResult } from '@ottla/log';
import { type BatchHeader, isRetriable, lastOffset, stampBatch, toOttlaError } from '@ottla/protocol';
import type {
  Append,
  FollowerMessage,
  LeaderMessage,
  ProposeIsr,
  Push,
  PushMessage,
  RecordsDeleted,
  ReplicaEffect,
  ReplicaInput,
  Reply,
} from '@ottla/replication';
import type { Clock, Logger } from '@ottla/runtime';
import type { DeleteRecordsResult } from '../services';
import type { Admission } from '../throttle/byte-throttle';
import { THROTTLED_PUSH_BYTES } from '../throttle/replication-throttles';
import type { PendingProduces } from './pending-produces';
import type { PendingRequests } from './pending-requests';
import type { PartitionChangeResult, RecordWriter } from './record-writer';
import { WriteFailures } from './write-failures';

/** How a replica reaches the other replicas of its partition. */
export interface ReplicaRouter {
  toLeader(message: FollowerMessage): void;
  toFollower(broker: number, message: LeaderMessage): void;
  /** Resolves once the stream to that follower takes more; at once when it does, or is gone. */
  writable(broker: number): Promise<void>;
  /** The throttle's leave for a push to that follower; null when it needs none. */
  admit(broker: number): Admission | null;
}

export interface EffectRunnerOptions {
  readonly name: string;
  readonly topicId: string;
  readonly partition: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly log: PartitionLog;
  readonly router: ReplicaRouter;
  readonly recordWriter: RecordWriter;
  readonly produces: PendingProduces;
  readonly deletions: PendingRequests<DeleteRecordsResult>;
  /** Takes the result of an effect. */
  feed(input: ReplicaInput): void;
  leaderEpoch(): number;
  onAdvance(): void;
  onRoleChange(): void;
  /** An effect failed in a way that the machine doesn't know. */
  onFailure(error: unknown): void;
}

/** Pause before a leader that couldn't write gives up its leadership, so that a full disk doesn't cause an election storm. */
const RESIGN_DELAY_MS = 250;

/** Carries out the effects of one replica's machine on its log, its peers and the store, and feeds the results back. */
export class EffectRunner {
  private readonly tasks = new Set<Promise<void>>();
  private readonly admissions = new Set<Admission>();
  private readonly failures: WriteFailures;
  /** Why the leadership was given up last: told once, however often it's tried. */
  private resigned = { epoch: -1, reason: '' };
  private stopped = false;

  constructor(private readonly options: EffectRunnerOptions) {
    this.failures = new WriteFailures(options.name, options.clock, options.logger);
  }

  carryOut(effect: ReplicaEffect): void {
    const { router, onAdvance, onRoleChange } = this.options;
    switch (effect.type) {
      case 'append':
        return this.append(effect);
      case 'truncate':
        return this.track(this.truncate(effect.offset));
      case 'restart-at':
        return this.track(this.restartAt(effect.offset));
      case 'log-start':
        return this.track(this.advanceStart(effect.offset));
      case 'reply':
        return this.reply(effect);
      case 'records-deleted':
        return this.recordsDeleted(effect);
      case 'to-leader':
        return router.toLeader(effect.message);
      case 'to-follower':
        return router.toFollower(effect.broker, effect.message);
      case 'push':
        return this.track(this.push(effect));
      case 'high-watermark':
        return onAdvance();
      case 'role-changed':
        return onRoleChange();
      case 'propose-isr':
        return this.track(this.proposeIsr(effect));
      case 'resign':
        return this.track(this.resign(effect.reason));
    }
  }

  /** Waits for what is under way; its results go nowhere any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const admission of this.admissions) admission.cancel();
    while (this.tasks.size > 0) await Promise.allSettled(this.tasks);
  }

  private append(effect: Append): void {
    const { requestId, push, headers, epoch } = effect;
    if (push !== null) return this.track(this.write(push.records, headers, epoch));
    const { produces, log } = this.options;
    const records = produces.records(requestId!);
    stamp(records, headers, epoch);
    const written = { baseOffset: headers[0]!.baseOffset, logStart: log.logStart };
    const write = this.write(records, headers, epoch);
    this.track(write.then(() => produces.resolveUnacknowledged(requestId!, written)));
  }

  private async write(records: Uint8Array, headers: BatchHeader[], epoch: number): Promise<void> {
    const { log, feed } = this.options;
    try {
      const { endOffset } = await log.append(records, headers);
      this.failures.succeeded();
      feed({ type: 'appended', epoch, endOffset });
    } catch (error) {
      const reason = toOttlaError(error).message;
      const [first, last] = [headers[0]!.baseOffset, lastOffset(headers.at(-1)!)];
      this.failures.failed(`offsets ${first} to ${last} were not written: ${reason}`);
      const cut = { endOffset: log.logEnd, producers: log.producers.clone(), epochs: log.epochs.clone() };
      feed({ type: 'append-failed', epoch, reason, ...cut });
    }
  }

  private reply(effect: Reply): void {
    const { produces, name } = this.options;
    const { requestId, error, message, baseOffset, logStart } = effect;
    if (error === null) produces.resolve(requestId, { baseOffset, logStart });
    else produces.reject(requestId, error, message ?? `${name}: ${error}`);
  }

  private recordsDeleted({ requestId, error, message, lowWatermark }: RecordsDeleted): void {
    const { deletions, name } = this.options;
    if (error === null) deletions.resolve(requestId, { lowWatermark });
    else deletions.reject(requestId, error, message ?? `${name}: ${error}`);
  }

  private async truncate(offset: number): Promise<void> {
    const { log, logger, name, feed } = this.options;
    logger.info(`${name}: truncating from ${log.logEnd} to ${offset}, where the leader's log diverges`);
    await log.truncate(offset);
    const { logEnd: endOffset } = log;
    feed({ type: 'truncated', endOffset, producers: log.producers.clone(), epochs: log.epochs.clone() });
  }

  private async restartAt(offset: number): Promise<void> {
    const { log, logger, name, feed } = this.options;
    logger.warn(`${name}: starting anew at ${offset}, the leader's log start; the end here was ${log.logEnd}`);
    await log.restartAt(offset);
    feed({ type: 'restarted-at', offset });
  }

  private async advanceStart(offset: number): Promise<void> {
    const { log, logger, name, feed } = this.options;
    try {
      feed({ type: 'log-start-changed', ...(await log.advanceStart(offset)) });
    } catch (error) {
      if (log.failure !== null) throw error;
      const reason = toOttlaError(error).message;
      logger.warn(`${name}: what lies before offset ${offset} could not be deleted: ${reason}`);
      feed({ type: 'log-start-failed', reason });
    }
  }

  private async push(effect: Push): Promise<void> {
    const { router } = this.options;
    await router.writable(effect.broker);
    if (this.stopped) return;
    const admission = router.admit(effect.broker);
    if (admission === null) return void (await this.readAndPush(effect));
    this.admissions.add(admission);
    const passage = await admission.passage;
    this.admissions.delete(admission);
    if (passage === null) return;
    let bytes = 0;
    try {
      bytes = await this.readAndPush(throttled(effect));
    } finally {
      passage.done(bytes);
    }
  }

  /** Answers how many bytes were sent. */
  private async readAndPush(effect: Push): Promise<number> {
    const { router, feed, topicId, partition } = this.options;
    const { broker, run, subscription, epoch, fromOffset } = effect;
    if (this.stopped) return 0;
    const { chunks, endOffset, byteLength } = await this.readFor(effect);
    if (this.stopped) return 0;
    if (byteLength > 0) {
      const { highWatermark, logStart } = effect;
      const message: PushMessage = {
        ...{ type: 'push', topicId, partition, leaderEpoch: epoch, subscription },
        ...{ highWatermark, logStart, baseOffset: fromOffset, records: joined(chunks) },
      };
      router.toFollower(broker, message);
    }
    feed({ type: 'pushed', broker, run, subscription, epoch, endOffset, bytes: byteLength });
    return byteLength;
  }

  /** What was deleted since the push was ordered gives nothing: the follower is told to start anew. */
  private async readFor({ fromOffset, upTo, maxBytes, atLeastOne }: Push): Promise<ReadResult> {
    const { log } = this.options;
    try {
      return await log.read(fromOffset, { maxBytes, upTo, atLeastOne });
    } catch (error) {
      if (fromOffset >= log.firstBatchOffset) throw error;
      return { baseOffset: fromOffset, endOffset: fromOffset, chunks: [], byteLength: 0 };
    }
  }

  private async proposeIsr(effect: ProposeIsr): Promise<void> {
    const { feed, logger, name } = this.options;
    const { proposal } = effect;
    const result = await this.writeRecord(effect);
    const { record, modRevision } = result;
    if (!result.written) return feed({ type: 'isr-refused', proposal, record, modRevision });
    const members = result.record.isr.map((member) => member.broker);
    logger.info(`${name}: ISR is now [${members.join(', ')}] in epoch ${result.record.leaderEpoch}`);
    feed({ type: 'isr-written', proposal, record: result.record, modRevision });
  }

  private async writeRecord({ expectedModRevision, record, adds }: ProposeIsr): Promise<PartitionChangeResult> {
    const { recordWriter, logger, name, topicId, partition } = this.options;
    try {
      return await recordWriter.write({ topicId, partition, expectedModRevision, record, adds });
    } catch (error) {
      const failure = toOttlaError(error);
      if (!isRetriable(failure.code)) throw failure;
      logger.warn(`${name}: the store gave no answer to a change of the ISR: ${failure.message}`);
      return { written: false, record: null, modRevision: 0 };
    }
  }

  private async resign(reason: string): Promise<void> {
    const { clock, logger, name, recordWriter, topicId, partition, leaderEpoch } = this.options;
    if (this.resigned.epoch !== leaderEpoch() || this.resigned.reason !== reason) {
      this.resigned = { epoch: leaderEpoch(), reason };
      logger.warn(`${name}: giving up the leadership: ${reason}`);
    }
    for (let resigned = false; !resigned && !this.stopped; ) {
      await clock.sleep(RESIGN_DELAY_MS);
      try {
        await recordWriter.resign(topicId, partition);
        resigned = true;
      } catch (error) {
        logger.warn(`${name}: the store didn't take the resignation, trying again: ${toOttlaError(error).message}`);
      }
    }
  }

  private track(task: Promise<void>): void {
    const tracked: Promise<void> = task
      .catch((error: unknown) => {
        if (!this.stopped) this.options.onFailure(error);
      })
      .finally(() => this.tasks.delete(tracked));
    this.tasks.add(tracked);
  }
}

function stamp(records: Uint8Array, headers: readonly BatchHeader[], epoch: number): void {
  let at = 0;
  for (const header of headers) {
    stampBatch(records, at, header.baseOffset, epoch);
    at += header.batchLength;
  }
}

/** In smaller pieces; a batch that doesn't fit in one goes all the same. */
function throttled(effect: Push): Push {
  if (effect.maxBytes <= THROTTLED_PUSH_BYTES) return effect;
  return { ...effect, maxBytes: THROTTLED_PUSH_BYTES, atLeastOne: true };
}

/** gRPC takes one piece; a read of one segment usually is one. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
