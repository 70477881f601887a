/** What a connection tells its user. Callbacks run one at a time; after `close` none comes. */
export interface TcpHandlers {
  /** Bytes as they arrived; the array belongs to the receiver. */
  data(bytes: Uint8Array): void;
  /** What was written is below the high-water mark again. */
  drain?(): void;
  /** The other side will send no more. Without this handler the connection is ended, after what was written has gone. */
  end?(): void;
  /** The connection is gone. The error is null after an orderly end. Comes exactly once. */
  close(error: Error | null): void;
}

export interface TcpConnection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The address under which the other side reached this one. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Bytes written and not yet handed to the kernel. */
  readonly bufferedBytes: number;
  /** The socket's descriptor where there is one, for sendfile; valid until `close`. */
  readonly fd?: number;
  /** Starts delivery. Nothing is read from the socket before this is called. */
  handle(handlers: TcpHandlers): void;
  /**
   * Queues the chunks, in one system call where possible; they must not be changed until they are sent. False when more
   * than the high-water mark is queued: wait for `drain`. `onSent` runs when the kernel has taken the last chunk; it
   * does not run if the connection dies first. Writing to a closed connection does nothing.
   */
  write(chunks: readonly Uint8Array[], onSent?: () => void): boolean;
  /** Stops reading; what the kernel buffers makes the other side wait. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once, dropping what is queued. */
  destroy(error?: Error): void;
}

export interface TcpListener {
  readonly port: number;
  /** Stops accepting and destroys the connections that are still open. */
  close(): Promise<void>;
}

export interface TcpNetwork {
  /**
   * Port 0 takes any free one. A port in use rejects with `INVALID_CONFIG` and a sentence that says so. `onError` hears of
   * connections that could not be accepted (too many open files); listening goes on.
   */
  listen(
    address: { host: string; port: number },
    onConnection: (connection: TcpConnection) => void,
    onError?: (error: Error) => void,
  ): Promise<TcpListener>;
  connect(host: string, port: number, timeoutMs: number): Promise<TcpConnection>;
  /** Who is there: `open` accepts, `refused` has no listener (the process is dead), `silent` didn't answer in time. */
  probe(host: string, port: number, timeoutMs: number): Promise<'open' | 'refused' | 'silent'>;
}
