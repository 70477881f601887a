import { OttlaError } from '@ottla/protocol';
import type { Random } from '@ottla/runtime';
import type { Life } from '../process/life';
import type { SimTime } from '../time/sim-time';
import { Link, type LinkQuality } from './link';
import { PipeEnd, type PipeGround } from './pipe';

/** What a machine does with connections to a port where it could be reached. */
export type SynPolicy = 'accept' | 'refuse' | 'drop';

interface Machine {
  up: boolean;
  /** By port. */
  readonly listeners: Map<number, Listening>;
  syn: SynPolicy;
  nextPort: number;
}

interface Listening {
  readonly life: Life;
  /** Which protocol is spoken there; others are refused in words the simulator doesn't model. */
  accept(end: PipeEnd<never, never>, remote: Address, local: Address): void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type Dialled<Out, In> =
  | { readonly outcome: 'open'; readonly end: PipeEnd<Out, In>; readonly local: Address }
  | { readonly outcome: 'refused' | 'silent' };

const FIRST_EPHEMERAL_PORT = 32_768;
/** When a SYN that wasn't answered is sent again. */
const SYN_RETRIES_MS = [1_000, 3_000, 7_000];

/** Machines, the links between them, and the connections on these. */
export class Network implements PipeGround {
  private readonly machines = new Map<string, Machine>();
  private readonly links = new Map<string, Link>();
  private readonly connections = new Map<PipeEnd<never, never>, readonly [string, string]>();

  constructor(
    readonly time: SimTime,
    private readonly random: Random,
    private readonly quality: (from: string, to: string) => LinkQuality,
  ) {}

  /** Machines that have been spoken of. */
  hosts(): readonly string[] {
    return [...this.machines.keys()];
  }

  machine(host: string): Machine {
    let machine = this.machines.get(host);
    if (machine === undefined) {
      machine = { up: true, listeners: new Map(), syn: 'accept', nextPort: FIRST_EPHEMERAL_PORT };
      this.machines.set(host, machine);
    }
    return machine;
  }

  link(from: string, to: string): Link {
    const name = `${from}>${to}`;
    let link = this.links.get(name);
    if (link === undefined) {
      link = new Link(from, to, this.quality(from, to), this.random);
      this.links.set(name, link);
    }
    return link;
  }

  passable(link: Link): boolean {
    return link.holds === 0 && this.machine(link.from).up && this.machine(link.to).up;
  }

  /** No packet passes from one machine to another until the returned function is called. */
  hold(from: string, to: string): () => void {
    const link = this.link(from, to);
    link.holds++;
    return () => {
      link.holds--;
      if (link.holds === 0) link.release();
    };
  }

  setUp(host: string, up: boolean): void {
    this.machine(host).up = up;
    if (!up) return;
    for (const link of this.links.values()) if (link.from === host || link.to === host) link.release();
  }

  /** Breaks every connection between two machines. */
  resetBetween(a: string, b: string): number {
    let broken = 0;
    for (const [end, [from, to]] of this.connections) {
      if (!end.open || !((from === a && to === b) || (from === b && to === a))) continue;
      end.breakBoth();
      broken++;
    }
    return broken;
  }

  /** Throws INVALID_CONFIG when the port is taken. */
  listen<Out, In>(
    life: Life,
    address: Address,
    accept: (end: PipeEnd<Out, In>, remote: Address, local: Address) => void,
  ): { readonly port: number; close(): void } {
    const { listeners } = this.machine(address.host);
    const port = address.port === 0 ? this.freePort(address.host) : address.port;
    const current = listeners.get(port);
    if (current !== undefined && !current.life.dead) {
      throw new OttlaError('INVALID_CONFIG', `port ${port} on ${address.host} is in use; stop what listens there`);
    }
    const listening: Listening = { life, accept: accept as unknown as Listening['accept'] };
    listeners.set(port, listening);
    const close = (): void => {
      if (listeners.get(port) === listening) listeners.delete(port);
    };
    life.onEnd(close);
    return { port, close };
  }

  /** Asks for a connection; answers after at most `timeoutMs` of true time. */
  dial<Out, In>(life: Life, from: string, to: Address, timeoutMs: number): Promise<Dialled<Out, In>> {
    return new Promise((resolve) => {
      let over = false;
      const finish = (dialled: Dialled<Out, In>): void => {
        if (over) return;
        over = true;
        timer.cancel();
        life.run(() => resolve(dialled));
      };
      const timer = this.time.after(timeoutMs, () => finish({ outcome: 'silent' }));
      const start = this.time.now();
      const attempt = (): void => {
        if (!over && !life.dead) this.sendSyn(life, from, to, finish, () => over || life.dead);
      };
      attempt();
      for (const delay of SYN_RETRIES_MS) if (delay < timeoutMs) this.time.at(start + delay, attempt);
    });
  }

  private freePort(host: string): number {
    const machine = this.machine(host);
    return machine.nextPort++;
  }

  private sendSyn<Out, In>(
    life: Life,
    from: string,
    to: Address,
    finish: (dialled: Dialled<Out, In>) => void,
    isOver: () => boolean,
  ): void {
    const out = this.link(from, to.host);
    const back = this.link(to.host, from);
    if (!this.passable(out)) return;
    this.time.after(out.latency(), () => {
      if (isOver() || !this.passable(out)) return;
      const machine = this.machine(to.host);
      const listening = machine.listeners.get(to.port);
      if (machine.syn === 'drop' && from !== to.host) return;
      const refused = listening === undefined || listening.life.dead || (machine.syn === 'refuse' && from !== to.host);
      if (refused) {
        if (this.passable(back)) this.time.after(back.latency(), () => finish({ outcome: 'refused' }));
        return;
      }
      if (!this.passable(back)) return;
      this.time.after(back.latency(), () => {
        if (isOver() || !this.passable(back) || listening.life.dead) return;
        finish(this.connect(life, listening, from, to, out, back));
      });
    });
  }

  private connect<Out, In>(
    life: Life,
    listening: Listening,
    from: string,
    to: Address,
    out: Link,
    back: Link,
  ): Dialled<Out, In> {
    const local = { host: from, port: this.freePort(from) };
    const client = new PipeEnd<Out, In>(this, life, out);
    const server = new PipeEnd<In, Out>(this, listening.life, back);
    client.other = server;
    server.other = client;
    this.remember(client as unknown as PipeEnd<never, never>, from, to.host);
    listening.life.run(() => {
      if (server.open) listening.accept(server as unknown as PipeEnd<never, never>, local, to);
    });
    return { outcome: 'open', end: client, local };
  }

  private remember(end: PipeEnd<never, never>, from: string, to: string): void {
    this.connections.set(end, [from, to]);
    if (this.connections.size % 64 !== 0) return;
    for (const other of this.connections.keys()) {
      if (!other.open && !other.other.open) this.connections.delete(other);
    }
  }
}
