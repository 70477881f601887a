import { errorName, OttlaError } from '@ottla/protocol';
import type { DoorClient, door, ProduceStream } from '@ottla/rpc';
import type { Clock, Timer } from '@ottla/runtime';

export interface ProduceOutcome {
  readonly error: OttlaError | null;
  readonly baseOffset: number;
  readonly logAppendTime: number;
  readonly currentLeader: door.CurrentLeader | null;
}

export type OnOutcome = (outcome: ProduceOutcome) => void;

interface Waiting {
  readonly onOutcome: OnOutcome;
  readonly timer: Timer;
}

/** How much longer than the broker the client waits. */
const GRACE_MS = 5_000;

/** The produce stream to one broker; opened when needed, again after it broke. */
export class ProduceLink {
  readonly #clock: Clock;
  readonly #connect: () => DoorClient;
  readonly #onUnasked: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #stream: ProduceStream | null = null;
  #onWritable: (() => void)[] = [];
  #congested = false;
  #nextId = 1;

  /** `onUnasked` is called for the error of an entry with acks=0. */
  constructor(clock: Clock, connect: () => DoorClient, onUnasked: () => void) {
    this.#clock = clock;
    this.#connect = connect;
    this.#onUnasked = onUnasked;
  }

  /** False when the broker doesn't keep up. */
  get writable(): boolean {
    return !this.#congested;
  }

  /** Calls back once the link is writable again. */
  whenWritable(callback: () => void): void {
    this.#onWritable.push(callback);
  }

  /** With acks=0 the outcome comes at once, when the entry was handed to the network. */
  send(entry: Omit<door.ProduceEntry, 'id'>, onOutcome: OnOutcome): void {
    const stream = this.#open();
    const id = this.#nextId++;
    if (entry.acks !== 0) this.#waiting.set(id, { onOutcome, timer: this.#deadline(id, entry.timeoutMs) });
    if (!stream.send({ ...entry, id })) this.#congested = true;
    if (entry.acks === 0) onOutcome({ error: null, baseOffset: -1, logAppendTime: -1, currentLeader: null });
  }

  /** Sends what is queued, then ends the stream. */
  close(): void {
    this.#stream?.close();
  }

  #open(): ProduceStream {
    if (this.#stream !== null) return this.#stream;
    const stream = this.#connect().produce();
    this.#stream = stream;
    stream.onMessage((result) => this.#onResult(result));
    stream.onDrain(() => this.#release());
    stream.onClose((error) => this.#onClose(stream, error));
    return stream;
  }

  #deadline(id: number, brokerTimeoutMs: number): Timer {
    const timeoutMs = brokerTimeoutMs + GRACE_MS;
    return this.#clock.after(timeoutMs, () => {
      if (!this.#waiting.has(id)) return;
      const remote = this.#stream?.remote ?? 'the broker';
      this.#stream?.close(new OttlaError('REQUEST_TIMED_OUT', `${remote} did not answer within ${timeoutMs} ms`));
    });
  }

  #onResult({
    id,
    errorCode,
    errorMessage,
    baseOffset,
    logAppendTime,
    currentLeader = null,
  }: door.ProduceResult): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      this.#onUnasked();
      return;
    }
    this.#waiting.delete(id);
    waiting.timer.cancel();
    const error = errorCode === 0 ? null : new OttlaError(errorName(errorCode), errorMessage || errorName(errorCode));
    waiting.onOutcome({ error, baseOffset, logAppendTime, currentLeader });
  }

  #onClose(stream: ProduceStream, reason: OttlaError | null): void {
    if (this.#stream !== stream) return;
    this.#stream = null;
    const error = reason ?? new OttlaError('NETWORK_EXCEPTION', `${stream.remote} closed the stream`);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { timer, onOutcome } of waiting) {
      timer.cancel();
      onOutcome({ error, baseOffset: -1, logAppendTime: -1, currentLeader: null });
    }
    this.#release();
  }

  #release(): void {
    this.#congested = false;
    const callbacks = this.#onWritable;
    this.#onWritable = [];
    for (const callback of callbacks) callback();
  }
}
