import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { freePorts, isAlive } from '../../harness/processes';
import { command } from './commands';

const NAMESPACES = '/var/run/netns';
const NAME = /^oc(\d+)-\d+$/;

/** A machine of its own for one process: a network namespace, or the loopback address where there are none. */
export interface Host {
  readonly address: string;
  /** The first of ten ports that nobody else uses there. */
  readonly port: number;
  /** What to put before a command so that it runs there. */
  readonly enter: readonly string[];
  readonly namespace: string | null;
}

/** The machines of a run, and what passes between them. */
export interface Network {
  readonly hosts: readonly Host[];
  /** Nothing passes from one to the other; the other way is as before. */
  cutOneWay(from: Host, to: Host): Promise<void>;
  /** Its plug is pulled: nothing passes to or from anybody, clients included. */
  isolate(host: Host): Promise<void>;
  heal(): Promise<void>;
  /** Ends what still runs there, and leaves nothing behind. Also when called twice, or halfway through. */
  removeNow(): void;
}

const PORTS_OF_A_HOST = 10;

export async function loopbackNetwork(count: number): Promise<Network> {
  const first = await freePorts(count * PORTS_OF_A_HOST);
  const refuse = (): Promise<void> => Promise.reject(new Error('the loopback network has no cables to cut'));
  return {
    hosts: Array.from({ length: count }, (_, index) => ({
      address: '127.0.0.1',
      port: first + index * PORTS_OF_A_HOST,
      enter: [],
      namespace: null,
    })),
    cutOneWay: refuse,
    isolate: refuse,
    heal: async () => {},
    removeNow: () => {},
  };
}

/** Namespaces on one bridge, whose address is that of the clients. Needs root, ip, iptables and nsenter. */
export async function namespacedNetwork(count: number): Promise<Network> {
  removeLeftovers();
  const network = new NamespacedNetwork(process.pid, count);
  try {
    await network.create();
  } catch (error) {
    network.removeNow();
    throw error;
  }
  return network;
}

class NamespacedNetwork implements Network {
  readonly hosts: readonly Host[];
  private readonly subnet: string;
  private readonly bridge: string;
  private created = false;

  constructor(
    private readonly id: number,
    count: number,
  ) {
    this.subnet = `10.${64 + (id % 128)}.${Math.floor(id / 128) % 256}`;
    this.bridge = `oc${id}`;
    this.hosts = Array.from({ length: count }, (_, index) => {
      const namespace = `oc${id}-${index + 1}`;
      const enter = ['nsenter', `--net=${NAMESPACES}/${namespace}`];
      return { address: `${this.subnet}.${index + 11}`, port: 9_000, enter, namespace };
    });
  }

  async create(): Promise<void> {
    this.created = true;
    await ip('link', 'add', this.bridge, 'type', 'bridge');
    await ip('addr', 'add', `${this.subnet}.1/24`, 'dev', this.bridge);
    await ip('link', 'set', this.bridge, 'up');
    for (const { namespace, address } of this.hosts) {
      await ip('netns', 'add', namespace!);
      await ip('link', 'add', namespace!, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace!);
      await ip('link', 'set', namespace!, 'master', this.bridge, 'up');
      await ip('-n', namespace!, 'link', 'set', 'lo', 'up');
      await ip('-n', namespace!, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      await ip('-n', namespace!, 'link', 'set', 'eth0', 'up');
    }
    // Where bridged frames pass through FORWARD, its policy may be to drop them.
    await command('iptables', ['-w', '-I', 'FORWARD', '-i', this.bridge, '-o', this.bridge, '-j', 'ACCEPT']);
  }

  async cutOneWay(from: Host, to: Host): Promise<void> {
    await this.iptables(from, '-A', 'OUTPUT', '-d', to.address, '-j', 'DROP');
    await this.iptables(to, '-A', 'INPUT', '-s', from.address, '-j', 'DROP');
  }

  async isolate(host: Host): Promise<void> {
    await ip('link', 'set', host.namespace!, 'down');
  }

  async heal(): Promise<void> {
    for (const host of this.hosts) {
      await this.iptables(host, '-F');
      await ip('link', 'set', host.namespace!, 'up');
    }
  }

  removeNow(): void {
    if (!this.created) return;
    this.created = false;
    removeNetwork(this.id);
  }

  private async iptables(host: Host, ...args: string[]): Promise<void> {
    const [file, ...enter] = host.enter;
    await command(file!, [...enter, 'iptables', '-w', ...args]);
  }
}

async function ip(...args: string[]): Promise<void> {
  await command('ip', args);
}

/** What runs that were killed themselves could not remove. */
function removeLeftovers(): void {
  const ids = new Set(namespaces().map((name) => Number(NAME.exec(name)![1])));
  for (const id of ids) if (!isAlive(id)) removeNetwork(id);
}

function namespaces(): string[] {
  try {
    return readdirSync(NAMESPACES).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
}

function removeNetwork(id: number): void {
  const bridge = `oc${id}`;
  const run = (file: string, ...args: string[]): string => spawnSync(file, args, { encoding: 'utf8' }).stdout ?? '';
  for (const name of namespaces().filter((namespace) => namespace.startsWith(`${bridge}-`))) {
    for (const pid of run('ip', 'netns', 'pids', name).split('\n').filter(Boolean)) endNow(Number(pid));
    run('ip', 'netns', 'del', name);
    run('ip', 'link', 'del', name);
  }
  run('iptables', '-w', '-D', 'FORWARD', '-i', bridge, '-o', bridge, '-j', 'ACCEPT');
  run('ip', 'link', 'del', bridge);
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}
