import type { Clock } from '@ottla/runtime';
import type { Address, Network } from '../network/network';
import type { PipeEnd } from '../network/pipe';
import type { Life } from '../process/life';
import { type FromMember, PACKET_BYTES, type ToMember } from './protocol';

export interface ChannelOptions {
  readonly network: Network;
  readonly life: Life;
  readonly clock: Clock;
  readonly host: string;
  readonly address: Address;
}

/** Whoever sent something and waits for what comes of it. */
export interface Receiver {
  receive(packet: FromMember): void;
  /** The connection broke; as gRPC words it. */
  broken(message: string): void;
}

type End = PipeEnd<ToMember, FromMember>;

const CONNECT_MS = 20_000;
const KEEP_ALIVE_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
const RECONNECT_MS = 100;

const NOT_CONNECTED = '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED';
export const STILL_CONNECTING = '4 DEADLINE_EXCEEDED: Deadline exceeded while Waiting for LB pick';

/** A connection to a member as gRPC keeps one: opened when needed, and again after it broke. */
export class Channel {
  private end: End | null = null;
  private connecting: Promise<End | null> | null = null;
  private failedAt = Number.NEGATIVE_INFINITY;
  private readonly receivers = new Map<number, Receiver>();
  private nextId = 1;
  private closed = false;

  constructor(private readonly options: ChannelOptions) {}

  /** Sends the first packet of a call or a stream once connected. Rejects when that fails. */
  async begin(receiver: Receiver, first: (id: number) => ToMember, given: () => boolean): Promise<number> {
    const end = await this.connected();
    if (end === null || !end.open) throw new Error(NOT_CONNECTED);
    const id = this.nextId++;
    if (given()) return id;
    this.receivers.set(id, receiver);
    end.send(first(id), PACKET_BYTES);
    return id;
  }

  send(packet: ToMember): void {
    this.end?.send(packet, PACKET_BYTES);
  }

  forget(id: number): void {
    this.receivers.delete(id);
  }

  close(): void {
    this.closed = true;
    this.end?.reset();
    this.lose(this.end, '1 CANCELLED: closed');
  }

  private connected(): Promise<End | null> {
    if (this.end?.open === true) return Promise.resolve(this.end);
    const { clock } = this.options;
    if (this.closed || clock.now() - this.failedAt < RECONNECT_MS) return Promise.resolve(null);
    this.connecting ??= this.dial().finally(() => {
      this.connecting = null;
    });
    return this.connecting;
  }

  private async dial(): Promise<End | null> {
    const { network, life, host, address, clock } = this.options;
    const dialled = await network.dial<ToMember, FromMember>(life, host, address, CONNECT_MS);
    if (dialled.outcome !== 'open') {
      this.failedAt = clock.now();
      return null;
    }
    const { end } = dialled;
    if (this.closed) {
      end.reset();
      return null;
    }
    this.end = end;
    end.handle({
      item: (packet) => this.receivers.get(packet.id)?.receive(packet),
      fin: () => this.lose(end, '14 UNAVAILABLE: Connection dropped'),
      reset: () => this.lose(end, '14 UNAVAILABLE: read ECONNRESET'),
    });
    this.keepAlive(end);
    return end;
  }

  private lose(end: End | null, message: string): void {
    end?.close();
    if (this.end === end) this.end = null;
    const receivers = [...this.receivers.values()];
    this.receivers.clear();
    for (const receiver of receivers) receiver.broken(message);
  }

  private keepAlive(end: End): void {
    const { clock } = this.options;
    clock.after(KEEP_ALIVE_MS, () => {
      if (!end.open) return;
      if (end.answers || this.receivers.size === 0) return this.keepAlive(end);
      clock.after(KEEP_ALIVE_TIMEOUT_MS, () => {
        if (!end.open) return;
        if (end.answers) return this.keepAlive(end);
        end.reset();
        this.lose(end, '14 UNAVAILABLE: Keepalive timeout');
      });
    });
  }
}
