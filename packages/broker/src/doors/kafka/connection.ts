import type { Clock, Logger, TcpConnection, TcpHandlers, Timer } from '@ottla/runtime';
import type { Connection } from '../../handlers/handler';
import { type ForeignProtocol, type Framed, FrameParser } from './frame-parser';

/** What becomes of a request: bytes to send, nothing to send, or the end of the connection. */
export type Answer =
  | { readonly type: 'response'; readonly chunks: readonly Uint8Array[] }
  | { readonly type: 'no-response' }
  | { readonly type: 'close'; readonly reason: string };

/** Answers one frame. Never rejects. */
export type AnswerFrame = (frame: Uint8Array, connection: KafkaConnection) => Promise<Answer>;

/** How much one connection may hold in memory. Over any of them it is read no further. */
export interface ConnectionLimits {
  readonly maxFrameBytes: number;
  readonly maxInflightRequests: number;
  readonly maxInflightBytes: number;
  readonly maxSendBacklogBytes: number;
}

export interface KafkaConnectionOptions {
  readonly tcp: TcpConnection;
  readonly listener: string;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly answer: AnswerFrame;
  /**
   * Deals with a connection that doesn't speak Kafka: closes it, or answers who takes it over, beginning with `bytes`.
   */
  onForeign(protocol: ForeignProtocol, bytes: Uint8Array, connection: KafkaConnection): TcpHandlers | null;
  onClosed(connection: KafkaConnection): void;
}

/** A request under way. Slots leave in the order in which their requests came. */
interface Slot {
  readonly frameBytes: number;
  readonly exclusive: boolean;
  answer: Answer | null;
}

const FETCH_API_KEY = 1;
/** How long a client may take to close its side. */
const LINGER_MS = 1_000;

/**
 * One client connection: frames in, responses out in request order, requests handled concurrently. Only one Fetch at a
 * time, because its response may be as large as `fetch.max.bytes`: that bounds what a connection holds.
 */
export class KafkaConnection implements Connection {
  readonly listener: string;
  readonly clientHost: string;
  readonly localAddress: string;
  /** What the client says it is (KIP-511), such as 'librdkafka 2.3.0'. */
  clientSoftware: string | null = null;
  clientId: string | null = null;
  private readonly parser: FrameParser;
  private readonly slots: Slot[] = [];
  private readonly waiting: (Uint8Array | Answer)[] = [];
  private readonly endings = new Set<() => void>();
  private inflightBytes = 0;
  private fetching = false;
  private paused = false;
  private inputEnded = false;
  private successor: TcpHandlers | null = null;
  private lingering: Timer | null = null;
  private state: 'open' | 'draining' | 'closed' | 'handed over' = 'open';
  private lastProgressAt: number;
  private lastBuffered = 0;

  constructor(private readonly options: KafkaConnectionOptions) {
    const { tcp, listener, limits, clock } = options;
    this.listener = listener;
    this.clientHost = plainAddress(tcp.remoteAddress);
    this.localAddress = plainAddress(tcp.localAddress);
    this.parser = new FrameParser({ maxFrameBytes: limits.maxFrameBytes });
    this.lastProgressAt = clock.now();
  }

  get tcp(): TcpConnection {
    return this.options.tcp;
  }

