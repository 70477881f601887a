import { OttlaError } from '@ottla/protocol';
import type { FollowerMessage, LeaderMessage } from '@ottla/replication';
import type {
  PeerAddress,
  PeerHandlers,
  PeerNetwork,
  PeerServer,
  PeerStream,
  ProbeResult,
  SessionReply,
  SessionRequest,
} from '@ottla/runtime';

class MemoryStream<Send, Receive> implements PeerStream<Send, Receive> {
  readonly remote = 'memory';
  other!: MemoryStream<Receive, Send>;
  private message: (message: Receive) => void = () => {};
  private closing: (error: OttlaError | null) => void = () => {};
  private closed = false;

  send(message: Send): boolean {
    if (this.closed) return false;
    setImmediate(() => this.other.deliver(message));
    return true;
  }

  onMessage(callback: (message: Receive) => void): void {
    this.message = callback;
  }

  onDrain(): void {}

  onClose(callback: (error: OttlaError | null) => void): void {
    this.closing = callback;
  }

  close(error?: OttlaError): void {
    this.end(error ?? null);
    setImmediate(() => this.other.end(error ?? null));
  }

  deliver(message: Receive): void {
    if (!this.closed) this.message(message);
  }

  end(error: OttlaError | null): void {
    if (this.closed) return;
    this.closed = true;
    this.closing(error);
  }
}

/** Brokers in one process that reach each other by port; messages take a turn of the event loop. */
export class MemoryPeers {
  private readonly serving = new Map<number, PeerHandlers>();
  private readonly streams = new Map<number, MemoryStream<never, never>[]>();

  /** The network as one broker sees it. */
  network(): PeerNetwork {
    return {
      openReplication: (address, hello) =>
        this.open<FollowerMessage, LeaderMessage>(address, (handlers, stream) => handlers.onReplication(hello, stream)),
      openSession: (address, hello) =>
        this.open<SessionRequest, SessionReply>(address, (handlers, stream) => handlers.onSession(hello, stream)),
      probe: async (address): Promise<ProbeResult> => (this.serving.has(address.port) ? 'open' : 'refused'),
      serve: async (address, handlers): Promise<PeerServer> => {
        this.serving.set(address.port, handlers);
        return { port: address.port, close: async () => this.cut(address.port) };
      },
    };
  }

  /** The process behind a port dies: nobody listens there, and its streams break. */
  cut(port: number): void {
    this.serving.delete(port);
    const error = new OttlaError('NETWORK_EXCEPTION', `port ${port} is gone`);
    for (const stream of this.streams.get(port) ?? []) stream.close(error);
    this.streams.delete(port);
  }

  private open<Up, Down>(
    address: PeerAddress,
    accept: (handlers: PeerHandlers, stream: PeerStream<Down, Up>) => void,
  ): PeerStream<Up, Down> {
    const client = new MemoryStream<Up, Down>();
    const server = new MemoryStream<Down, Up>();
    client.other = server;
    server.other = client;
    const handlers = this.serving.get(address.port);
    if (handlers === undefined) {
      setImmediate(() => client.end(new OttlaError('NETWORK_EXCEPTION', `port ${address.port}: refused`)));
      return client;
    }
    this.streams.set(address.port, [...(this.streams.get(address.port) ?? []), client as never]);
    accept(handlers, server);
    return client;
  }
}
