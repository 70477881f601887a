import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { OttlaError } from '@ottla/protocol';
import type { Clock, Logger, TcpConnection } from '@ottla/runtime';
import { DEFAULT_MAX_MESSAGE_BYTES, formatAddress, type KeepAlive } from '../stream/channel';
import { grpc } from '../stream/grpc';
import type { ServiceHost } from '../wire/service';
import { ConnectionDuplex } from './connection-duplex';
import { readFirstBytes } from './first-bytes';
import { widenWindow } from './flow-control';
import { addHealth, type Health, type ServingState } from './health';
import { looksLikeHttp2 } from './http2-preface';
import { addReflection } from './reflection';

export interface GrpcServerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Largest message accepted or sent, in bytes. Default 128 MiB. */
  readonly maxMessageBytes?: number;
  /** Default: a sign of life from a client after 10 s without one, within 10 s. */
  readonly keepAlive?: KeepAlive;
}

/** A gRPC server with the standard health service and server reflection. */
export interface GrpcServer extends ServiceHost {
  /** What `grpc.health.v1.Health` answers; the service '' is the server as a whole. */
  setHealth(service: string, state: ServingState): void;
  /** Port 0 takes any free port. Rejects with INVALID_CONFIG when the address can't be had. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }>;
  /** Takes over a connection that another listener accepted; its `handle` gives all that came, the preface first. */
  takeConnection(connection: TcpConnection): void;
  /** Tells clients to go away, waits `graceMs` (default 0) for calls to end, then cuts what is left. */
  close(graceMs?: number): Promise<void>;
}

const DEFAULT_KEEP_ALIVE: KeepAlive = { afterMs: 10_000, timeoutMs: 10_000 };
/** How long a client may take to say its first word. */
const FIRST_BYTES_TIMEOUT_MS = 10_000;
const MAX_STREAMS_PER_CONNECTION = 1_000;

export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  return new InjectedGrpcServer(options);
}

/**
 * Listens by a socket server of its own and injects the connections into grpc-js: so foreign protocols are told apart
 * with a clear word in the log, and connections of other listeners can be taken over.
 */
class InjectedGrpcServer implements GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #server: Server;
  readonly #inject: (connection: Duplex) => void;
  readonly #connections = new Set<Duplex>();
  readonly #services: string[] = [];
  readonly #onClosing: (() => void)[] = [];
  readonly #health: Health;
  #listener: NetServer | null = null;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    const { Server, ServerCredentials } = grpc();
    const maxMessageBytes = options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    const keepAlive = options.keepAlive ?? DEFAULT_KEEP_ALIVE;
    this.#server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      'grpc.keepalive_time_ms': keepAlive.afterMs,
      'grpc.keepalive_timeout_ms': keepAlive.timeoutMs,
      'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
      'grpc.enable_channelz': 0,
    });
    const injector = widenWindow(this.#server, () =>
      this.#server.createConnectionInjector(ServerCredentials.createInsecure()),
    );
    this.#inject = (connection) => injector.injectConnection(connection);
    this.#health = addHealth(this);
    addReflection(this, () => this.#services);
  }

  addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#server.addService(service, implementation);
    const path = Object.values(service)[0]?.path ?? '';
    this.#services.push(path.slice(1, path.lastIndexOf('/')));
  }

  onClosing(callback: () => void): void {
    this.#onClosing.push(callback);
  }

  setHealth(service: string, state: ServingState): void {
    this.#health.set(service, state);
  }

  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }> {
    return new Promise((resolve, reject) => {
      const listener = createServer({ noDelay: true }, (socket) => this.#accept(socket));
      listener.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(address, error)));
      listener.listen(address, () => {
        listener.removeAllListeners('error');
        listener.on('error', (error) => this.#options.logger.error(`gRPC listener: ${error.message}`));
        this.#listener = listener;
        resolve({ port: (listener.address() as { port: number }).port });
      });
    });
  }

  takeConnection(connection: TcpConnection): void {
    const duplex = new ConnectionDuplex(connection);
    this.#track(duplex);
    this.#inject(duplex);
  }

  async close(graceMs = 0): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    const stopped = new Promise<void>((resolve) => (listener === null ? resolve() : listener.close(() => resolve())));
    for (const callback of this.#onClosing) callback();
    if (graceMs > 0) await this.#drain(graceMs);
    for (const connection of this.#connections) connection.destroy();
    this.#server.forceShutdown();
    await stopped;
  }

  #drain(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(graceMs, resolve);
      this.#server.tryShutdown(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    this.#track(socket);
    readFirstBytes(socket, this.#options.clock, FIRST_BYTES_TIMEOUT_MS, (bytes) => {
      if (looksLikeHttp2(bytes)) {
        // The HTTP/2 session begins with what its socket has buffered.
        socket.unshift(bytes);
        this.#inject(socket);
        return;
      }
      const remote = formatAddress({ host: socket.remoteAddress ?? '?', port: socket.remotePort ?? 0 });
      this.#options.logger.warn(`closed a connection from ${remote} to the gRPC port: ${foreign(bytes)}`);
      socket.destroy();
    });
  }

  #track(connection: Duplex): void {
    if (this.#connections.has(connection)) return;
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
    // The HTTP/2 session reports what matters; a reset before there is one has nobody to tell.
    connection.on('error', () => {});
  }
}

function foreign(bytes: Uint8Array): string {
  if (bytes[0] === 0x16 && bytes[1] === 0x03) return 'it speaks TLS, this port is plaintext: connect without TLS';
  if (/^[A-Z]+ \S+ HTTP\/1/.test(Buffer.from(bytes).toString('latin1'))) {
    return 'it speaks HTTP/1, gRPC takes HTTP/2 with prior knowledge';
  }
  return 'what it sent is not gRPC (HTTP/2 with prior knowledge): Kafka clients connect to the Kafka port';
}

function cannotListen(
  address: { readonly host: string; readonly port: number },
  error: NodeJS.ErrnoException,
): OttlaError {
  const at = formatAddress(address);
  const reason: Record<string, string> = {
    EADDRINUSE: 'the port is in use: stop what listens there, or choose another port',
    EACCES: 'permission denied: choose a port above 1023',
    EADDRNOTAVAIL: 'this machine has no such address: choose one of its own, or 0.0.0.0',
    ENOTFOUND: 'the host name is unknown: choose an address of this machine, or 0.0.0.0',
  };
  const why = reason[error.code ?? ''] ?? error.message;
  return new OttlaError('INVALID_CONFIG', `can't listen for gRPC at ${at}: ${why}`, { cause: error });
}
