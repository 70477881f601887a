import type { TcpConnection, TcpHandlers } from '@ottla/runtime';
import type { ForeignProtocol } from './frame-parser';

/** What the log says to whoever speaks something else to a Kafka port. */
export const FOREIGN_SENTENCES: Readonly<Record<ForeignProtocol, string>> = {
  TLS: 'the client speaks TLS, this listener is plain text: set security.protocol to PLAINTEXT in the client (ssl: false)',
  'HTTP/1': 'the client speaks HTTP, this is a Kafka port: give it a Kafka client, or use the address of admin.listen',
  'HTTP/2': 'the client speaks HTTP/2, this is a Kafka port: use the address of grpc.listen for gRPC',
};

const BODY = 'This is a Kafka port, not a web server. Connect a Kafka client to it.\n';

/** The whole answer to an HTTP request. */
export const HTTP_REFUSAL = new TextEncoder().encode(
  [
    'HTTP/1.1 400 Bad Request',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${BODY.length}`,
    'Connection: close',
    '',
    BODY,
  ].join('\r\n'),
);

/**
 * A connection whose first bytes were read before it was known whom it is for. Its new owner calls `handle` as on any
 * other, and is given those bytes first.
 */
export class HandedOverConnection implements TcpConnection {
  private owner: TcpHandlers | null = null;
  private readonly early: Uint8Array[];

  constructor(
    private readonly tcp: TcpConnection,
    firstBytes: Uint8Array,
  ) {
    this.early = [firstBytes];
  }

  get remoteAddress(): string {
    return this.tcp.remoteAddress;
  }

  get remotePort(): number {
    return this.tcp.remotePort;
  }

  get localAddress(): string {
    return this.tcp.localAddress;
  }

  get localPort(): number {
    return this.tcp.localPort;
  }

  get bufferedBytes(): number {
    return this.tcp.bufferedBytes;
  }

  /** What the connection's events are passed on to. */
  readonly events: TcpHandlers = {
    data: (bytes) => (this.owner === null ? void this.early.push(bytes) : this.owner.data(bytes)),
    drain: () => this.owner?.drain?.(),
    end: () => (this.owner?.end === undefined ? this.tcp.end() : this.owner.end()),
    close: (error) => this.owner?.close(error),
  };

  handle(handlers: TcpHandlers): void {
    this.owner = handlers;
    for (const bytes of this.early.splice(0)) handlers.data(bytes);
  }

  write(chunks: readonly Uint8Array[], onSent?: () => void): boolean {
    return this.tcp.write(chunks, onSent);
  }

  pause(): void {
    this.tcp.pause();
  }

  resume(): void {
    this.tcp.resume();
  }

  end(): void {
    this.tcp.end();
  }

  destroy(error?: Error): void {
    this.tcp.destroy(error);
  }
}
