import { OttlaError } from '@ottla/protocol';
import type { PeerStream, Timer } from '@ottla/runtime';
import type { ProcessClock } from '../time/process-clock';
import type { PipeEnd } from './pipe';

/** What travels in one packet of a stream: messages sent in one turn leave together. */
export type Frame<T> =
  | { readonly type: 'hello'; readonly hello: unknown }
  | { readonly type: 'accepted' }
  | { readonly type: 'messages'; readonly messages: readonly T[] }
  | { readonly type: 'farewell'; readonly error: OttlaError | null };

export interface StreamSettings<Send> {
  readonly remote: string;
  readonly clock: ProcessClock;
  /** A copy where the message holds bytes that its sender may change, and its size. */
  pack(message: Send): { readonly message: Send; readonly bytes: number };
}

const HIGH_WATER_BYTES = 4 * 1024 * 1024;
const MAX_BYTES = 128 * 1024 * 1024;
/** A sign of life is asked for after so long, and waited for as long: what production's connections do. */
const KEEP_ALIVE_MS = 10_000;
const FRAME_BYTES = 64;

/** One end of a stream of messages over a connection; it is opened before there is one. */
export class SimPeerStream<Send, Receive> implements PeerStream<Send, Receive> {
  readonly remote: string;
  private end: PipeEnd<Frame<Send>, Frame<Receive>> | null = null;
  private readonly waiting: Send[] = [];
  private flushing = false;
  private waitingBytes = 0;
  private blocked = false;
  private closed = false;
  private keepAlive: Timer | null = null;
  private message: (message: Receive) => void = () => {};
  private drain: () => void = () => {};
  private closing: (error: OttlaError | null) => void = () => {};
  private accepted: () => void = () => {};

  constructor(private readonly settings: StreamSettings<Send>) {
    this.remote = settings.remote;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  send(message: Send): boolean {
    if (this.closed) return false;
    const packed = this.settings.pack(message);
    this.waiting.push(packed.message);
    this.waitingBytes += packed.bytes;
    this.scheduleFlush();
    const queued = this.waitingBytes + (this.end?.unacknowledgedBytes ?? 0);
    if (queued > MAX_BYTES) this.close(this.broken('is too slow'));
    this.blocked = queued > HIGH_WATER_BYTES;
    if (this.blocked) this.end?.whenAcknowledged(HIGH_WATER_BYTES / 2, () => this.onDrained());
    return !this.blocked;
  }

  onMessage(callback: (message: Receive) => void): void {
    this.message = callback;
  }

  onDrain(callback: () => void): void {
    this.drain = callback;
  }

  onClose(callback: (error: OttlaError | null) => void): void {
    this.closing = callback;
  }

  /** The other side took the stream. */
  onAccepted(callback: () => void): void {
    this.accepted = callback;
  }

  close(error?: OttlaError): void {
    if (this.closed) return;
    this.finish();
    queueMicrotask(() => this.closing(error ?? null));
    if (this.end === null) return;
    this.flush();
    this.end.send({ type: 'farewell', error: error ?? null }, FRAME_BYTES);
    this.end.fin();
    this.end.close();
  }

  /** There is a connection. */
  attach(end: PipeEnd<Frame<Send>, Frame<Receive>>, first: Frame<Send>): void {
    if (this.closed) return end.reset();
    this.end = end;
    end.send(first, FRAME_BYTES);
    end.handle({
      item: (frame) => this.onFrame(frame),
      fin: () => this.fail(this.broken('disconnected')),
      reset: (reason) => this.fail(this.broken(reason)),
    });
    this.scheduleKeepAlive(end);
    if (this.waiting.length > 0) this.scheduleFlush();
  }

  /** Ends it with what broke it, or null. */
  fail(error: OttlaError | null): void {
    if (this.closed) return;
    this.finish();
    this.end?.close();
    this.closing(error);
  }

  broken(how: string): OttlaError {
    return new OttlaError('NETWORK_EXCEPTION', `${this.remote} ${how}`);
  }

  private onFrame(frame: Frame<Receive>): void {
    switch (frame.type) {
      case 'hello':
        return;
      case 'accepted':
        this.accepted();
        return;
      case 'messages':
        for (const message of frame.messages) {
          this.message(message);
          if (this.closed) return;
        }
        return;
      case 'farewell':
        this.fail(frame.error);
    }
  }

  private scheduleFlush(): void {
    if (this.flushing || this.end === null) return;
    this.flushing = true;
    queueMicrotask(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private flush(): void {
    if (this.waiting.length === 0 || this.end === null || !this.end.open) return;
    const messages = this.waiting.splice(0);
    const bytes = this.waitingBytes;
    this.waitingBytes = 0;
    this.end.send({ type: 'messages', messages }, bytes);
    if (this.blocked) this.end.whenAcknowledged(HIGH_WATER_BYTES / 2, () => this.onDrained());
  }

  private onDrained(): void {
    if (this.closed || !this.blocked) return;
    this.blocked = false;
    this.drain();
  }

  private scheduleKeepAlive(end: PipeEnd<Frame<Send>, Frame<Receive>>): void {
    const { clock } = this.settings;
    this.keepAlive = clock.after(KEEP_ALIVE_MS, () => {
      if (end.answers) return this.scheduleKeepAlive(end);
      this.keepAlive = clock.after(KEEP_ALIVE_MS, () => {
        if (end.answers) return this.scheduleKeepAlive(end);
        end.reset();
        this.fail(this.broken('gives no sign of life'));
      });
    });
  }

  private finish(): void {
    this.closed = true;
    this.keepAlive?.cancel();
  }
}
