import { type ErrorName, OttlaError, type RecordInput, toOttlaError } from '@ottla/protocol';
import type { Backoff, door } from '@ottla/rpc';
import type { Clock, Codecs, Timer } from '@ottla/runtime';
import type { ProducerSettings } from './options';
import { type Delivered, PendingBatch, type ProducerIdentity } from './pending-batch';
import type { ProduceLink, ProduceOutcome } from './produce-link';

/** What the queue of a partition needs of its producer. */
export interface PartitionContext {
  readonly settings: ProducerSettings;
  readonly clock: Clock;
  readonly codecs: Codecs;
  /** Aborted when the producer gives up. */
  readonly closing: AbortSignal;
  backoff(): Backoff;
  /** The stream to the partition's leader, null when none is known. */
  linkToLeader(topic: string, partition: number): ProduceLink | null;
  refresh(topic: string): Promise<void>;
  /** False when the hint is no news. */
  takeHint(topic: string, partition: number, leader: door.CurrentLeader): boolean;
  /** The producer's identity, or one that was never used. */
  identity(unused: boolean): Promise<ProducerIdentity>;
  onCreated(batch: PendingBatch): void;
  /** A batch failed and nobody was told. */
  onUnheard(error: OttlaError): void;
}

const MAX_SEQUENCE = 0x7fffffff;

/** Outcomes after which the batch may be in the log all the same. */
const UNCERTAIN: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'NETWORK_EXCEPTION',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
  'UNKNOWN_SERVER_ERROR',
]);

/** The broker refused the identity, and so didn't append. */
const IDENTITY_REFUSED: ReadonlySet<ErrorName> = new Set<ErrorName>(['UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH']);

/**
 * The batches of one partition: one being filled, some ready, some under way. When one fails, nothing more is sent until
 * the outcomes of all those under way are known; then those that may be tried again go first, in their order.
 */
export class PartitionQueue {
  readonly #topic: string;
  readonly #partition: number;
  readonly #context: PartitionContext;
  readonly #backoff: Backoff;
  #filling: PendingBatch | null = null;
  #linger: Timer | null = null;
  #ready: PendingBatch[] = [];
  #underWay: PendingBatch[] = [];
  #failed: PendingBatch[] = [];
  #identity: ProducerIdentity | null = null;
  #identityUsed = false;
  #nextSequence = 0;
  #nextPlace = 0;
  /** A numbered batch won't come: the broker would refuse all that are numbered after it. */
  #gap = false;
  /** Waits for a leader, an identity, the back-off or the stream. */
  #waiting = false;
  #hinted = false;
  #created = 0;
  #lastError: OttlaError | null = null;

  constructor(topic: string, partition: number, context: PartitionContext) {
    this.#topic = topic;
    this.#partition = partition;
    this.#context = context;
    this.#backoff = context.backoff();
  }

