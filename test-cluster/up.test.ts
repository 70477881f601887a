import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClusterFile, RunningCluster } from './harness/cluster';
import { freePorts, isAlive, killNine, OTTLA, scratchDir, start } from './harness/processes';
import { waitFor } from './harness/wait';

jest.setTimeout(90_000);

const scratch = scratchDir('up');
afterAll(() => scratch.remove());

let names = 0;
const newDir = (): string => join(scratch.path, String(++names));

function startCluster(options: { brokers: number; dataDir?: string; port?: number; args?: string[] }) {
  return RunningCluster.start({ dataDir: newDir(), ...options });
}

function readCluster(dataDir: string): ClusterFile {
  return JSON.parse(readFileSync(join(dataDir, 'cluster.json'), 'utf8')) as ClusterFile;
}

const pidsOf = ({ brokers, store }: ClusterFile): number[] => [
  ...brokers.map(({ pid }) => pid),
  ...(store.pid === null ? [] : [store.pid]),
];

const allGone = (pids: readonly number[]): boolean => pids.every((pid) => !isAlive(pid));

/** Waits for `up` to end by itself after `signal`, and gives its exit code. */
async function signalled(cluster: RunningCluster, signal: NodeJS.Signals): Promise<number | null> {
  const { child } = cluster.up;
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = (await exited) as [number | null];
  return code;
}

