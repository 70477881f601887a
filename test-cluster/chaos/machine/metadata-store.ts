import { cp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { OTTLA } from '../../harness/processes';
import { waitFor } from '../../harness/wait';
import { command } from './commands';
import type { Host } from './network';
import { Service } from './service';

const START_DEADLINE_MS = 60_000;

/** The metadata store of the cluster, in a process of its own on a host of its own. */
export abstract class ChaosStore {
  protected readonly service: Service;
  private generation = 1;

  constructor(
    readonly host: Host,
    protected readonly dir: string,
    onCrash: (what: string) => void,
  ) {
    this.service = new Service('the metadata store', host, join(dir, 'store.log'), onCrash);
  }

  get endpoint(): string {
    return `${this.host.address}:${this.host.port}`;
  }

  async start(): Promise<void> {
    this.service.start(this.commandLine());
    await waitFor('the metadata store to listen', () => accepts(this.host), START_DEADLINE_MS);
  }

  kill(): Promise<void> {
    return this.service.kill();
  }

  pause(): void {
    this.service.pause();
  }

  resume(): void {
    this.service.resume();
  }

  killNow(): void {
    this.service.killNow();
  }

  /** Saves what it holds now, and gives a function that puts this in place of what it holds then (it must be down). */
  abstract snapshot(): Promise<() => Promise<void>>;

  protected abstract commandLine(): readonly string[];

  protected get dataDir(): string {
    return join(this.dir, `data-${this.generation}`);
  }

  /** A place for other data; the old one is kept for whoever looks for the cause of a failure. */
  protected nextDataDir(): string {
    this.generation++;
    return this.dataDir;
  }
}

export class ChaosEtcd extends ChaosStore {
  private snapshots = 0;

  async snapshot(): Promise<() => Promise<void>> {
    const file = join(this.dir, `snapshot-${++this.snapshots}.db`);
    await this.etcdctl('--endpoints', this.endpoint, 'snapshot', 'save', file);
    return async () => {
      await rm(this.dataDir, { recursive: true, force: true });
      await this.etcdctl('snapshot', 'restore', file, ...this.membership(), '--data-dir', this.nextDataDir());
    };
  }

  protected commandLine(): readonly string[] {
    const client = `http://${this.endpoint}`;
    return [
      ...['etcd', '--data-dir', this.dataDir, '--name', 'one'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', this.peerUrl, '--initial-advertise-peer-urls', this.peerUrl],
      ...['--initial-cluster', `one=${this.peerUrl}`],
    ];
  }

  private get peerUrl(): string {
    return `http://${this.host.address}:${this.host.port + 1}`;
  }

  private membership(): string[] {
    return ['--name', 'one', '--initial-cluster', `one=${this.peerUrl}`, '--initial-advertise-peer-urls', this.peerUrl];
  }

  private async etcdctl(...args: string[]): Promise<void> {
    await command('env', ['ETCDCTL_API=3', 'etcdctl', ...args]);
  }
}

export class ChaosEmbeddedStore extends ChaosStore {
  /** A copy of its directory while it is down, as a backup of the disk would hold it. */
  async snapshot(): Promise<() => Promise<void>> {
    const copy = join(this.dir, 'snapshot');
    await this.kill();
    await rm(copy, { recursive: true, force: true });
    await cp(this.dataDir, copy, { recursive: true });
    await this.start();
    return async () => {
      await rm(this.dataDir, { recursive: true, force: true });
      await cp(copy, this.nextDataDir(), { recursive: true });
    };
  }

  protected commandLine(): readonly string[] {
    return [process.execPath, OTTLA, 'store', '--dir', this.dataDir, '--listen', this.endpoint];
  }
}

function accepts(host: Host): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(host.port, host.address);
    const answer = (isOpen: boolean) => (): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', answer(true));
    socket.once('error', answer(false));
    socket.setTimeout(2_000, answer(false));
  });
}