  append(record: RecordInput, bytes: number, delivered: Delivered | null): void {
    const { batchSize, lingerMs } = this.#context.settings;
    // Given up by the delivery timeout.
    if (this.#filling?.settled) this.#filling = null;
    if (this.#filling !== null && this.#filling.bytes + bytes > batchSize) this.flush();
    this.#filling ??= this.#create();
    this.#filling.add(record, bytes, delivered);
    if (this.#filling.bytes >= batchSize) this.flush();
    else this.#linger ??= this.#context.clock.after(lingerMs, () => this.flush());
  }

  /** Sends what is being filled without waiting for more. */
  flush(): void {
    this.#linger?.cancel();
    this.#linger = null;
    if (this.#filling === null) return;
    this.#ready.push(this.#filling);
    this.#filling = null;
    this.#pump();
  }

  #create(): PendingBatch {
    const { clock, settings } = this.#context;
    const batch = new PendingBatch(this.#topic, this.#partition, this.#created++);
    batch.timer = clock.after(settings.deliveryTimeoutMs, () => {
      const reason = this.#lastError === null ? '' : `: ${this.#lastError.message}`;
      const what = `records for ${this.#topic}-${this.#partition} were not delivered within ${settings.deliveryTimeoutMs} ms`;
      this.#fail(batch, new OttlaError('REQUEST_TIMED_OUT', `${what}${reason}`));
    });
    this.#context.onCreated(batch);
    return batch;
  }

  #pump(): void {
    while (this.#maySend()) this.#sendNext();
  }

  #maySend(): boolean {
    this.#dropSettled();
    if (this.#waiting || this.#gap || this.#failed.length > 0) return false;
    return this.#ready.length > 0 && this.#fitsInFlight(this.#ready[0]!);
  }

  /**
   * A broker recognises only the last batches of a producer. So that none whose answer was lost is pushed out of them,
   * numbered batches are sent again one at a time, and new ones don't run further ahead of the oldest unanswered.
   */
  #fitsInFlight(next: PendingBatch): boolean {
    const { idempotent, maxInFlight } = this.#context.settings;
    const [oldest] = this.#underWay;
    if (oldest === undefined) return true;
    if (!idempotent) return this.#underWay.length < maxInFlight;
    return !oldest.resent && next.sequence < 0 && this.#nextPlace - oldest.place < maxInFlight;
  }

  /** Batches at the front that were given up while they waited. */
  #dropSettled(): void {
    while (this.#ready[0]?.settled) {
      const { sequence } = this.#ready.shift()!;
      if (sequence < 0 || this.#gap) continue;
      this.#gap = true;
      this.#endRound();
    }
  }

  #sendNext(): void {
    const { settings, codecs } = this.#context;
    if (settings.idempotent && this.#identity === null) {
      this.#wait(this.#acquireIdentity());
      return;
    }
    const link = this.#context.linkToLeader(this.#topic, this.#partition);
    if (link === null) {
      this.#wait(this.#findLeader());
      return;
    }
    if (!link.writable) {
      this.#wait(new Promise<void>((resolve) => link.whenWritable(resolve)));
      return;
    }
    const batch = this.#ready.shift()!;
    batch.resent = batch.sequence >= 0;
    if (!batch.resent && this.#identity !== null) this.#number(batch, this.#identity);
    this.#underWay.push(batch);
    try {
      const entry = {
        topic: this.#topic,
        partition: this.#partition,
        acks: settings.acks,
        timeoutMs: settings.requestTimeoutMs,
        records: batch.encode(codecs, settings.compression),
      };
      link.send(entry, (outcome) => this.#onOutcome(batch, outcome));
    } catch (error) {
      this.#onOutcome(batch, { error: toOttlaError(error), baseOffset: -1, logAppendTime: -1, currentLeader: null });
    }
  }

  #number(batch: PendingBatch, identity: ProducerIdentity): void {
    batch.number(identity, this.#nextSequence);
    batch.place = this.#nextPlace++;
    const next = this.#nextSequence + batch.recordCount;
    this.#nextSequence = next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next;
  }

  #onOutcome(batch: PendingBatch, outcome: ProduceOutcome): void {
    const earlierUnderWay = this.#underWay[0] !== batch;
    this.#underWay = this.#underWay.filter((other) => other !== batch);
    const { error } = outcome;
    if (error === null || error.code === 'DUPLICATE_SEQUENCE_NUMBER') {
      this.#backoff.reset();
      batch.succeed(outcome.baseOffset, outcome.logAppendTime);
    } else {
      this.#onFailure(batch, error, earlierUnderWay);
      if (outcome.currentLeader !== null) this.#takeHint(outcome.currentLeader);
    }
    this.#endRound();
    this.#pump();
  }

  #onFailure(batch: PendingBatch, error: OttlaError, earlierUnderWay: boolean): void {
    this.#lastError = error;
    if (UNCERTAIN.has(error.code)) batch.mayBeAppended = true;
    const numberRefused = error.code === 'OUT_OF_ORDER_SEQUENCE_NUMBER' || IDENTITY_REFUSED.has(error.code);
    // Refused because one before it failed: both go again, in order.
    const behindFailed = numberRefused && (earlierUnderWay || this.#failed.length > 0 || this.#gap);
    const refusedIdentity = IDENTITY_REFUSED.has(error.code) && !behindFailed && !batch.mayBeAppended;
    if (!batch.settled && (error.retriable || refusedIdentity || behindFailed)) this.#failed.push(batch);
    else this.#fail(batch, error);
    if (batch.sequence >= 0 && (batch.settled || refusedIdentity)) this.#gap = true;
  }

  /** When a batch has failed and the outcomes of the others are known: sorts out how to go on. */
  #endRound(): void {
    if (this.#underWay.length > 0 || (this.#failed.length === 0 && !this.#gap)) return;
    this.#ready = [...this.#failed.sort((a, b) => a.order - b.order), ...this.#ready];
    this.#failed = [];
    if (this.#gap) this.#startOver();
    if (this.#hinted) this.#hinted = false;
    else if (this.#ready.length > 0) this.#wait(this.#findLeader());
  }

  /** Numbers from 0 on under an identity that was never used. */
  #startOver(): void {
    this.#gap = false;
    this.#identity = null;
    this.#nextSequence = 0;
    for (const batch of this.#ready) {
      if (batch.sequence < 0) continue;
      // Under another identity the broker couldn't tell that it has the batch already.
      if (batch.mayBeAppended && !batch.settled) this.#fail(batch, outcomeUnknown(batch, this.#lastError));
      batch.number(null, -1);
    }
  }

  #takeHint(leader: door.CurrentLeader): void {
    this.#hinted = this.#context.takeHint(this.#topic, this.#partition, leader);
  }

  async #findLeader(): Promise<void> {
    await this.#context.clock.sleep(this.#backoff.next(), this.#context.closing);
    await this.#context.refresh(this.#topic);
  }

  async #acquireIdentity(): Promise<void> {
    try {
      this.#identity = await this.#context.identity(this.#identityUsed);
      this.#identityUsed = true;
    } catch (error) {
      await this.#context.clock.sleep(this.#backoff.next(), this.#context.closing);
      throw error;
    }
  }

  #wait(until: Promise<void>): void {
    this.#waiting = true;
    const goOn = (): void => {
      this.#waiting = false;
      if (!this.#context.closing.aborted) this.#pump();
    };
    until.then(goOn, (error) => {
      this.#lastError = toOttlaError(error);
      goOn();
    });
  }

  #fail(batch: PendingBatch, error: OttlaError): void {
    if (!batch.settled && !batch.fail(error)) this.#context.onUnheard(error);
  }
}

function outcomeUnknown({ topic, partition }: PendingBatch, cause: OttlaError | null): OttlaError {
  const message = `whether records for ${topic}-${partition} were appended isn't known, and they can't be sent again safely`;
  return new OttlaError('REQUEST_TIMED_OUT', cause === null ? message : `${message}: ${cause.message}`, { cause });
}
