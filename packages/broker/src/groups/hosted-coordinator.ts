import {
  type GroupApi,
  GroupCoordinator,
  type GroupCoordinatorOptions,
  type GroupEffect,
  type GroupInput,
  type GroupRequestInput,
  type GroupResponse,
  type GroupResponses,
  type RecordToWrite,
  type StoredRecord,
} from '@ottla/groups';
import { decodeBatch, encodeBatch, isControl, OttlaError, readBatchHeader, toOttlaError } from '@ottla/protocol';
import { type Clock, type Codecs, Deferred, type Logger, type Random, type Timer } from '@ottla/runtime';
import type { GroupRequest, LocalPartition } from '../services';
import { logGroupEvent } from './event-log';
import type { GroupTime } from './group-time';

export interface HostedCoordinatorOptions {
  readonly partition: LocalPartition;
  readonly settings: GroupCoordinatorOptions;
  /** `offsets.load.buffer.size`. */
  readonly loadBytes: number;
  /** `offsets.commit.timeout.ms`. */
  readonly commitTimeoutMs: number;
  readonly clock: Clock;
  readonly time: GroupTime;
  readonly random: Random;
  readonly codecs: Codecs;
  readonly logger: Logger;
  /** Called when the coordinator came to an end that it should not have: another one is to take its place. */
  onBroken(coordinator: HostedCoordinator): void;
}

interface Waiting {
  resolve(body: GroupResponse): void;
  reject(error: OttlaError): void;
}

/** How long a request may wait for a load before it is answered COORDINATOR_LOAD_IN_PROGRESS. */
const LOAD_PATIENCE_MS = 1_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/**
 * Runs the coordinator of one partition of `__consumer_offsets` in one leader epoch: loads it, feeds it requests and time,
 * and carries its writes out as acks=all appends to the partition.
 */
export class HostedCoordinator {
  /** The leader epoch that it belongs to. What an earlier or later one did never reaches it. */
  readonly epoch: number;
  private readonly machine: GroupCoordinator;
  private readonly waiting = new Map<number, Waiting>();
  private readonly name: string;
  private nextRequestId = 1;
  private timer: { at: number; timer: Timer } | null = null;
  private stopWaiting: () => void = () => {};
  private readonly settled = new Deferred<void>();
  private loading = true;
  private unloaded = false;
  private broken = false;

  constructor(private readonly options: HostedCoordinatorOptions) {
    const { partition, settings } = options;
    this.epoch = partition.leaderEpoch;
    this.name = `${partition.topic}-${partition.partition}`;
    this.machine = new GroupCoordinator(settings, this.epoch);
  }

  /** Loads, and serves from then on. Never rejects. */
  async start(): Promise<void> {
    let next = 0;
    for (let retryMs = FIRST_RETRY_MS; !this.unloaded; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      try {
        next = await this.load(next);
        break;
      } catch (thrown) {
        if (this.unloaded) return;
        const { message } = toOttlaError(thrown);
        this.options.logger.error(`${this.name}: loading groups failed, trying again in ${retryMs} ms: ${message}`);
        await this.pause(retryMs);
      }
    }
    if (this.unloaded) return;
    this.feed({ type: 'loaded' });
    this.loading = false;
    this.settled.resolve();
  }

  /** A request that comes while the groups are being loaded waits a little: after a failover that is all it takes. */
  async request<A extends GroupApi>(api: A, request: GroupRequest<A>): Promise<GroupResponses[A]> {
    if (this.loading && !this.unloaded && api !== 'Heartbeat') await this.loadedOrLate();
    if (this.broken) throw this.gone();
    return this.answer(api, request);
  }

  private loadedOrLate(): Promise<void> {
    const late = new Deferred<void>();
    const timer = this.options.clock.after(LOAD_PATIENCE_MS, () => late.resolve());
    return Promise.race([this.settled.promise, late.promise]).finally(() => timer.cancel());
  }

  private answer<A extends GroupApi>(api: A, request: GroupRequest<A>): Promise<GroupResponses[A]> {
    const { version, clientId, clientHost, body } = request;
    const requestId = this.nextRequestId++;
    const memberIdSeed = this.options.random.uuid();
    const input = { type: 'request', api, requestId, version, clientId, clientHost, memberIdSeed, body };
    return new Promise((resolve, reject) => {
      this.waiting.set(requestId, { resolve: resolve as Waiting['resolve'], reject });
      try {
        this.step(input as GroupRequestInput);
      } catch (error) {
        // What one request can't be done with is that request's failure.
        this.waiting.delete(requestId);
        reject(error);
      }
    });
  }

  onTopicsDeleted(topics: readonly string[]): void {
    this.feed({ type: 'topics-deleted', topics });
  }

