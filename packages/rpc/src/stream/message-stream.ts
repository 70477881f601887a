import { OttlaError } from '@ottla/protocol';
import type { Clock, PeerStream, Timer } from '@ottla/runtime';
import { Outbox, type OutboxLimits } from './outbox';

/** A peer stream whose receiving side can be stopped. */
export interface MessageStream<Send, Receive> extends PeerStream<Send, Receive> {
  /** Bytes sent that the network has not taken. */
  readonly queuedBytes: number;
  /** Stops delivery; what the connection buffers makes the other side wait. Messages of a batch under way still come. */
  pause(): void;
  resume(): void;
  /**
   * Called when the other side sends no more and may still listen: this side closes when it has said all. Without a
   * callback the stream closes. Only a client can end its side so.
   */
  onEnd(callback: () => void): void;
}

/** How messages of a stream become gRPC messages, several in one, and back. */
export interface Framing<Send, Receive, Out, In> {
  /** Bytes that the message takes, roughly. */
  sizeOf(message: Send): number;
  pack(messages: Send[]): Out;
  unpack(packed: In): Receive[];
  /** The last gRPC message, with which this side says that and why it closes; null when the call's status says it. */
  packFarewell(error: OttlaError | null): Out | null;
  /** Why the other side closes (null: in good order); undefined when the message is no farewell. */
  unpackFarewell(packed: In): OttlaError | null | undefined;
  /** Whether the other side says farewell: without it the end of its messages is a broken connection. */
  readonly expectsFarewell: boolean;
}

/** One gRPC call, as either side has it. */
export interface Transport<Out> {
  write(packed: Out, done: () => void): void;
  /** Ends the call in good order once all writes are through, or with an error. */
  finish(error: OttlaError | null): void;
  /** Ends it at once. */
  abort(): void;
  pause(): void;
  resume(): void;
}

export interface StreamOptions {
  readonly remote: string;
  readonly clock: Clock;
  readonly limits: OutboxLimits;
}

export const DEFAULT_LIMITS: OutboxLimits = {
  batchBytes: 256 * 1024,
  highWaterBytes: 4 * 1024 * 1024,
  maxBytes: 128 * 1024 * 1024,
};

/** How long a closed stream may take to send what was queued. */
const LINGER_MS = 2_000;

/** A stream over a gRPC call. Its owner feeds `received` and `ended`. */
export class CallStream<Send, Receive, Out, In> implements MessageStream<Send, Receive> {
  readonly remote: string;
  readonly #framing: Framing<Send, Receive, Out, In>;
  readonly #transport: Transport<Out>;
  readonly #outbox: Outbox<Send>;
  readonly #clock: Clock;
  #linger: Timer | null = null;
  /** Closed for the user: nothing more is sent or delivered. */
  #closed = false;
  /** The call is over. */
  #ended = false;
  /** What the other side closes with; undefined until it says so. */
  #farewell: OttlaError | null | undefined;
  #onMessage: (message: Receive) => void = () => {};
  #onDrain: () => void = () => {};
  #onClose: (error: OttlaError | null) => void = () => {};
  #onEnd: (() => void) | null = null;

  constructor(framing: Framing<Send, Receive, Out, In>, transport: Transport<Out>, options: StreamOptions) {
    this.remote = options.remote;
    this.#clock = options.clock;
    this.#framing = framing;
    this.#transport = transport;
    this.#outbox = new Outbox<Send>({
      limits: options.limits,
      sizeOf: (message) => framing.sizeOf(message),
      write: (messages, done) => this.#write(framing.pack(messages), done),
      onDrain: () => this.#onDrain(),
      onOverflow: (bytes) => this.close(overflow(options, bytes)),
    });
  }

  /** Nothing more comes from the other side. */
  get over(): boolean {
    return this.#ended;
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  send(message: Send): boolean {
    return !this.#closed && this.#outbox.push(message);
  }

  onMessage(callback: (message: Receive) => void): void {
    this.#onMessage = callback;
  }

  onDrain(callback: () => void): void {
    this.#onDrain = callback;
  }

  onClose(callback: (error: OttlaError | null) => void): void {
    this.#onClose = callback;
  }

  onEnd(callback: () => void): void {
    this.#onEnd = callback;
  }

  pause(): void {
    if (!this.#closed) this.#transport.pause();
  }

  resume(): void {
    if (!this.#closed) this.#transport.resume();
  }

  close(error?: OttlaError): void {
    if (this.#closed) return;
    this.#closed = true;
    // What still comes is read and dropped, or the end of the call would wait behind it.
    this.#transport.resume();
    queueMicrotask(() => this.#onClose(error ?? null));
    if (this.#ended) return;
    this.#linger = this.#clock.after(LINGER_MS, () => this.#transport.abort());
    this.#outbox.end(() => this.#finish(error ?? null));
  }

  /** A gRPC message came. */
  received(packed: In): void {
    if (this.#closed) return;
    for (const message of this.#framing.unpack(packed)) {
      this.#onMessage(message);
      if (this.#closed) return;
    }
    this.#farewell = this.#framing.unpackFarewell(packed);
  }

  /** The other side sends no more. */
  receivedEnd(): void {
    if (this.#closed || this.#onEnd === null) this.ended(null);
    else this.#onEnd();
  }

  /** The call is over: with what broke it, or null when nothing seems to have. */
  ended(error: OttlaError | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#linger?.cancel();
    this.#outbox.discard();
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this.#reason(error));
  }

  #write(packed: Out, done: () => void): void {
    if (!this.#ended) this.#transport.write(packed, done);
  }

  #reason(error: OttlaError | null): OttlaError | null {
    if (this.#farewell !== undefined) return this.#farewell;
    // The end of a stream's messages looks the same when its connection breaks.
    const broken = error === null && this.#framing.expectsFarewell;
    return broken ? new OttlaError('NETWORK_EXCEPTION', `${this.remote} disconnected`) : error;
  }

  #finish(error: OttlaError | null): void {
    const packed = this.#framing.packFarewell(error);
    if (packed !== null) this.#write(packed, () => {});
    if (!this.#ended) this.#transport.finish(error);
  }
}

function overflow({ remote, limits }: StreamOptions, bytes: number): OttlaError {
  const message = `the stream to ${remote} has ${bytes} bytes waiting, over its limit of ${limits.maxBytes}: it is too slow`;
  return new OttlaError('NETWORK_EXCEPTION', message);
}
