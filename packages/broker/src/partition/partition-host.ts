import type { LogConfig, PartitionLog } from '@ottla/log';
import { type BatchHeader, OttlaError, toOttlaError } from '@ottla/protocol';
import type { ProducerSnapshotEntry, Replica, ReplicaInput, ReplicaProgress } from '@ottla/replication';
import type { Clock, Codecs, Logger, ReportedReplica, Timer } from '@ottla/runtime';
import type {
  DeleteRecordsResult,
  LocalPartition,
  ProduceOptions,
  ProduceResult,
  ReadOptions,
  ReadResult,
  TimestampedOffset,
} from '../services';
import { EffectRunner, type ReplicaRouter } from './effect-runner';
import type { MachineTime } from './machine-time';
import { PendingProduces } from './pending-produces';
import { PendingRequests } from './pending-requests';
import type { RecordWriter } from './record-writer';

export interface PartitionHostOptions {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly clock: Clock;
  /** What the machine is told as `now`. */
  readonly time: MachineTime;
  readonly logger: Logger;
  readonly codecs: Codecs;
  readonly replica: Replica;
  readonly log: PartitionLog;
  readonly router: ReplicaRouter;
  readonly recordWriter: RecordWriter;
  /** Called after the role or the leader epoch changed. */
  onRoleChange(host: PartitionHost): void;
}

