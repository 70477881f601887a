import net from 'node:net';
import { OttlaError } from '@ottla/protocol';
import type { TcpConnection, TcpHandlers, TcpListener, TcpNetwork } from '../ports/network';

class NodeConnection implements TcpConnection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly #socket: net.Socket;
  #handlers: TcpHandlers | null = null;
  #error: Error | null = null;
  #closed = false;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    this.localAddress = socket.localAddress ?? '';
    this.localPort = socket.localPort ?? 0;
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.once('close', () => {
      this.#closed = true;
      this.#handlers?.close(this.#error);
    });
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  get fd(): number {
    const handle = (this.#socket as unknown as { _handle: { fd: number } | null })._handle;
    return handle?.fd ?? -1;
  }

  handle(handlers: TcpHandlers): void {
    if (this.#handlers !== null) throw new Error('the connection has its handlers already');
    this.#handlers = handlers;
    if (this.#closed) {
      handlers.close(this.#error);
      return;
    }
    const socket = this.#socket;
    socket.on('drain', () => handlers.drain?.());
    socket.on('end', () => (handlers.end === undefined ? socket.end() : handlers.end()));
    socket.on('data', (bytes: Buffer) => handlers.data(bytes));
    // Accepted sockets are paused, so that no byte arrives before there is somebody to take it.
    socket.resume();
  }

  write(chunks: readonly Uint8Array[], onSent?: () => void): boolean {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return true;
    socket.cork();
    const last = chunks.length - 1;
    for (let at = 0; at < last; at++) socket.write(chunks[at] as Uint8Array);
    if (last >= 0) socket.write(chunks[last] as Uint8Array, (error) => error ?? onSent?.());
    socket.uncork();
    return !socket.writableNeedDrain;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }
}

function listen(
  address: { host: string; port: number },
  onConnection: (connection: TcpConnection) => void,
  onError?: (error: Error) => void,
): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    const open = new Set<net.Socket>();
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      onConnection(new NodeConnection(socket));
    });
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenFailed(address, error)));
    server.listen({ host: address.host, port: address.port }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => onError?.(error));
      resolve({ port: (server.address() as net.AddressInfo).port, close: () => closeServer(server, open) });
    });
  });
}

function closeServer(server: net.Server, open: ReadonlySet<net.Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of open) socket.destroy();
  });
}

function listenFailed(address: { host: string; port: number }, error: NodeJS.ErrnoException): OttlaError {
  const where = `${address.host}:${address.port}`;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${address.port} on ${address.host} is in use; stop what listens there or choose another port`,
    EACCES: `this user may not listen on ${where}; choose a port above 1023 or give the permission`,
    EADDRNOTAVAIL: `${address.host} is not an address of this machine; listen on 0.0.0.0 or on one that is`,
    ENOTFOUND: `the host name ${address.host} doesn't resolve; correct it or listen on an address`,
  };
  const reason = reasons[error.code ?? ''] ?? `can't listen on ${where}: ${error.message}`;
  return new OttlaError('INVALID_CONFIG', reason, { cause: error });
}

function connect(host: string, port: number, timeoutMs: number): Promise<TcpConnection> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(
        new OttlaError('NETWORK_EXCEPTION', `can't connect to ${host}:${port}: ${error.message}`, { cause: error }),
      );
    };
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(timer);
      fail(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(new NodeConnection(socket));
    });
  });
}

function probe(host: string, port: number, timeoutMs: number): Promise<'open' | 'refused' | 'silent'> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const finish = (outcome: 'open' | 'refused' | 'silent'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish('silent'), timeoutMs);
    socket.once('connect', () => finish('open'));
    // Anything but a refusal (no route, reset by something between) says nothing about the process.
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'));
  });
}

/** TCP by node:net. */
export const nodeTcp: TcpNetwork = { listen, connect, probe };
