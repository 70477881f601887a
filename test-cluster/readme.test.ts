import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith, freePorts, ROOT, scratchDir } from './harness/processes';
import { waitFor } from './harness/wait';

jest.setTimeout(120_000);

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The shell commands of the README, block by block. */
const blocks = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]!.trim().split('\n'));
const find = (word: string): string[] => blocks.find((lines) => lines.some((line) => line.includes(word))) ?? [];

describeWith(['kcat', 'etcdctl'], 'apt-get install kcat etcd-client')('the README', () => {
  it('sets everything up with two commands', () => {
    expect(blocks[0]).toEqual(['npm ci && npm start']);
    expect(blocks[1]).toEqual(['npm ci && npm test']);
  });

  it('has a tour whose commands all work on the cluster that npm start runs', async () => {
    const scratch = scratchDir('readme');
    const port = await freePorts(3);
    const env = { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}` };
    const options = ['--port', String(port), '--data', scratch.path];
    const cluster = spawn('npm', ['start', '--', ...options], { cwd: ROOT, env, stdio: 'ignore', detached: true });
    const sh = (command: string): string => {
      const line = command.replaceAll('localhost:9092', `localhost:${port}`);
      const bootstrap = line.includes('ottla ') && !line.includes('config') ? ` --bootstrap localhost:${port}` : '';
      const result = spawnSync('sh', ['-c', `${line}${bootstrap}`], {
        cwd: ROOT,
        env,
        encoding: 'utf8',
        timeout: 30_000,
      });
      expect({ command: line, status: result.status, stderr: result.status === 0 ? '' : result.stderr }).toEqual({
        command: line,
        status: 0,
        stderr: '',
      });
      return result.stdout;
    };
    try {
      const path = join(scratch.path, 'cluster.json');
      await waitFor('npm start to write cluster.json', () => existsSync(path), 60_000);
      const [create, produce, consume, describe] = find('ottla topics create');
      sh(create!);
      sh(produce!);
      expect(sh(consume!)).toBe('Dearest Ottla\n');
      expect(sh(describe!)).toMatch(/leader/);
      const [send, read] = find('kcat -b');
      sh(send!);
      expect(sh(read!)).toBe('Dearest Ottla\nDearest Ottla\n');
      expect(sh('ottla config --help')).toContain('log.segment.bytes');
      const { store } = JSON.parse(readFileSync(path, 'utf8'));
      const keys = spawnSync(
        'etcdctl',
        ['--endpoints', store.endpoints[0], 'get', '--prefix', '/ottla', '--keys-only'],
        {
          env: { ...env, ETCDCTL_API: '3' },
          encoding: 'utf8',
        },
      );
      expect(keys.stdout).toContain('/topics/letters');
    } finally {
      process.kill(-cluster.pid!, 'SIGINT');
      await once(cluster, 'exit');
      scratch.remove();
    }
  });
});
