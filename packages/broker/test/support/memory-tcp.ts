import type { TcpConnection, TcpHandlers } from '@ottla/runtime';

/** A connection in memory: a test plays the client. */
export class MemoryTcp implements TcpConnection {
  readonly remoteAddress = '10.9.9.9';
  readonly remotePort = 5555;
  readonly localAddress = '10.0.0.1';
  readonly localPort = 9091;
  readonly bufferedBytes = 0;
  readonly written: Uint8Array[] = [];
  closed = false;
  paused = false;
  private handlers: TcpHandlers | null = null;

  handle(handlers: TcpHandlers): void {
    this.handlers = handlers;
  }

  /** The client sends. */
  receive(bytes: Uint8Array): void {
    if (!this.closed) this.handlers?.data(bytes);
  }

  write(chunks: readonly Uint8Array[]): boolean {
    this.written.push(...chunks);
    return true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.handlers?.close(null);
  }
}
