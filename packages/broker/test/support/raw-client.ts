import { connect, type Socket } from 'node:net';
import { type AnyApi, encodeRequest, type InputOf, type MessageOf, readResponse } from '@ottla/protocol';

/** A client of the Kafka door that sends whatever bytes a test wants. */
export class RawClient {
  readonly frames: Buffer[] = [];
  ended = false;
  /** What came after the last whole frame. */
  private rest: Buffer[] = [];
  private restBytes = 0;
  private wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => this.take(bytes));
    socket.on('end', () => this.finish());
    socket.on('close', () => this.finish());
    socket.on('error', () => this.finish());
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawClient(socket)));
    });
  }

  send(...frames: Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Resolves with the next frame, without its length; null when the connection ended instead. */
  async next(): Promise<Buffer | null> {
    while (this.frames.length === 0 && !this.ended) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.frames.shift() ?? null;
  }

  /** Asks and reads the response. */
  async ask<A extends AnyApi>(api: A, version: number, body: InputOf<A['request']>): Promise<MessageOf<A['response']>> {
    this.send(encodeRequest(api, version, 1, 'raw', body));
    const frame = await this.next();
    if (frame === null) throw new Error('the connection was closed');
    return readResponse(api, version, frame).body as MessageOf<A['response']>;
  }

  /** Resolves when the other side has closed. */
  async untilEnd(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  close(): void {
    this.socket.destroy();
  }

  /** All bytes that are no whole frame. */
  get received(): Buffer {
    return Buffer.concat(this.rest);
  }

  private take(bytes: Buffer): void {
    this.rest.push(bytes);
    this.restBytes += bytes.length;
    while (this.restBytes >= 4) {
      const first = this.rest[0]!.length >= 4 ? this.rest[0]! : Buffer.concat(this.rest);
      const end = 4 + first.readInt32BE(0);
      if (end > this.restBytes) break;
      const whole = Buffer.concat(this.rest);
      this.frames.push(whole.subarray(4, end));
      this.rest = [whole.subarray(end)];
      this.restBytes = whole.length - end;
    }
    this.wake();
  }

  private finish(): void {
    this.ended = true;
    this.wake();
  }
}

export function correlationIdOf(frame: Buffer | null): number {
  return frame === null ? -1 : frame.readInt32BE(0);
}
