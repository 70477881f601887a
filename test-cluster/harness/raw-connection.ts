import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type AnyApi, encodeRequest, type InputOf, type MessageOf, readResponse } from '@ottla/protocol';

/** A TCP connection that says what it is told, and reads answers as frames. */
export class RawConnection {
  private received = Buffer.alloc(0);
  private wake: (() => void) | null = null;
  private ended = false;
  private correlationId = 1;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
      this.wake?.();
    });
  }

  static async open(address: string): Promise<RawConnection> {
    const [host, port] = address.split(':');
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Everything that the other side said until it closed. */
  async untilClosed(deadlineMs = 10_000): Promise<Buffer> {
    await this.until(() => this.ended, deadlineMs);
    return this.received;
  }

  async call<A extends AnyApi>(
    api: A,
    version: number,
    body: InputOf<A['request']>,
  ): Promise<MessageOf<A['response']>> {
    this.correlationId++;
    this.send(encodeRequest(api, version, this.correlationId, 'raw', body));
    return this.answer(api, version);
  }

  /** The next answer, which is to the newest request. */
  async answer<A extends AnyApi>(api: A, version: number): Promise<MessageOf<A['response']>> {
    const response = readResponse(api, version, await this.frame());
    expect(response.correlationId).toBe(this.correlationId);
    return response.body as MessageOf<A['response']>;
  }

  close(): void {
    this.socket.destroy();
  }

  private async frame(): Promise<Buffer> {
    const length = (): number => (this.received.length < 4 ? Number.POSITIVE_INFINITY : this.received.readInt32BE(0));
    await this.until(() => this.ended || this.received.length >= 4 + length(), 10_000);
    if (this.received.length < 4 + length()) throw new Error('the connection was closed before an answer came');
    const end = 4 + length();
    const frame = this.received.subarray(4, end);
    this.received = this.received.subarray(end);
    return frame;
  }

  private async until(done: () => boolean, deadlineMs: number): Promise<void> {
    const timeout = setTimeout(() => this.socket.destroy(new Error(`no answer in ${deadlineMs} ms`)), deadlineMs);
    while (!done()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    clearTimeout(timeout);
  }
}
