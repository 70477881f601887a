import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { MemoryDisk, nodeClock, silentLogger } from '@ottla/runtime';
import { type EmbeddedStore, startEmbeddedStore } from '../src';

const run = promisify(execFile);
const etcdctlIsInstalled = spawnSync('etcdctl', ['version']).status === 0;
const describeEtcdctl = etcdctlIsInstalled ? describe : describe.skip;
if (!etcdctlIsInstalled) console.warn('etcdctl is not installed, its tests are skipped: apt-get install etcd-client');

describeEtcdctl('embedded store, looked at with etcdctl', () => {
  let store: EmbeddedStore;
  let space = 0;
  let prefix: string;
  let watching: ChildProcess | null = null;

  beforeAll(async () => {
    const disk = new MemoryDisk();
    store = await startEmbeddedStore({
      dir: '/store',
      host: '127.0.0.1',
      port: 0,
      clock: nodeClock,
      disk: disk.mount(),
      logger: silentLogger,
    });
  });

  afterAll(() => store.close());

  beforeEach(() => {
    prefix = `/${++space}/`;
  });

  afterEach(async () => {
    if (watching === null) return;
    const ended = once(watching, 'close');
    watching.kill();
    await ended;
    watching = null;
  });

  const start = (...args: string[]) =>
    ({ args: ['--endpoints', store.endpoint, ...args], env: { ...process.env, ETCDCTL_API: '3' } }) as const;

  const etcdctl = async (...args: string[]) => {
    const command = start(...args);
    const { stdout } = await run('etcdctl', command.args, { env: command.env });
    return stdout.trim().split('\n');
  };

  const etcdctlFails = async (...args: string[]) => {
    try {
      await etcdctl(...args);
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
    throw new Error(`etcdctl ${args.join(' ')} was expected to fail`);
  };

  it('put, get, del', async () => {
    expect(await etcdctl('put', `${prefix}a`, '1')).toEqual(['OK']);
    await etcdctl('put', `${prefix}b`, '2');
    expect(await etcdctl('get', '--prefix', prefix)).toEqual([`${prefix}a`, '1', `${prefix}b`, '2']);
    expect(await etcdctl('get', '--prefix', prefix, '--order=DESCEND', '--limit=1', '--print-value-only')).toEqual([
      '2',
    ]);
    expect(await etcdctl('del', '--prev-kv', `${prefix}a`)).toEqual(['1', `${prefix}a`, '1']);
    const { kvs, count } = JSON.parse((await etcdctl('get', '-w', 'json', '--prefix', prefix))[0]!);
    expect(count).toBe(1);
    expect(kvs[0]).toMatchObject({ key: Buffer.from(`${prefix}b`).toString('base64'), version: 1 });
  });

  it('txn: guards decide which branch is taken', async () => {
    await etcdctl('put', `${prefix}a`, '1');
    const attempt = async () => {
      const command = start('txn', '--write-out=simple');
      const child = spawn('etcdctl', command.args, { env: command.env, stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.end(
        `value("${prefix}a") = "1"\nmod("${prefix}b") = "0"\n\nput ${prefix}b 2\nget ${prefix}b\n\nget ${prefix}a\n\n`,
      );
      const printed: Buffer[] = [];
      child.stdout.on('data', (chunk) => printed.push(chunk));
      await once(child, 'close');
      return Buffer.concat(printed).toString().trim().split(/\s+/);
    };
    expect(await attempt()).toEqual(['SUCCESS', 'OK', `${prefix}b`, '2']);
    expect(await attempt()).toEqual(['FAILURE', `${prefix}a`, '1']);
  });

  it('lease grant, list, timetolive, keep-alive, revoke', async () => {
    const [granted] = await etcdctl('lease', 'grant', '60');
    const id = /lease (\w+) granted with TTL\(60s\)/.exec(granted!)![1]!;
    await etcdctl('put', `--lease=${id}`, `${prefix}a`, '1');
    expect(await etcdctl('lease', 'list')).toContain(id);
    expect((await etcdctl('lease', 'timetolive', '--keys', id))[0]).toMatch(
      new RegExp(`lease ${id} granted with TTL\\(60s\\), remaining\\((59|60)s\\), attached keys\\(\\[${prefix}a\\]\\)`),
    );
    expect(await etcdctl('lease', 'keep-alive', '--once', id)).toEqual([`lease ${id} keepalived with TTL(60)`]);
    expect(await etcdctl('lease', 'revoke', id)).toEqual([`lease ${id} revoked`]);
    expect(await etcdctl('get', `${prefix}a`)).toEqual(['']);
    expect(await etcdctl('lease', 'timetolive', id)).toEqual([`lease ${id} already expired`]);
    expect(await etcdctlFails('lease', 'revoke', id)).toContain('etcdserver: requested lease not found');
  });

  it('endpoint status, endpoint health, member list', async () => {
    const [status] = JSON.parse((await etcdctl('endpoint', 'status', '-w', 'json'))[0]!);
    expect(status.Status.leader).toBe(status.Status.header.member_id);
    expect(status.Status.dbSize).toBeGreaterThan(0);
    const { stdout, stderr } = await run('etcdctl', start('endpoint', 'health').args, { env: start().env });
    expect(stdout + stderr).toContain('is healthy');
    const { members } = JSON.parse((await etcdctl('member', 'list', '-w', 'json'))[0]!);
    expect(members).toEqual([expect.objectContaining({ name: 'ottla', clientURLs: [`http://${store.endpoint}`] })]);
  });

  it('watch: from a revision on, with previous values; and what was compacted or is to come', async () => {
    const { header } = JSON.parse((await etcdctl('put', '-w', 'json', `${prefix}a`, '1'))[0]!);
    await etcdctl('put', `${prefix}a`, '2');
    const command = start('watch', '--prefix', prefix, '--prev-kv', `--rev=${header.revision}`);
    watching = spawn('etcdctl', command.args, { env: command.env, stdio: ['ignore', 'pipe', 'ignore'] });
    let printed = '';
    const deleted = new Promise<void>((resolve) => {
      watching!.stdout!.on('data', (chunk) => {
        printed += chunk;
        if (printed.includes('DELETE') && printed.endsWith('\n\n')) resolve();
      });
    });
    await etcdctl('del', `${prefix}a`);
    await deleted;
    expect(printed.split('\n')).toEqual([
      ...['PUT', `${prefix}a`, '1'],
      ...['PUT', `${prefix}a`, '1', `${prefix}a`, '2'],
      ...['DELETE', `${prefix}a`, '2', `${prefix}a`, '', ''],
    ]);
    await etcdctl('compact', String(header.revision + 2));
    expect(await etcdctlFails('get', `--rev=${header.revision}`, `${prefix}a`)).toContain(
      'etcdserver: mvcc: required revision has been compacted',
    );
    expect(await etcdctlFails('watch', `--rev=${header.revision}`, `${prefix}a`)).toContain(
      'required revision has been compacted',
    );
    expect(await etcdctlFails('get', '--rev=100000', `${prefix}a`)).toContain(
      'etcdserver: mvcc: required revision is a future revision',
    );
  });
});