  /** Leadership is gone: what waits is answered NOT_COORDINATOR. */
  unload(): void {
    if (this.unloaded) return;
    this.feed({ type: 'unload' });
    this.stop();
  }

  /** Everything up to the end of the log at the epoch's start, then waits until that end is committed. */
  private async load(from: number): Promise<number> {
    const { partition, loadBytes } = this.options;
    let next = Math.max(from, partition.logStart);
    while (!this.unloaded) {
      if (next >= partition.logEnd) {
        await this.highWatermarkAt(next);
        if (next >= partition.logEnd) break;
      }
      const { records, endOffset } = await partition.readForLoad(next, loadBytes);
      if (this.unloaded) break;
      if (endOffset <= next) throw new OttlaError('KAFKA_STORAGE_ERROR', `nothing can be read at offset ${next}`);
      for (const bytes of records) this.feed({ type: 'load', records: [...this.recordsIn(bytes, next)] });
      next = endOffset;
    }
    return next;
  }

  private *recordsIn(bytes: Uint8Array, from: number): Iterable<StoredRecord> {
    const { codecs } = this.options;
    const decompress = codecs.decompress.bind(codecs);
    for (let at = 0; at < bytes.length; ) {
      const header = readBatchHeader(bytes, at);
      const records = isControl(header) ? [] : decodeBatch(bytes, at, header, decompress);
      for (const { offset, key, value, timestamp } of records) if (offset >= from) yield { key, value, timestamp };
      at += header.batchLength;
    }
  }

  private highWatermarkAt(offset: number): Promise<void> {
    const { partition } = this.options;
    if (partition.highWatermark >= offset) return Promise.resolve();
    return this.until((done) =>
      partition.onAdvance(() => {
        if (partition.highWatermark >= offset) done();
      }),
    );
  }

  private pause(delayMs: number): Promise<void> {
    return this.until((done) => {
      const timer = this.options.clock.after(delayMs, done);
      return () => timer.cancel();
    });
  }

  /** Waits for an event, or for unloading. */
  private until(subscribe: (done: () => void) => () => void): Promise<void> {
    return new Promise((resolve) => {
      const unsubscribe = subscribe(() => this.stopWaiting());
      this.stopWaiting = () => {
        this.stopWaiting = () => {};
        unsubscribe();
        resolve();
      };
    });
  }

  /** Takes an input that nobody waits for: where it fails, the state can't be trusted and is loaded anew. */
  private feed(input: GroupInput): void {
    if (this.unloaded) return;
    try {
      this.step(input);
    } catch (thrown) {
      const { message, stack } = toOttlaError(thrown);
      this.options.logger.error(`${this.name}: the coordinator failed and is loaded anew: ${message}`, { stack });
      this.stop();
      this.broken = true;
      for (const { reject } of this.waiting.values()) reject(this.gone());
      this.waiting.clear();
      this.options.onBroken(this);
    }
  }

  private gone(): OttlaError {
    return new OttlaError('NOT_COORDINATOR', `${this.name}: its coordinator is loaded anew`);
  }

  private stop(): void {
    this.unloaded = true;
    this.settled.resolve();
    this.timer?.timer.cancel();
    this.stopWaiting();
  }

  private step(input: GroupInput): void {
    for (const effect of this.machine.step(this.options.time.now(), input)) this.carryOut(effect);
    this.armTimer();
  }

  private carryOut(effect: GroupEffect): void {
    switch (effect.type) {
      case 'reply': {
        const waiting = this.waiting.get(effect.requestId);
        this.waiting.delete(effect.requestId);
        waiting?.resolve(effect.body);
        return;
      }
      case 'write':
        this.write(effect.writeId, effect.records);
        return;
      case 'event':
        logGroupEvent(effect.event, this.name, this.options.logger);
    }
  }

  /** Appends begin in the order of the writes. */
  private write(writeId: number, records: readonly RecordToWrite[]): void {
    const { partition, commitTimeoutMs, clock } = this.options;
    const timestamp = clock.wall();
    const bytes = encodeBatch({ records: records.map(({ key, value }) => ({ key, value, timestamp })) });
    const headers = [readBatchHeader(bytes)];
    partition.produce(bytes, headers, { acks: -1, timeoutMs: commitTimeoutMs }).then(
      () => this.feed({ type: 'written', writeId }),
      (error) => this.feed({ type: 'write-failed', writeId, error: toOttlaError(error).code }),
    );
  }

  private armTimer(): void {
    const at = this.unloaded ? null : this.machine.nextDeadline();
    if (at === (this.timer?.at ?? null)) return;
    this.timer?.timer.cancel();
    this.timer = null;
    if (at === null) return;
    const delayMs = Math.max(at - this.options.time.now(), 0);
    const timer = this.options.clock.after(delayMs, () => {
      this.timer = null;
      this.feed({ type: 'tick' });
    });
    this.timer = { at, timer };
  }
}
