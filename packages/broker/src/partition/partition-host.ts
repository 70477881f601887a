import type { PartitionLog } from '@ottla/log';
import { type BatchHeader, isRetriable, lastOffset, OttlaError, stampBatch, toOttlaError } from '@ottla/protocol';
import type {
  FollowerMessage,
  LeaderMessage,
  PartitionRecord,
  PushMessage,
  Replica,
  ReplicaEffect,
  ReplicaInput,
} from '@ottla/replication';
import type { Clock, Codecs, Logger, Timer } from '@ottla/runtime';
import type {
  LocalPartition,
  ProduceOptions,
  ProduceResult,
  ReadOptions,
  ReadResult,
  TimestampedOffset,
} from '../services';
import type { IsrWriter, PartitionChange } from './isr-writer';

/** How a host reaches the other replicas of its partition. */
export interface ReplicaRouter {
  toLeader(broker: number, message: FollowerMessage): void;
  toFollower(broker: number, message: LeaderMessage): void;
  /** Resolves once the stream to that follower takes more; at once when it does, or is gone. */
  writable(broker: number): Promise<void>;
}

export interface PartitionHostOptions {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly codecs: Codecs;
  readonly replica: Replica;
  readonly log: PartitionLog;
  readonly router: ReplicaRouter;
  readonly isrWriter: IsrWriter;
  /** Called after the role or the leader epoch changed. */
  onRoleChange(host: PartitionHost): void;
}

interface PendingProduce {
  readonly records: Uint8Array;
  readonly acks: 0 | 1 | -1;
  resolve(result: ProduceResult): void;
  reject(error: OttlaError): void;
}

/** Pause before a leader that couldn't write gives up its leadership, so that a full disk doesn't cause an election storm. */
const RESIGN_DELAY_MS = 250;

/**
 * Runs one replica: feeds inputs to its machine one at a time, carries out the effects on the log, the peers and the store,
 * and feeds the results back.
 */