/** Runs one replica: feeds inputs to its machine one at a time and has the effects carried out. */
export class PartitionHost implements LocalPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly name: string;
  private readonly inputs: ReplicaInput[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly produces: PendingProduces;
  private readonly deletions = new PendingRequests<DeleteRecordsResult>();
  private readonly effects: EffectRunner;
  private readonly waitingToSettle: (() => void)[] = [];
  private stepping = false;
  private stopped = false;
  private broken = false;
  private timer: { readonly at: number; readonly timer: Timer } | null = null;

  constructor(private readonly options: PartitionHostOptions) {
    const { topic, topicId, partition } = options;
    this.topic = topic;
    this.topicId = topicId;
    this.partition = partition;
    this.name = `${topic}-${partition}`;
    this.produces = new PendingProduces(this.name);
    this.effects = new EffectRunner({
      ...options,
      name: this.name,
      produces: this.produces,
      deletions: this.deletions,
      feed: (input) => this.feed(input),
      leaderEpoch: () => this.leaderEpoch,
      onAdvance: () => this.notify(),
      onRoleChange: () => this.roleChanged(),
      onFailure: (error) => this.takeOffline(error),
    });
  }

  get isLeader(): boolean {
    return this.options.replica.role === 'leader';
  }

  get isFollowing(): boolean {
    return this.options.replica.isFollowing;
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

  get sizeBytes(): number {
    return this.options.log.sizeBytes;
  }

  producers(): ProducerSnapshotEntry[] {
    return this.options.log.producers.toSnapshot();
  }

  latestReadable(): number {
    this.requireLeader();
    return this.options.replica.latestReadable();
  }

  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.options.replica.endOffsetForEpoch(epoch);
  }

  progress(): ReplicaProgress[] {
    return this.options.replica.replicaProgress();
  }

  produce(records: Uint8Array, headers: BatchHeader[], options: ProduceOptions): Promise<ProduceResult> {
    return new Promise((resolve, reject) => {
      const { acks, timeoutMs } = options;
      if (this.stopped) return reject(this.stoppedError());
      const requestId = this.produces.add({ records, acks, resolve, reject });
      const deadline = this.options.time.now() + timeoutMs;
      this.feed({ type: 'produce', requestId, acks, headers, deadline });
    });
  }

  deleteRecords(offset: number, timeoutMs: number): Promise<DeleteRecordsResult> {
    return new Promise((resolve, reject) => {
      if (this.stopped) return reject(this.stoppedError());
      const requestId = this.deletions.add({ resolve, reject });
      this.feed({ type: 'delete-records', requestId, offset, deadline: this.options.time.now() + timeoutMs });
    });
  }

  async read(fromOffset: number, options: ReadOptions): Promise<ReadResult> {
    if (!options.fromFollower || !this.isFollowing) this.requireLeader();
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
    return { offset, timestamp, leaderEpoch: this.epochAt(offset) };
  }

  epochAt(offset: number): number {
    return this.options.log.epochs.epochAt(offset);
  }

  onAdvance(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Settings for the log, and for how long idempotent producers are remembered, which may have changed. */
  updateConfig(config: LogConfig, producerExpirationMs: number): void {
    const { log } = this.options;
    log.updateConfig(config);
    if (log.producers.expirationMs === producerExpirationMs) return;
    log.producerExpirationMs = producerExpirationMs;
    this.feed({ type: 'producer-expiration', expirationMs: producerExpirationMs });
  }

  /** Takes one input. The effects of an input are carried out before the next input is looked at. */
  feed(input: ReplicaInput): void {
    if (this.stopped) return;
    this.inputs.push(input);
    if (this.stepping) return;
    this.stepping = true;
    try {
      for (let next = this.inputs.shift(); next !== undefined; next = this.inputs.shift()) this.step(next);
    } finally {
      this.stepping = false;
    }
    this.armTimer();
    if (this.isSettled) for (const release of this.waitingToSettle.splice(0)) release();
  }

  /** Resolves once nothing is being written to the log or cut from it any more, as far as was ordered by now. */
  settled(): Promise<void> {
    return this.isSettled ? Promise.resolve() : new Promise((resolve) => this.waitingToSettle.push(resolve));
  }

  /** What this replica holds; null when its log can't be used. */
  report(): Omit<ReportedReplica, 'logId'> | null {
    if (this.broken || this.stopped) return null;
    const { highestEpoch, lastEpoch, logEnd } = this.options.replica;
    return { topicId: this.topicId, partition: this.partition, highestEpoch, lastEpoch, logEnd };
  }

  /** Takes no more inputs, fails what waits, and waits for what is under way. The log stays open. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.timer.cancel();
    this.failPending(this.stoppedError());
    for (const release of this.waitingToSettle.splice(0)) release();
    this.notify();
    await this.effects.stop();
  }

  private get isSettled(): boolean {
    return this.stopped || this.broken || this.options.replica.isSettled;
  }

  private step(input: ReplicaInput): void {
    try {
      for (const effect of this.options.replica.step(this.options.time.now(), input)) this.effects.carryOut(effect);
    } catch (error) {
      this.takeOffline(error);
    }
  }

  /** A broken invariant, or damage: this replica stops; the broker and its other partitions go on. */
  private takeOffline(cause: unknown): void {
    if (this.stopped || this.broken) return;
    this.broken = true;
    const { message } = toOttlaError(cause);
    this.options.logger.error(`${this.name}: replica taken offline; restart the broker to recover it: ${message}`, {
      ...(cause instanceof Error ? { cause: cause.name, stack: cause.stack } : {}),
    });
    this.inputs.length = 0;
    this.feed({ type: 'offline', reason: message });
    this.failPending(new OttlaError('KAFKA_STORAGE_ERROR', `${this.name}: the replica is offline: ${message}`));
  }

  private failPending(error: OttlaError): void {
    this.produces.rejectAll(error);
    this.deletions.rejectAll(error);
  }

  private roleChanged(): void {
    const { logger, replica } = this.options;
    logger.info(`${this.name}: ${replica.role} in epoch ${this.leaderEpoch}, log end ${this.logEnd}`);
    this.options.onRoleChange(this);
    this.notify();
  }

  private notify(): void {
    for (const listener of [...this.listeners]) listener();
  }

  private armTimer(): void {
    const { replica, clock, time } = this.options;
    const at = this.stopped ? null : replica.nextDeadline();
    if (this.timer !== null && at !== null && this.timer.at <= at) return;
    this.timer?.timer.cancel();
    this.timer = null;
    if (at === null) return;
    const timer = clock.after(Math.max(0, at - time.now()), () => {
      this.timer = null;
      this.feed({ type: 'tick' });
    });
    this.timer = { at, timer };
  }

  private stoppedError(): OttlaError {
    return new OttlaError('NOT_LEADER_OR_FOLLOWER', `${this.name}: this broker is closing the replica`);
  }

  private requireLeader(): void {
    if (this.isLeader && !this.stopped) return;
    throw new OttlaError(
      'NOT_LEADER_OR_FOLLOWER',
      `${this.name}: this broker doesn't lead the partition; refresh the metadata`,
    );
  }

  private requireInRange(offset: number): void {
    if (offset >= this.logStart && offset <= this.logEnd) return;
    const range = `${this.logStart} to ${this.logEnd}`;
    throw new OttlaError('OFFSET_OUT_OF_RANGE', `${this.name}: offset ${offset} is outside ${range}`);
  }
}
