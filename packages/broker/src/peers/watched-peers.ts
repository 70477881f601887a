import type { OttlaError } from '@ottla/protocol';
import type { PeerAddress, PeerHandlers, PeerHello, PeerNetwork, PeerServer, PeerStream } from '@ottla/runtime';
import type { ClosablePeers } from '../composition/ports';

/** Told of each stream that broke, rather than being closed in order: who was at its other end. */
export interface BreakageListener {
  /** The other side had opened it. */
  from(hello: PeerHello): void;
  /** This side had opened it, or tried to. */
  to(address: PeerAddress): void;
}

/** The same network; what breaks on it is told. */
export class WatchedPeers implements ClosablePeers {
  constructor(
    private readonly network: ClosablePeers,
    private readonly listener: BreakageListener,
  ) {}

  openReplication(address: PeerAddress, hello: PeerHello): ReturnType<PeerNetwork['openReplication']> {
    return new WatchedStream(this.network.openReplication(address, hello), () => this.listener.to(address));
  }

  openSession(address: PeerAddress, hello: PeerHello): ReturnType<PeerNetwork['openSession']> {
    return new WatchedStream(this.network.openSession(address, hello), () => this.listener.to(address));
  }

  probe(address: PeerAddress, timeoutMs: number): ReturnType<PeerNetwork['probe']> {
    return this.network.probe(address, timeoutMs);
  }

  serve(address: PeerAddress, { onReplication, onSession }: PeerHandlers, self: PeerHello): Promise<PeerServer> {
    const from = (hello: PeerHello) => () => this.listener.from(hello);
    const watched: PeerHandlers = {
      onReplication: (hello, stream) => onReplication(hello, new WatchedStream(stream, from(hello))),
      onSession: (hello, stream) => onSession(hello, new WatchedStream(stream, from(hello))),
    };
    return this.network.serve(address, watched, self);
  }

  close(): Promise<void> {
    return this.network.close();
  }
}

class WatchedStream<Send, Receive> implements PeerStream<Send, Receive> {
  private closedHere = false;

  constructor(
    private readonly stream: PeerStream<Send, Receive>,
    private readonly onBroken: () => void,
  ) {}

  get remote(): string {
    return this.stream.remote;
  }

  send(message: Send): boolean {
    return this.stream.send(message);
  }

  onMessage(callback: (message: Receive) => void): void {
    this.stream.onMessage(callback);
  }

  onDrain(callback: () => void): void {
    this.stream.onDrain(callback);
  }

  onClose(callback: (error: OttlaError | null) => void): void {
    this.stream.onClose((error) => {
      if (error?.code === 'NETWORK_EXCEPTION' && !this.closedHere) this.onBroken();
      callback(error);
    });
  }

  close(error?: OttlaError): void {
    this.closedHere = true;
    this.stream.close(error);
  }
}