  get localPort(): number {
    return this.tcp.localPort;
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** For log lines: address, and what is known of the client. */
  get description(): string {
    const { clientHost, clientSoftware, clientId } = this;
    const known = [clientSoftware, clientId === null ? null : `client id ${clientId}`].filter((part) => part !== null);
    const host = clientHost.includes(':') ? `[${clientHost}]` : clientHost;
    return `${host}:${this.tcp.remotePort}${known.length === 0 ? '' : ` (${known.join(', ')})`}`;
  }

  start(): void {
    this.tcp.handle({
      data: (bytes) => (this.successor === null ? this.receive(bytes) : this.successor.data(bytes)),
      drain: () => (this.successor === null ? this.proceed() : this.successor.drain?.()),
      end: () => (this.successor === null ? this.onInputEnd() : this.successor.end?.()),
      close: (error) => this.onClose(error),
    });
  }

  onEnding(callback: () => void): () => void {
    if (this.state !== 'open' || this.inputEnded) callback();
    else this.endings.add(callback);
    return () => this.endings.delete(callback);
  }

  /** Takes no more requests, ends long polls, and closes when what is under way has been answered. */
  drain(): void {
    if (this.state !== 'open') return;
    this.state = 'draining';
    this.waiting.length = 0;
    this.pause();
    this.endWaits();
    this.endIfDrained();
  }

  /** Closes when what was written has left, saying why in the log. */
  endBecause(reason: string): void {
    this.options.logger.warn(`closing the connection of ${this.description}: ${reason}`);
    this.slots.length = 0;
    this.waiting.length = 0;
    this.endWaits();
    this.finish();
  }

  /** Closes a connection that nothing has come by for a long time, or whose client doesn't read what it is sent. */
  endIdle(idleMs: number): void {
    this.options.logger.debug(`closing the connection of ${this.description}: idle for ${idleMs} ms`);
    this.drain();
    this.tcp.destroy();
  }

  /** Keeps what the client says of itself, for log lines. */
  introduce(clientId: string | null, software: string | null): void {
    this.clientId = clientId;
    if (software !== null) this.clientSoftware = software;
  }

  /** For how many ms nothing has come, nothing has left and nothing was being handled; to be called every now and then. */
  measureIdle(now: number): number {
    if (this.state === 'handed over') return 0;
    const buffered = this.tcp.bufferedBytes;
    const stuck = buffered > 0 && buffered >= this.lastBuffered;
    const busy = this.slots.length > 0 && buffered === 0;
    if (busy || (buffered > 0 && !stuck)) this.lastProgressAt = now;
    this.lastBuffered = buffered;
    return now - this.lastProgressAt;
  }

  private receive(bytes: Uint8Array): void {
    if (this.state !== 'open') return;
    this.lastProgressAt = this.options.clock.now();
    for (const framed of this.parser.push(bytes)) this.take(framed);
    this.proceed();
  }

  private take(framed: Framed): void {
    switch (framed.type) {
      case 'frame':
        this.waiting.push(framed.frame);
        return;
      case 'malformed':
        this.waiting.push({ type: 'close', reason: framed.reason });
        return;
      case 'foreign':
        this.successor = this.options.onForeign(framed.protocol, framed.bytes, this);
        if (this.successor !== null) this.state = 'handed over';
    }
  }

  /** The client sends no more: what it sent is still answered, but nothing is waited for on its behalf. */
  private onInputEnd(): void {
    this.inputEnded = true;
    this.endWaits();
    this.endIfDrained();
  }

  /** Starts what there is room for, and reads on only when nothing is left waiting. */
  private proceed(): void {
    while (this.state === 'open' && this.waiting.length > 0 && this.hasRoomFor(this.waiting[0]!)) {
      this.begin(this.waiting.shift()!);
    }
    if (this.state !== 'open') return;
    if (this.waiting.length > 0 || this.backlogged()) this.pause();
    else this.resume();
  }

  private hasRoomFor(next: Uint8Array | Answer): boolean {
    if (!(next instanceof Uint8Array)) return true;
    if (this.backlogged() || (this.fetching && isFetch(next))) return false;
    const { maxInflightRequests, maxInflightBytes } = this.options.limits;
    if (this.slots.length === 0) return true;
    return this.slots.length < maxInflightRequests && this.inflightBytes + next.length <= maxInflightBytes;
  }

  private backlogged(): boolean {
    return this.tcp.bufferedBytes > this.options.limits.maxSendBacklogBytes;
  }

  private begin(next: Uint8Array | Answer): void {
    if (!(next instanceof Uint8Array)) {
      this.slots.push({ frameBytes: 0, exclusive: false, answer: next });
      this.flush();
      return;
    }
    const slot: Slot = { frameBytes: next.length, exclusive: isFetch(next), answer: null };
    this.slots.push(slot);
    this.inflightBytes += slot.frameBytes;
    if (slot.exclusive) this.fetching = true;
    this.options.answer(next, this).then((answer) => {
      slot.answer = answer;
      this.flush();
      this.proceed();
    });
  }

  /** Sends the responses that are next in order, in one write. */
  private flush(): void {
    const chunks: Uint8Array[] = [];
    let reason: string | null = null;
    while (reason === null && this.slots.length > 0 && this.slots[0]!.answer !== null) {
      const slot = this.slots.shift()!;
      this.inflightBytes -= slot.frameBytes;
      if (slot.exclusive) this.fetching = false;
      const answer = slot.answer!;
      if (answer.type === 'response') chunks.push(...answer.chunks);
      if (answer.type === 'close') reason = answer.reason;
    }
    if (this.state === 'closed' || this.state === 'handed over') return;
    if (chunks.length > 0) {
      this.lastProgressAt = this.options.clock.now();
      this.tcp.write(chunks);
    }
    if (reason !== null) this.endBecause(reason);
    else this.endIfDrained();
  }

  private endIfDrained(): void {
    const ending = this.state === 'draining' || (this.state === 'open' && this.inputEnded);
    if (ending && this.slots.length === 0 && this.waiting.length === 0) this.finish();
  }

  /** Sends the end, and reads on without looking so that the client's own end is seen; a client that never ends is cut off. */
  private finish(): void {
    if (this.lingering !== null) return;
    this.state = 'draining';
    this.tcp.end();
    this.resume();
    this.linger(Number.POSITIVE_INFINITY);
  }

  private linger(buffered: number): void {
    this.lingering = this.options.clock.after(LINGER_MS, () => {
      const left = this.tcp.bufferedBytes;
      if (left > 0 && left < buffered) this.linger(left);
      else this.tcp.destroy();
    });
  }

  private onClose(error: Error | null): void {
    this.successor?.close(error);
    const { logger } = this.options;
    const cut = this.parser.midFrame ? ', in the middle of a request' : '';
    logger.debug(`${this.description} disconnected${cut}${error === null ? '' : `: ${error.message}`}`);
    this.state = 'closed';
    this.lingering?.cancel();
    this.waiting.length = 0;
    this.slots.length = 0;
    this.endWaits();
    this.options.onClosed(this);
  }

  private endWaits(): void {
    const callbacks = [...this.endings];
    this.endings.clear();
    for (const callback of callbacks) callback();
  }

  private pause(): void {
    if (!this.paused) this.tcp.pause();
    this.paused = true;
  }

  private resume(): void {
    if (this.paused) this.tcp.resume();
    this.paused = false;
  }
}

function isFetch(frame: Uint8Array): boolean {
  return frame[0] === 0 && frame[1] === FETCH_API_KEY;
}

/** IPv4 addresses as such, also where the socket is an IPv6 one. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
