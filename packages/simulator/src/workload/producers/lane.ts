import { OttlaError, toOttlaError } from '@ottla/protocol';
import type { Acks, PartitionRef } from '../../history/events';
import type { ActorContext } from '../actor';
import { type Batch, makeBatch, type Sequencing } from './batch';

/** What a producer sends its batches through: the Kafka door or the gRPC door. */
export interface ProduceTransport {
  /** The incarnation of the topic that is known now; null when none is. */
  topicId(topic: string): string | null;
  /** Whether the topic was last heard not to exist. */
  isMissing(topic: string): boolean;
  /** Resolves, with the leader, when batches can be sent to it; null when there is none now. */
  prepare(topic: string, partition: number): Promise<number | null>;
  /** Sends; calls leave in order. With acks=0 it resolves at once. Rejects with an OttlaError. */
  send(broker: number, to: PartitionRef, acks: Acks, bytes: Uint8Array): Promise<{ readonly baseOffset: number }>;
  refresh(topic: string): Promise<void>;
}

export interface LaneOptions {
  readonly topic: string;
  readonly partition: number;
  readonly acks: Acks;
  readonly maxInFlight: number;
  /** Attempts before a batch is given up; idempotent producers never give up. */
  readonly maxAttempts: number;
  /** One in this many acknowledged batches is sent again; 0 for none. */
  readonly echoOneIn: number;
}

/** Who numbers the batches; null while an idempotent producer has no id. */
export type NextSequence = (count: number) => Sequencing | null;

