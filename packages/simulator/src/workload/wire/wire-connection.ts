import { type AnyApi, encodeRequest, type InputOf, type MessageOf, OttlaError, readResponse } from '@ottla/protocol';
import type { Clock, TcpConnection, TcpNetwork, Timer } from '@ottla/runtime';

interface Waiting {
  readonly api: AnyApi;
  readonly version: number;
  readonly correlationId: number;
  readonly timer: Timer;
  resolve(body: unknown): void;
  reject(error: OttlaError): void;
}

const LENGTH_BYTES = 4;

/** A client's connection to the Kafka door of one broker. As Kafka's clients do, it gives up the connection when an answer is late. */
export class WireConnection {
  private readonly waiting: Waiting[] = [];
  private correlationId = 0;
  private pending: Uint8Array = new Uint8Array(0);
  private failure: OttlaError | null = null;

  private constructor(
    private readonly tcp: TcpConnection,
    private readonly clientId: string,
    private readonly clock: Clock,
  ) {
    tcp.handle({
      data: (bytes) => this.take(bytes),
      close: (error) => this.fail(error === null ? 'the broker closed the connection' : error.message),
    });
  }

  static async open(
    network: TcpNetwork,
    address: { readonly host: string; readonly port: number },
    client: { readonly id: string; readonly clock: Clock; readonly timeoutMs: number },
  ): Promise<WireConnection> {
    const tcp = await network.connect(address.host, address.port, client.timeoutMs);
    return new WireConnection(tcp, client.id, client.clock);
  }

  get isOpen(): boolean {
    return this.failure === null;
  }

  /** Rejects with NETWORK_EXCEPTION when the connection is lost, and with REQUEST_TIMED_OUT. */
  ask<A extends AnyApi>(
    api: A,
    version: number,
    body: InputOf<A['request']>,
    timeoutMs: number,
  ): Promise<MessageOf<A['response']>> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null) return reject(this.failure);
      const correlationId = this.nextCorrelationId();
      const timer = this.clock.after(timeoutMs, () => {
        this.fail(`${api.name} was not answered within ${timeoutMs} ms`, 'REQUEST_TIMED_OUT');
      });
      const settle = { resolve: resolve as (body: unknown) => void, reject };
      this.waiting.push({ api, version, correlationId, timer, ...settle });
      this.tcp.write([encodeRequest(api, version, correlationId, this.clientId, body)]);
    });
  }

  /** For requests that are not answered. */
  tell<A extends AnyApi>(api: A, version: number, body: InputOf<A['request']>): void {
    if (this.failure !== null) throw this.failure;
    this.tcp.write([encodeRequest(api, version, this.nextCorrelationId(), this.clientId, body)]);
  }

  close(): void {
    this.fail('the client closed the connection');
  }

  private nextCorrelationId(): number {
    this.correlationId = (this.correlationId + 1) & 0x7fffffff;
    return this.correlationId;
  }

  private take(bytes: Uint8Array): void {
    if (this.failure !== null) return;
    this.pending = this.pending.length === 0 ? bytes : joined(this.pending, bytes);
    let at = 0;
    while (this.pending.length - at >= LENGTH_BYTES && this.failure === null) {
      const view = new DataView(this.pending.buffer, this.pending.byteOffset + at, LENGTH_BYTES);
      const end = at + LENGTH_BYTES + view.getInt32(0);
      if (end > this.pending.length) break;
      this.answer(this.pending.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    this.pending = this.pending.subarray(at);
  }

  private answer(frame: Uint8Array): void {
    const request = this.waiting.shift();
    if (request === undefined) return this.fail('an answer came that nobody waits for');
    request.timer.cancel();
    try {
      const { correlationId, body } = readResponse(request.api, request.version, frame);
      if (correlationId !== request.correlationId) throw outOfOrder(request.correlationId, correlationId);
      request.resolve(body);
    } catch (error) {
      request.reject(error as OttlaError);
      this.fail(`an answer can't be read: ${(error as Error).message}`);
    }
  }

  private fail(reason: string, code: 'NETWORK_EXCEPTION' | 'REQUEST_TIMED_OUT' = 'NETWORK_EXCEPTION'): void {
    if (this.failure !== null) return;
    this.failure = new OttlaError(code, reason);
    this.tcp.destroy();
    for (const { timer, reject } of this.waiting.splice(0)) {
      timer.cancel();
      reject(this.failure);
    }
  }
}

function outOfOrder(expected: number, got: number): OttlaError {
  return new OttlaError('UNKNOWN_SERVER_ERROR', `answers are out of order: ${got} came, ${expected} is next`);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
