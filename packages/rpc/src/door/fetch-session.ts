import { lastOffset, OttlaError, readBatchHeader, toOttlaError } from '@ottla/protocol';
import type { Clock } from '@ottla/runtime';
import type * as door from '../generated/door';
import type { MessageStream } from '../stream/message-stream';
import type { DoorCall, DoorHandlers, FetchedRecords } from './handlers';

type FetchHandlers = Pick<DoorHandlers, 'fetch' | 'currentLeader'>;

/** How long one read waits for records; the subscription reads again afterwards. */
const MAX_WAIT_MS = 30_000;
/** A pause after a read that brought nothing, lest one that doesn't wait keeps everything else from running. */
const PAUSE_MS = 5;
const MAX_SUBSCRIPTIONS = 10_000;
const DEFAULT_MAX_BYTES = 1024 * 1024;

/** The subscriptions of one fetch stream: each reads as far as its credit goes, and waits while the stream is full. */
export class FetchSession {
  readonly #stream: MessageStream<door.FetchResult, door.FetchRequest>;
  readonly #handlers: FetchHandlers;
  readonly #call: DoorCall;
  readonly #clock: Clock;
  readonly #subscriptions = new Map<number, Subscription>();
  #waitingForDrain: (() => void)[] = [];
  #congested = false;
  #ending = false;

  constructor(
    stream: MessageStream<door.FetchResult, door.FetchRequest>,
    handlers: FetchHandlers,
    call: DoorCall,
    clock: Clock,
  ) {
    this.#stream = stream;
    this.#handlers = handlers;
    this.#call = call;
    this.#clock = clock;
    stream.onMessage((request) => this.#onRequest(request));
    stream.onDrain(() => this.#release());
    stream.onEnd(() => this.#finish());
    stream.onClose(() => {
      for (const id of [...this.#subscriptions.keys()]) this.#end(id);
      this.#release();
    });
  }

  close(): void {
    this.#stream.close();
  }

  #onRequest({ subscribe, credit, unsubscribe }: door.FetchRequest): void {
    for (const request of subscribe) {
      const refusal = this.#refusal(request);
      if (refusal !== null) {
        this.#stream.close(new OttlaError('INVALID_REQUEST', refusal));
        return;
      }
      this.#begin(new Subscription(request));
    }
    // Credit for a subscription that has ended is still on its way when it ends.
    for (const { subscription, bytes } of credit) this.#subscriptions.get(subscription)?.addCredit(bytes);
    for (const id of unsubscribe) this.#end(id);
  }

  /** The client asks for no more: it is given what is there, as far as its credit goes. */
  #finish(): void {
    this.#ending = true;
    for (const subscription of [...this.#subscriptions.values()]) {
      subscription.end();
      this.#begin(subscription.lastOnes());
    }
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#ending && this.#subscriptions.size === 0) this.#stream.close();
  }

  #begin(subscription: Subscription): void {
    this.#subscriptions.set(subscription.request.subscription, subscription);
    this.#run(subscription);
  }

  #refusal({ subscription }: door.FetchSubscribe): string | null {
    if (this.#subscriptions.has(subscription)) return `subscription ${subscription} exists already: number each anew`;
    if (this.#subscriptions.size < MAX_SUBSCRIPTIONS) return null;
    return `a fetch stream takes ${MAX_SUBSCRIPTIONS} subscriptions: open another stream`;
  }

  async #run(subscription: Subscription): Promise<void> {
    try {
      while (subscription.active) await this.#step(subscription);
    } catch (thrown) {
      if (subscription.active) this.#fail(subscription, toOttlaError(thrown));
    }
  }

  async #step(subscription: Subscription): Promise<void> {
    await subscription.credited();
    await this.#writable();
    if (!subscription.active) return;
    if (subscription.exhausted) {
      this.#end(subscription.request.subscription);
      return;
    }
    const call = { ...this.#call, signal: subscription.signal };
    const fetched = await this.#handlers.fetch(subscription.nextRead(), call);
    if (!subscription.active) return;
    const result = subscription.advance(fetched);
    if (result === null) await this.#clock.sleep(PAUSE_MS);
    else if (!this.#stream.send(result)) this.#congested = true;
  }

  #fail(subscription: Subscription, error: OttlaError): void {
    const { topic, partition } = subscription.request;
    const currentLeader =
      error.code === 'NOT_LEADER_OR_FOLLOWER' ? this.#handlers.currentLeader(topic, partition) : null;
    this.#stream.send(subscription.failure(error, currentLeader));
    this.#end(subscription.request.subscription);
  }

  #end(id: number): void {
    this.#subscriptions.get(id)?.end();
    this.#subscriptions.delete(id);
    this.#closeIfDone();
  }

  #writable(): Promise<void> {
    if (!this.#congested) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForDrain.push(resolve));
  }

  #release(): void {
    this.#congested = false;
    const waiting = this.#waitingForDrain;
    this.#waitingForDrain = [];
    for (const resolve of waiting) resolve();
  }
}

class Subscription {
  readonly request: door.FetchSubscribe;
  readonly #abort = new AbortController();
  /** It ends at the end of the log, or of its credit. */
  readonly #ending: boolean;
  #exhausted = false;
  #offset: number;
  #credit: number;
  #onCredit: (() => void) | null = null;
  /** What the client was told last; null before the first message. */
  #told: Pick<FetchedRecords, 'highWatermark' | 'lastStableOffset' | 'logStartOffset'> | null = null;