const QUEUE_LIMIT = 8;
const BACKOFF_MS = 60;
const PATIENCE_MS = 1_500;
const LOOK_UP_MS = 300;
/** How many of the last batches of a producer a broker recognises. */
const REMEMBERED = 5;
/** The broker doesn't know how this sequence continues what it has. */
const SEQUENCE_ERRORS = new Set(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH']);

/** Not retriable by Kafka's table, and yet what a producer with several batches in flight sends again. */
const RETRIED = new Set([...SEQUENCE_ERRORS, 'DUPLICATE_SEQUENCE_NUMBER', 'BROKER_NOT_AVAILABLE']);

/** What one producer sends to one partition, in order. */
export class Lane {
  private readonly queue: Batch[] = [];
  private readonly delivered: Batch[] = [];
  private topicId: string | null = null;
  private readonly begun = new Set<string>();
  private number = 0;
  /** When the last batch was made that was acknowledged; null when none was. */
  private lastAckedMadeAt: number | null = null;
  private lookedUpAt = Number.NEGATIVE_INFINITY;
  private missingSince: number | null = null;
  private running = false;
  private troubled = false;
  private wake: () => void = () => {};
  private closed = false;

  constructor(
    private readonly context: ActorContext,
    private readonly transport: ProduceTransport,
    private readonly options: LaneOptions,
    /** The producer's id became useless. */
    private readonly onSequenceLost: () => void,
  ) {}

  get pending(): number {
    return this.queue.length;
  }

  get name(): string {
    return `${this.options.topic}-${this.options.partition}`;
  }

  /** Makes a batch, unless too many wait already. */
  offer(count: number, padding: number, nextSequence: NextSequence): void {
    const { context, transport, options } = this;
    if (this.closed || this.queue.length >= QUEUE_LIMIT) return;
    const known = transport.topicId(options.topic);
    if (known !== null && known !== this.topicId) this.beginTopic(known);
    if (known === null) this.lookUp();
    if (this.topicId === null) return;
    const sequencing = nextSequence(count);
    if (sequencing === null) return;
    const { clock, name: producer } = context;
    const content = { producer, to: this.ref(), firstNumber: this.number, count, padding, timestamp: clock.wall() };
    this.number += count;
    this.queue.push(makeBatch(context.nextId(), content, sequencing, clock.now()));
    this.wake();
    void this.run();
  }

  /** Forgets what is not acknowledged: its sequences mean nothing any more. */
  abandon(): void {
    this.queue.length = 0;
    this.delivered.length = 0;
    this.lastAckedMadeAt = null;
    this.wake();
  }

  /** The topic seems to be gone. Should it turn out to be there, what has been dropped must not be a gap of its sequences. */
  private giveUp(): void {
    const leavesGap = this.queue.some(({ producerId }) => producerId >= 0);
    this.abandon();
    if (leavesGap) this.onSequenceLost();
  }

  close(): void {
    this.closed = true;
    this.abandon();
  }

  /** Set by the producer: sequences of this lane begin anew with another incarnation of the topic. */
  onNewTopic: () => void = () => {};

  private ref(): PartitionRef {
    const { topic, partition } = this.options;
    return { topic, topicId: this.topicId!, partition };
  }

  private beginTopic(topicId: string): void {
    this.abandon();
    this.topicId = topicId;
    // A broker that hasn't heard yet may have told of another incarnation meanwhile.
    if (this.begun.has(topicId)) this.onSequenceLost();
    else this.onNewTopic();
    this.begun.add(topicId);
  }

  private lookUp(): void {
    const now = this.context.clock.now();
    if (now - this.lookedUpAt < LOOK_UP_MS) return;
    this.lookedUpAt = now;
    void this.transport.refresh(this.options.topic);
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      while (this.queue.length > 0 && !this.closed) await this.round();
    } finally {
      this.running = false;
    }
  }

  /** Sends what may be sent, then waits for an answer or for another batch. */
  private async round(): Promise<void> {
    const { transport, options, context } = this;
    if (this.troubled && this.inFlight() > 0) return this.pause();
    if (this.troubled) {
      this.troubled = false;
      await context.clock.sleep(BACKOFF_MS + context.random.below(BACKOFF_MS));
      await transport.refresh(options.topic);
      if (this.isGone()) return this.giveUp();
    }
    let broker: number | null = null;
    try {
      broker = await transport.prepare(options.topic, options.partition);
    } catch (error) {
      if (!(error instanceof OttlaError)) throw error;
    }
    if (broker === null) {
      this.troubled = true;
      return;
    }
    if (transport.topicId(options.topic) !== this.topicId) return this.giveUp();
    for (const batch of [...this.queue]) {
      if (this.inFlight() >= options.maxInFlight || this.troubled) break;
      if (!batch.inFlight) this.send(broker, batch);
    }
    if (this.queue.length > 0) await this.pause();
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private inFlight(): number {
    return this.queue.filter((batch) => batch.inFlight).length;
  }

  /** The topic is gone, or came back as another one, for long enough to believe it. */
  private isGone(): boolean {
    const { transport, options, context } = this;
    const now = context.clock.now();
    const known = transport.topicId(options.topic);
    if (known !== null && known !== this.topicId) return true;
    if (!transport.isMissing(options.topic)) this.missingSince = null;
    else this.missingSince ??= now;
    return this.missingSince !== null && now - this.missingSince > PATIENCE_MS;
  }

  private send(broker: number, batch: Batch): void {
    const { options } = this;
    const to = this.ref();
    batch.attempts++;
    batch.inFlight = true;
    const sent = this.recordSent(broker, to, batch);
    this.transport.send(broker, to, options.acks, batch.bytes).then(
      ({ baseOffset }) => this.onAcked(broker, to, batch, baseOffset, sent),
      (error: unknown) => this.onRefused(broker, to, batch, toOttlaError(error), sent),
    );
  }

  private recordSent(broker: number, to: PartitionRef, batch: Batch): number {
    const { recorder, name: client } = this.context;
    const { id, producerId, producerEpoch, baseSequence, values, madeAt } = batch;
    const { acks } = this.options;
    const what = { batch: id, broker, acks, producerId, producerEpoch, baseSequence, values, madeAt };
    recorder.record({ type: 'produce-sent', client, ...to, ...what });
    return recorder.mark;
  }

  private onAcked(broker: number, to: PartitionRef, batch: Batch, baseOffset: number, sent: number): void {
    const { acks, echoOneIn } = this.options;
    const { recorder, name: client, random } = this.context;
    if (acks !== 0) {
      recorder.record({ type: 'produce-acked', client, sent, ...to, batch: batch.id, broker, acks, baseOffset });
    }
    this.settle(batch);
    this.lastAckedMadeAt = Math.max(this.lastAckedMadeAt ?? 0, batch.madeAt);
    if (batch.producerId < 0) return;
    this.delivered.push(batch);
    if (this.delivered.length > REMEMBERED) this.delivered.shift();
    if (echoOneIn > 0 && random.below(echoOneIn) === 0) void this.echo();
  }

  private onRefused(broker: number, to: PartitionRef, batch: Batch, error: OttlaError, sent: number): void {
    const { recorder, name: client, clock } = this.context;
    const oldest = this.queue[0] === batch;
    const idleMs = clock.now() - (this.lastAckedMadeAt ?? clock.now());
    const what = { batch: batch.id, broker, error: error.code, oldest, idleMs };
    recorder.record({ type: 'produce-refused', client, sent, ...to, ...what });
    batch.inFlight = false;
    this.troubled = true;
    const idempotent = batch.producerId >= 0;
    const hopeless = !error.retriable && !RETRIED.has(error.code);
    const spent = !idempotent && batch.attempts >= this.options.maxAttempts;
    if (idempotent && (hopeless || (oldest && SEQUENCE_ERRORS.has(error.code)))) this.onSequenceLost();
    else if (spent || hopeless || error.code === 'DUPLICATE_SEQUENCE_NUMBER') this.settle(batch);
    this.wake();
  }

  private settle(batch: Batch): void {
    batch.inFlight = false;
    const index = this.queue.indexOf(batch);
    if (index >= 0) this.queue.splice(index, 1);
    this.wake();
  }

  /**
   * Sends an acknowledged batch once more, as a request does that was held up on a connection that had been given up. The
   * answer, if it isn't an error, must be the same.
   */
  private async echo(): Promise<void> {
    const { transport, options, context, delivered } = this;
    const batch = delivered[context.random.below(delivered.length)];
    if (batch === undefined || this.topicId === null) return;
    const to = this.ref();
    try {
      const broker = await transport.prepare(options.topic, options.partition);
      if (broker === null || this.closed || !delivered.includes(batch)) return;
      const sent = this.recordSent(broker, to, batch);
      const { baseOffset } = await transport.send(broker, to, options.acks, batch.bytes);
      const { recorder, name: client } = context;
      if (options.acks === 0 || baseOffset < 0) return;
      const what = { batch: batch.id, broker, acks: options.acks, baseOffset };
      recorder.record({ type: 'produce-acked', client, sent, ...to, ...what });
      context.count('dedupeHits');
    } catch (error) {
      // A broker may have forgotten a batch this old.
      if (!(error instanceof OttlaError)) throw error;
    }
  }
}
