import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const etcdIsInstalled = spawnSync('etcd', ['--version']).status === 0;

/** A real etcd of one member, with a directory of its own. */
export class EtcdProcess {
  readonly endpoint: string;
  readonly #child: ChildProcess;
  readonly #dir: string;

  private constructor(endpoint: string, child: ChildProcess, dir: string) {
    this.endpoint = endpoint;
    this.#child = child;
    this.#dir = dir;
  }

  static async start(): Promise<EtcdProcess> {
    const dir = mkdtempSync(join(tmpdir(), 'ottla-etcd-'));
    const [client, peer] = await Promise.all([freePort(), freePort()]);
    const clientUrl = `http://127.0.0.1:${client}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    const args = ['--data-dir', dir, '--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl];
    args.push('--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl);
    args.push('--initial-cluster', `default=${peerUrl}`, '--log-level', 'error');
    const child = spawn('etcd', args, { stdio: 'ignore' });
    return new EtcdProcess(`127.0.0.1:${client}`, child, dir);
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