export class PartitionHost implements LocalPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  private readonly inputs: ReplicaInput[] = [];
  private readonly produces = new Map<number, PendingProduce>();
  private readonly listeners = new Set<() => void>();
  private readonly tasks = new Set<Promise<void>>();
  private nextRequestId = 1;
  private stepping = false;
  private closed = false;
  private timer: { at: number; timer: Timer } | null = null;

  constructor(private readonly options: PartitionHostOptions) {
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.partition = options.partition;
  }

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  get isLeader(): boolean {
    return this.options.replica.role === 'leader';
  }

  get leaderEpoch(): number {
    return this.options.replica.leaderEpoch;
  }

  get logStart(): number {
    return this.options.replica.logStart;
  }

  get logEnd(): number {
    return this.options.replica.logEnd;
  }

  get highWatermark(): number {
    return this.options.replica.highWatermark;
  }

  get lastStableOffset(): number {
    return this.options.replica.lastStableOffset;
  }

  get record(): PartitionRecord | null {
    return this.options.replica.record;
  }

  latestReadable(): number {
    this.requireLeader();
    return this.options.replica.latestReadable();
  }

  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.options.replica.endOffsetForEpoch(epoch);
  }

  progress(): { broker: number; logEnd: number; inIsr: boolean }[] {
    return this.options.replica.replicaProgress();
  }

  produce(records: Uint8Array, headers: BatchHeader[], options: ProduceOptions): Promise<ProduceResult> {
    return new Promise((resolve, reject) => {
      const requestId = this.nextRequestId++;
      this.produces.set(requestId, { records, acks: options.acks, resolve, reject });
      const deadline = this.options.clock.now() + options.timeoutMs;
      this.feed({ type: 'produce', requestId, acks: options.acks, headers, deadline });
    });
  }

  async read(fromOffset: number, options: ReadOptions): Promise<ReadResult> {
    this.requireLeader();
    const { highWatermark, lastStableOffset, logStart } = this;
    const upTo = options.isolation === 'read_committed' ? lastStableOffset : highWatermark;
    const bounds = { highWatermark, lastStableOffset, logStart };
    this.requireInRange(fromOffset);
    if (fromOffset >= upTo) return { ...bounds, chunks: [], byteLength: 0 };
    const { maxBytes, atLeastOne } = options;
    const { chunks, byteLength } = await this.options.log.read(fromOffset, { maxBytes, upTo, atLeastOne });
    return { ...bounds, chunks, byteLength };
  }

  async readForLoad(
    fromOffset: number,
    maxBytes: number,
  ): Promise<{ records: readonly Uint8Array[]; endOffset: number }> {
    const upTo = this.options.log.logEnd;
    if (fromOffset >= upTo) return { records: [], endOffset: fromOffset };
    const { chunks, endOffset } = await this.options.log.read(fromOffset, { maxBytes, upTo, atLeastOne: true });
    return { records: chunks, endOffset };
  }

  async offsetForTimestamp(timestamp: number): Promise<TimestampedOffset | null> {
    this.requireLeader();
    const found = await this.options.log.offsetForTimestamp(timestamp, this.options.codecs);
    return found === null || found.offset >= this.lastStableOffset ? null : found;
  }

  async maxTimestamp(): Promise<TimestampedOffset> {
    this.requireLeader();
    const { offset, timestamp } = await this.options.log.maxTimestamp();
    return { offset, timestamp, leaderEpoch: this.leaderEpoch };
  }

  onAdvance(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Takes one input. Effects of an input are carried out before the next input is looked at. */
  feed(input: ReplicaInput): void {
    if (this.closed) return;
    this.inputs.push(input);
    if (this.stepping) return;
    this.stepping = true;
    try {
      for (let next = this.inputs.shift(); next !== undefined; next = this.inputs.shift()) this.step(next);
    } finally {
      this.stepping = false;
    }
    this.armTimer();
  }

  /** Waits for what is under way, then closes the log. */
  async close(clean: boolean): Promise<void> {
    await this.stop();
    await this.options.log.close({ clean });
  }

  /** Takes no more inputs, fails what waits, and waits for what is under way. The log stays open. */
  async stop(): Promise<void> {
    this.closed = true;
    this.timer?.timer.cancel();
    const gone = new OttlaError('NOT_LEADER_OR_FOLLOWER', `${this.name}: this broker is closing the replica`);
    for (const pending of this.produces.values()) pending.reject(gone);
    this.produces.clear();
    this.notify();
    while (this.tasks.size > 0) await Promise.allSettled(this.tasks);
  }

  private step(input: ReplicaInput): void {
    const { replica, clock } = this.options;
    try {
      for (const effect of replica.step(clock.now(), input)) this.carryOut(effect);
    } catch (error) {
      this.takeOffline(error);
    }
  }

  /** A broken invariant, or damage: this replica stops; the broker and its other partitions go on. */
  private takeOffline(cause: unknown): void {
    const error = toOttlaError(cause);
    const { replica, logger, clock } = this.options;
    logger.error(`${this.name}: replica taken offline; restart the broker to recover it: ${error.message}`, {
      stack: cause instanceof Error ? cause.stack : undefined,
    });
    if (replica.role === 'offline') return;
    this.inputs.length = 0;
    for (const effect of replica.step(clock.now(), { type: 'offline', reason: error.message })) this.carryOut(effect);
    const storage = new OttlaError('KAFKA_STORAGE_ERROR', `${this.name}: replica is offline: ${error.message}`);
    for (const pending of this.produces.values()) pending.reject(storage);
    this.produces.clear();
  }

  private carryOut(effect: ReplicaEffect): void {
    const { router } = this.options;
    switch (effect.type) {
      case 'append':
        return this.append(effect);
      case 'truncate':
        return this.track(this.truncate(effect.offset));
      case 'restart-at':
        return this.track(this.restartAt(effect.offset));
      case 'reply':
        return this.reply(effect);
      case 'to-leader':
        return router.toLeader(effect.broker, effect.message);
      case 'to-follower':
        return router.toFollower(effect.broker, effect.message);
      case 'push':
        return this.track(this.push(effect));
      case 'high-watermark':
        return this.notify();
      case 'role-changed':
        return this.roleChanged();
      case 'propose-isr':
        return this.track(this.proposeIsr(effect));
      case 'resign':
        return this.track(this.resign(effect.reason));
    }
  }

  private append(effect: ReplicaEffect & { type: 'append' }): void {
    const { requestId, push, headers, epoch } = effect;
    if (push !== null) return this.track(this.write(push.records, headers, epoch));
    const pending = this.produces.get(requestId!);
    if (pending === undefined) throw new Error(`${this.name}: append for produce ${requestId}, which is unknown`);
    let at = 0;
    for (const header of headers) {
      stampBatch(pending.records, at, header.baseOffset, epoch);
      at += header.batchLength;
    }
    this.track(
      this.write(pending.records, headers, epoch).then(() => this.settleUnacknowledged(requestId!, headers[0]!)),
    );
  }

  private async write(records: Uint8Array, headers: BatchHeader[], epoch: number): Promise<void> {
    const { log } = this.options;
    try {
      const { endOffset } = await log.append(records, headers);
      this.feed({ type: 'appended', epoch, endOffset });
    } catch (error) {
      const reason = toOttlaError(error).message;
      this.options.logger.error(
        `${this.name}: offsets ${headers[0]!.baseOffset} to ${lastOffset(headers.at(-1)!)} not written: ${reason}`,
      );
      const producers = log.producers.clone();
      this.feed({ type: 'append-failed', epoch, endOffset: log.logEnd, reason, producers, epochs: log.epochs.clone() });
    }
  }

  /** The machine doesn't reply to acks=0; its caller waits for the write all the same, as back-pressure. */
  private settleUnacknowledged(requestId: number, first: BatchHeader): void {
    const pending = this.produces.get(requestId);
    if (pending?.acks !== 0) return;
    this.produces.delete(requestId);
    pending.resolve({ baseOffset: first.baseOffset, logStart: this.logStart });
  }

  private reply(effect: ReplicaEffect & { type: 'reply' }): void {
    const pending = this.produces.get(effect.requestId);
    if (pending === undefined) return;
    this.produces.delete(effect.requestId);
    if (effect.error === null) pending.resolve({ baseOffset: effect.baseOffset, logStart: effect.logStart });
    else pending.reject(new OttlaError(effect.error, effect.message ?? `${this.name}: ${effect.error}`));
  }

  private async truncate(offset: number): Promise<void> {
    const { log, logger } = this.options;
    logger.info(`${this.name}: truncating from ${log.logEnd} to ${offset}, where the leader's log diverges`);
    await log.truncate(offset);
    this.feed({
      type: 'truncated',
      endOffset: log.logEnd,
      producers: log.producers.clone(),
      epochs: log.epochs.clone(),
    });
  }

  private async restartAt(offset: number): Promise<void> {
    const { log, logger } = this.options;
    logger.warn(`${this.name}: starting anew at ${offset}, the leader's log start; the end here was ${log.logEnd}`);
    await log.restartAt(offset);
    this.feed({ type: 'restarted-at', offset });
  }

  private async push(effect: ReplicaEffect & { type: 'push' }): Promise<void> {
    const { log, router } = this.options;
    const { broker, run, subscription, epoch, fromOffset, upTo, maxBytes, atLeastOne } = effect;
    await router.writable(broker);
    if (this.closed || this.leaderEpoch !== epoch) return;
    const read = await log.read(fromOffset, { maxBytes, upTo, atLeastOne });
    if (this.closed || this.leaderEpoch !== epoch) return;
    const message: PushMessage = {
      type: 'push',
      topicId: this.topicId,
      partition: this.partition,
      leaderEpoch: epoch,
      subscription,
      highWatermark: effect.highWatermark,
      logStart: effect.logStart,
      baseOffset: fromOffset,
      records: joined(read.chunks),
    };
    if (read.byteLength > 0) router.toFollower(broker, message);
    this.feed({ type: 'pushed', broker, run, subscription, epoch, endOffset: read.endOffset, bytes: read.byteLength });
  }

  private async proposeIsr(effect: ReplicaEffect & { type: 'propose-isr' }): Promise<void> {
    const { proposal, expectedModRevision, record, adds } = effect;
    const result = await this.writeRecord({ ...this.key(), expectedModRevision, record, adds });
    const { modRevision } = result;
    if (!result.written) {
      this.feed({ type: 'isr-refused', proposal, record: result.record, modRevision });
      return;
    }
    const members = result.record.isr.map((member) => member.broker);
    this.options.logger.info(`${this.name}: ISR is now [${members.join(', ')}] in epoch ${result.record.leaderEpoch}`);
    this.feed({ type: 'isr-written', proposal, record: result.record, modRevision });
  }

  private async writeRecord(change: PartitionChange): ReturnType<IsrWriter['write']> {
    try {
      return await this.options.isrWriter.write(change);
    } catch (error) {
      const failure = toOttlaError(error);
      if (!isRetriable(failure.code)) throw failure;
      this.options.logger.warn(`${this.name}: the store gave no answer to a change of the ISR: ${failure.message}`);
      return { written: false, record: null, modRevision: 0 };
    }
  }

  /** Leaves the leadership, and the ISR when another member can take over. The controller elects again. */
  private async resign(reason: string): Promise<void> {
    const { replica, clock, logger } = this.options;
    const record = replica.record;
    logger.warn(`${this.name}: giving up leadership of epoch ${replica.leaderEpoch}: ${reason}`);
    await clock.sleep(RESIGN_DELAY_MS);
    if (this.closed || record === null || record.leader === null) return;
    const others = record.isr.filter((member) => member.broker !== record.leader!.broker);
    const changed = { ...record, leader: null, isr: others.length > 0 ? others : record.isr };
    const { modRevision } = replica;
    const result = await this.writeRecord({
      ...this.key(),
      expectedModRevision: modRevision,
      record: changed,
      adds: [],
    });
    if (result.record !== null)
      this.feed({ type: 'record-changed', record: result.record, modRevision: result.modRevision });
  }

  private roleChanged(): void {
    const { logger } = this.options;
    logger.info(`${this.name}: ${this.options.replica.role} in epoch ${this.leaderEpoch}, log end ${this.logEnd}`);
    this.options.onRoleChange(this);
    this.notify();
  }

  private notify(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private track(task: Promise<void>): void {
    const tracked: Promise<void> = task
      .catch((error: unknown) => {
        if (!this.closed) this.takeOffline(error);
      })
      .finally(() => this.tasks.delete(tracked));
    this.tasks.add(tracked);
  }

  private armTimer(): void {
    const at = this.closed ? null : this.options.replica.nextDeadline();
    if (this.timer !== null && at !== null && this.timer.at <= at) return;
    this.timer?.timer.cancel();
    this.timer = null;
    if (at === null) return;
    const timer = this.options.clock.after(Math.max(0, at - this.options.clock.now()), () => {
      this.timer = null;
      this.feed({ type: 'tick' });
    });
    this.timer = { at, timer };
  }

  private key(): { topicId: string; partition: number } {
    return { topicId: this.topicId, partition: this.partition };
  }

  private requireLeader(): void {
    if (this.isLeader) return;
    throw new OttlaError(
      'NOT_LEADER_OR_FOLLOWER',
      `${this.name}: this broker doesn't lead the partition; refresh the metadata`,
    );
  }

  private requireInRange(offset: number): void {
    if (offset >= this.logStart && offset <= this.logEnd) return;
    throw new OttlaError(
      'OFFSET_OUT_OF_RANGE',
      `${this.name}: offset ${offset} is outside ${this.logStart} to ${this.logEnd}`,
    );
  }
}

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
