import { OttlaError } from '@ottla/protocol';
import type {
  PeerAddress,
  PeerHello,
  PeerNetwork,
  PeerStream,
  ProbeResult,
  SessionReply,
  SessionRequest,
} from '@ottla/runtime';

type OnSession = (hello: PeerHello, stream: PeerStream<SessionReply, SessionRequest>) => void;

interface Link {
  readonly from: number;
  readonly to: number;
  readonly broker: End<SessionRequest, SessionReply>;
  readonly controller: End<SessionReply, SessionRequest>;
}

/** The peer network of a whole cluster: processes listen, die, and are cut from one another. */
export class PeerWorld {
  readonly #listeners = new Map<number, { broker: number; onSession: OnSession }>();
  readonly #cuts = new Set<string>();
  readonly #refusing = new Set<number>();
  readonly #paused = new Map<number, (() => void)[]>();
  readonly #links = new Set<Link>();

  listen(port: number, broker: number, onSession: OnSession): void {
    this.#listeners.set(port, { broker, onSession });
  }

  /** The process is gone: nobody listens, and its streams break. */
  kill(broker: number, port: number): void {
    this.#listeners.delete(port);
    for (const link of this.#links) if (link.from === broker || link.to === broker) this.#break(link);
  }

  /** Nothing passes between the two, and neither is told. */
  cut(a: number, b: number): void {
    this.#cuts.add(`${a}-${b}`).add(`${b}-${a}`);
  }

  /** Nothing passes from the one to the other. */
  cutOneWay(from: number, to: number): void {
    this.#cuts.add(`${from}-${to}`);
  }

  heal(): void {
    this.#cuts.clear();
    for (const link of this.#links) this.#break(link);
  }

  /** Breaks the broker's session; connects to its port are refused, although it lives, until `stopRefusing`. */
  refuse(broker: number, port: number): void {
    this.#refusing.add(port);
    for (const link of this.#links) if (link.from === broker) this.#break(link);
  }

  stopRefusing(port: number): void {
    this.#refusing.delete(port);
  }

  /** The process doesn't run: what arrives waits until it's resumed. */
  pause(broker: number): void {
    this.#paused.set(broker, []);
  }

  resume(broker: number): void {
    const waiting = this.#paused.get(broker) ?? [];
    this.#paused.delete(broker);
    for (const deliver of waiting) deliver();
  }

  networkOf(from: number): Pick<PeerNetwork, 'openSession' | 'probe'> {
    return {
      openSession: (address, hello) => this.#open(from, address, hello),
      probe: async (address) => this.#probe(from, address),
    };
  }

  #probe(from: number, { port }: PeerAddress): ProbeResult {
    const listener = this.#listeners.get(port);
    if (listener !== undefined && this.#cuts.has(`${from}-${listener.broker}`)) return 'silent';
    return listener === undefined || this.#refusing.has(port) ? 'refused' : 'open';
  }

  #open(from: number, { port }: PeerAddress, hello: PeerHello): PeerStream<SessionRequest, SessionReply> {
    const listener = this.#listeners.get(port);
    const broker = new End<SessionRequest, SessionReply>();
    const controller = new End<SessionReply, SessionRequest>();
    const to = listener?.broker ?? -1;
    const link: Link = { from, to, broker, controller };
    const passes = () => !this.#cuts.has(`${from}-${to}`);
    const answers = () => !this.#cuts.has(`${to}-${from}`);
    broker.connect(controller, passes, (deliver) => this.#deliver(to, deliver));
    controller.connect(broker, answers, (deliver) => this.#deliver(from, deliver));
    if (listener === undefined || this.#refusing.has(port)) {
      queueMicrotask(() => broker.end(new OttlaError('NETWORK_EXCEPTION', 'connection refused')));
      return broker;
    }
    this.#links.add(link);
    if (passes()) queueMicrotask(() => listener.onSession(hello, controller));
    return broker;
  }

  #deliver(to: number, deliver: () => void): void {
    const waiting = this.#paused.get(to);
    if (waiting === undefined) queueMicrotask(deliver);
    else waiting.push(deliver);
  }

  #break(link: Link): void {
    this.#links.delete(link);
    const error = new OttlaError('NETWORK_EXCEPTION', 'connection reset');
    link.broker.end(error);
    link.controller.end(error);
  }
}

class End<Send, Receive> implements PeerStream<Send, Receive> {
  readonly remote = 'test';
  #peer: End<Receive, Send> | null = null;
  #passes: () => boolean = () => true;
  #deliver: (deliver: () => void) => void = queueMicrotask;
  #onMessage: ((message: Receive) => void) | null = null;
  #onClose: ((error: OttlaError | null) => void) | null = null;
  #open = true;

  connect(peer: End<Receive, Send>, passes: () => boolean, deliver: (deliver: () => void) => void): void {
    this.#peer = peer;
    this.#passes = passes;
    this.#deliver = deliver;
  }

  send(message: Send): boolean {
    if (!this.#open || !this.#passes()) return this.#open;
    const peer = this.#peer;
    this.#deliver(() => peer?.receive(message));
    return true;
  }

  receive(message: Receive): void {
    if (this.#open) this.#onMessage?.(message);
  }

  onMessage(callback: (message: Receive) => void): void {
    this.#onMessage = callback;
  }

  onDrain(): void {}

  onClose(callback: (error: OttlaError | null) => void): void {
    this.#onClose = callback;
  }

  close(error?: OttlaError): void {
    if (!this.#open) return;
    this.end(null);
    if (!this.#passes()) return;
    const peer = this.#peer;
    queueMicrotask(() => peer?.end(error ?? null));
  }

  end(error: OttlaError | null): void {
    if (!this.#open) return;
    this.#open = false;
    queueMicrotask(() => this.#onClose?.(error));
  }
}