describe('ottla up', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s: drains, exits with 0, and leaves neither process nor cluster.json',
    async (signal) => {
      const cluster = await startCluster({ brokers: 2 });
      const pids = pidsOf(cluster.file);
      expect(await signalled(cluster, signal)).toBe(0);
      expect(allGone(pids)).toBe(true);
      expect(existsSync(join(cluster.dataDir, 'cluster.json'))).toBe(false);
    },
  );

  it('SIGTERM to all of its processes at once, as a service manager sends it: the store outlives the hand-over', async () => {
    const cluster = await startCluster({ brokers: 2 });
    const pids = pidsOf(cluster.file);
    const began = performance.now();
    const exited = once(cluster.up.child, 'exit');
    for (const pid of [cluster.up.child.pid!, ...pids]) process.kill(pid, 'SIGTERM');
    expect((await exited)[0]).toBe(0);
    expect(allGone(pids)).toBe(true);
    // A broker without its store waits the whole of controlled.shutdown.timeout.ms, 10 s.
    expect(performance.now() - began).toBeLessThan(9_000);
  });

  it('a second start finds the data, under the same id and ports', async () => {
    const first = await startCluster({ brokers: 1 });
    const sent = spawnSync(process.execPath, [OTTLA, 'produce', '--topic', 'kept', '--bootstrap', first.bootstrap], {
      input: 'a letter\nanother',
    });
    expect(sent.stderr.toString()).toBe('');
    await signalled(first, 'SIGINT');

    const port = Number(first.bootstrap.split(':')[1]);
    const second = await startCluster({ brokers: 1, dataDir: first.dataDir, port });
    const read = second.run('consume', '--topic', 'kept', '--from', 'earliest', '--exit-at-end');
    expect(read).toBe('a letter\nanother\n');
    const withoutPids = (file: ClusterFile): unknown =>
      JSON.parse(JSON.stringify(file).replace(/"pid":\d+/g, '"pid":0'));
    expect(withoutPids(second.file)).toEqual(withoutPids(first.file));
    await signalled(second, 'SIGINT');
  });

  it('killed with -9 itself: no child outlives it, and the directory can be used again', async () => {
    const cluster = await startCluster({ brokers: 2 });
    const pids = pidsOf(cluster.file);
    await killNine(cluster.up.child.pid!);
    await waitFor('the children to be gone', () => allGone(pids), 3_000, 10);
    const port = Number(cluster.bootstrap.split(',')[0]!.split(':')[1]);
    const again = await startCluster({ brokers: 2, dataDir: cluster.dataDir, port });
    expect(again.file.clusterId).toBe(cluster.file.clusterId);
    await signalled(again, 'SIGINT');
  });

  it('a broker that dies is reported and stays down; the others serve', async () => {
    const cluster = await startCluster({ brokers: 2 });
    await cluster.kill(2);
    await waitFor('the report', () => cluster.up.output().includes('broker 2 was killed by SIGKILL; it stays down'));
    expect(cluster.up.output()).toContain(`ottla broker --config ${cluster.broker(2).config}`);
    await waitFor('the others to have noticed', () => brokersOf(cluster).join() === '1');
    expect(await signalled(cluster, 'SIGINT')).toBe(0);
  });

  it('with --restart a broker that dies comes back, and cluster.json has its new process', async () => {
    const cluster = await startCluster({ brokers: 2, args: ['--restart'] });
    const before = cluster.broker(2).pid;
    await cluster.kill(2);
    await waitFor('broker 2 to serve again', () => cluster.up.output().includes('broker 2 serves again'), 20_000);
    const after = await waitFor('the new process id', () => {
      const { pid } = readCluster(cluster.dataDir).brokers[1]!;
      return pid === before ? null : pid;
    });
    expect(isAlive(after)).toBe(true);
    expect(brokersOf(cluster)).toEqual([1, 2]);
    expect(await signalled(cluster, 'SIGINT')).toBe(0);
    expect(isAlive(after)).toBe(false);
  });

  it('a directory that another one uses is refused with its process id', async () => {
    const cluster = await startCluster({ brokers: 1 });
    const { status, stderr } = spawnSync(process.execPath, [OTTLA, 'up', '--data', cluster.dataDir], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain(`is in use by another \`ottla up\` (process ${cluster.up.child.pid})`);
    await signalled(cluster, 'SIGINT');
  });

  it("a broker that cannot start ends it with that broker's own sentence, and nothing is left running", async () => {
    const port = await freePorts(2);
    const args = [
      'up',
      '--brokers',
      '2',
      '--port',
      String(port),
      '--data',
      newDir(),
      '--set',
      'log.segment.bytes=many',
    ];
    const { status, stderr } = spawnSync(process.execPath, [OTTLA, ...args], { encoding: 'utf8', timeout: 30_000 });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ottla: broker \d could not start: .*log\.segment\.bytes is "many"/s);
    expect(await freePorts(1)).toBeGreaterThan(0);
  });

  it('Ctrl-C before it serves ends it', async () => {
    const port = await freePorts(3);
    const dir = newDir();
    const up = start(process.execPath, [OTTLA, 'up', '--port', String(port), '--data', dir]);
    await waitFor(
      'the processes to have been started',
      () => existsSync(join(dir, 'broker-3', 'broker.log')),
      10_000,
      1,
    );
    await up.stop('SIGINT');
    expect(up.child.exitCode).toBe(0);
    expect(existsSync(join(dir, 'cluster.json'))).toBe(false);
  });

  it('--json: prints what cluster.json says on one line, and what happens then', async () => {
    const cluster = await startCluster({ brokers: 2, args: ['--json'] });
    await waitFor('a line', () => cluster.up.output().includes('\n'));
    expect(JSON.parse(cluster.up.output().split('\n')[0]!)).toEqual(cluster.file);
    await cluster.kill(1);
    const line = await waitFor('the event', () => cluster.up.output().split('\n')[1] || null);
    expect(JSON.parse(line)).toMatchObject({
      event: 'exited',
      part: 'broker',
      broker: 1,
      signal: 'SIGKILL',
      restartInMs: null,
    });
    await signalled(cluster, 'SIGINT');
  });

  it('nobody reads its output any more: it goes on', async () => {
    const cluster = await startCluster({ brokers: 2 });
    cluster.up.child.stdout!.destroy();
    cluster.up.child.stderr!.destroy();
    await cluster.kill(2);
    await waitFor('the others to have noticed', () => brokersOf(cluster).join() === '1');
    expect(await signalled(cluster, 'SIGINT')).toBe(0);
  });
});