  constructor(request: door.FetchSubscribe, ending = false) {
    this.request = request;
    this.#ending = ending;
    this.#offset = request.offset;
    this.#credit = request.creditBytes;
  }

  get active(): boolean {
    return !this.#abort.signal.aborted;
  }

  /** It ends, and there is nothing more to give. */
  get exhausted(): boolean {
    return this.#ending && (this.#exhausted || this.#credit <= 0);
  }

  /** The same from where it stands now, ending with what is there. */
  lastOnes(): Subscription {
    const last = new Subscription({ ...this.request, offset: this.#offset, creditBytes: this.#credit }, true);
    last.#told = this.#told;
    return last;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  addCredit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > 0) this.#wake();
  }

  credited(): Promise<void> {
    if (this.#credit > 0 || this.#ending) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onCredit = resolve;
    });
  }

  end(): void {
    this.#abort.abort();
    this.#wake();
  }

  nextRead(): Parameters<DoorHandlers['fetch']>[0] {
    const { topic, partition, currentLeaderEpoch, maxBytes, readCommitted } = this.request;
    return {
      topic,
      partition,
      offset: this.#offset,
      currentLeaderEpoch,
      maxBytes: Math.min(maxBytes > 0 ? maxBytes : DEFAULT_MAX_BYTES, this.#credit),
      // The first answer tells where the log stands, with or without records.
      maxWaitMs: this.#told === null || this.#ending ? 0 : MAX_WAIT_MS,
      readCommitted,
    };
  }

  /** The message that tells the client, null when there is nothing new. */
  advance(fetched: FetchedRecords): door.FetchResult | null {
    const { highWatermark, lastStableOffset, logStartOffset } = fetched;
    // One buffer is what protobuf takes. Reads of one piece, the usual ones, aren't copied.
    const records = fetched.chunks.length === 1 ? fetched.chunks[0]! : Buffer.concat(fetched.chunks);
    this.#exhausted = records.length === 0;
    if (records.length === 0 && this.#knows(fetched)) return null;
    this.#told = { highWatermark, lastStableOffset, logStartOffset };
    if (records.length > 0) this.#offset = Math.max(this.#offset, offsetAfter(records));
    this.#credit -= records.length;
    return {
      subscription: this.request.subscription,
      errorCode: 0,
      errorMessage: '',
      highWatermark,
      lastStableOffset,
      logStartOffset,
      nextOffset: this.#offset,
      records,
    };
  }

  failure(error: OttlaError, currentLeader: door.CurrentLeader | null): door.FetchResult {
    return {
      subscription: this.request.subscription,
      errorCode: error.errorCode,
      errorMessage: error.message,
      highWatermark: this.#told?.highWatermark ?? -1,
      lastStableOffset: this.#told?.lastStableOffset ?? -1,
      logStartOffset: this.#told?.logStartOffset ?? -1,
      nextOffset: this.#offset,
      records: new Uint8Array(0),
      currentLeader,
    };
  }

  #knows({ highWatermark, lastStableOffset, logStartOffset }: FetchedRecords): boolean {
    const told = this.#told;
    return (
      told !== null &&
      told.highWatermark === highWatermark &&
      told.lastStableOffset === lastStableOffset &&
      told.logStartOffset === logStartOffset
    );
  }

  #wake(): void {
    const onCredit = this.#onCredit;
    this.#onCredit = null;
    onCredit?.();
  }
}

/** The offset after the last of some whole batches. */
function offsetAfter(records: Uint8Array): number {
  let header = readBatchHeader(records, 0);
  for (let at = header.batchLength; at < records.length; at += header.batchLength) {
    header = readBatchHeader(records, at);
  }
  return lastOffset(header) + 1;
}