describe('pipes', () => {
  let cluster: RunningCluster;
  beforeAll(async () => {
    cluster = await startCluster({ brokers: 1 });
  });
  afterAll(() => cluster.stop());

  const sh = (script: string): { status: number | null; stdout: Buffer; stderr: string } => {
    const ottla = `'${process.execPath}' '${OTTLA}'`;
    const full = script.replace(/ottla (\w+)/g, `${ottla} $1 --bootstrap ${cluster.bootstrap}`);
    const { status, stdout, stderr } = spawnSync('bash', ['-c', full], { maxBuffer: 1 << 30, timeout: 60_000 });
    return { status, stdout, stderr: stderr.toString() };
  };

  it('any bytes, empty lines, and a last line without newline go in and come out', () => {
    expect(sh(`printf 'a\\n\\n\\xff\\x00\\r\\nlast' | ottla produce --topic bytes`)).toMatchObject({
      status: 0,
      stderr: '',
    });
    const { stdout } = sh('ottla consume --topic bytes --from earliest --exit-at-end');
    expect(stdout.toString('latin1')).toBe('a\n\n\xff\0\r\nlast\n');
  });

  it('a reader that goes away ends the consumer quietly, also with much more to write', () => {
    expect(sh('seq 1 300000 | ottla produce --topic many')).toMatchObject({ status: 0, stderr: '' });
    const { status, stdout, stderr } = sh('set -o pipefail; ottla consume --topic many --from earliest | head -n 2');
    expect({ status, out: stdout.toString(), stderr }).toEqual({ status: 0, out: '1\n2\n', stderr: '' });
  });

  it('a slow reader gets everything', () => {
    const { stdout } = sh('ottla consume --topic many --from earliest --exit-at-end | { sleep 2; md5sum; }');
    expect(stdout.toString()).toBe(sh('seq 1 300000 | md5sum').stdout.toString());
  });

  it('--max ends after so many, and --from takes an offset', () => {
    expect(sh('ottla consume --topic many --from 41 --max 2').stdout.toString()).toBe('42\n43\n');
  });

  it('Ctrl-C delivers what was read, and says by its exit code that it was stopped', async () => {
    const args = [OTTLA, 'produce', '--topic', 'stopped', '--bootstrap', cluster.bootstrap, '--json'];
    const producer = start(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    producer.child.stdin!.write('one\ntwo\nhalf');
    await waitFor(
      'both to be there',
      () => sh('ottla consume --topic stopped --from earliest --exit-at-end').stdout.toString() === 'one\ntwo\n',
      20_000,
    );
    await producer.stop('SIGINT');
    expect(producer.child.exitCode).toBe(130);
    expect(JSON.parse(producer.output())).toMatchObject({ records: 2 });
  });

  it('Ctrl-C ends a consumer that waits for more', async () => {
    const args = [OTTLA, 'consume', '--topic', 'many', '--bootstrap', cluster.bootstrap];
    const consumer = start(process.execPath, args);
    const gone = once(consumer.child, 'exit');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    consumer.child.kill('SIGINT');
    expect(await gone).toEqual([null, 'SIGINT']);
  });

  it('a topic that is not there, and a cluster that is not there, are told in a sentence', () => {
    expect(sh('ottla consume --topic nothing --exit-at-end')).toMatchObject({
      status: 1,
      stderr: "ottla: topic nothing doesn't exist: `ottla topics create nothing` makes it\n",
    });
    const { status, stderr } = spawnSync(process.execPath, [OTTLA, 'topics', 'list', '--bootstrap', '127.0.0.1:1'], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ottla: no broker could be reached .*127\.0\.0\.1:1.*\n$/);
  });
});

function brokersOf(cluster: RunningCluster): number[] {
  const { brokers } = JSON.parse(cluster.run('cluster', 'describe', '--json')) as { brokers: { id: number }[] };
  return brokers.map(({ id }) => id);
}
