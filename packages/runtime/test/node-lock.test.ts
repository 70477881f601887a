import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DiskLockedError, nodeDisk } from '../src';
import { currentProcess, isAlive, type ProcessIdentity } from '../src/node/process-identity';

let dir: string;
let path: string;
let child: ChildProcess;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ottla-lock-'));
  path = join(dir, 'lock');
  child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
});
afterEach(async () => {
  child.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

function startTimeOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
}

async function lockFileOf(pid: number, startTime: string): Promise<void> {
  const self = await currentProcess();
  writeFileSync(path, JSON.stringify({ ...self, pid, startTime, token: 'theirs' }));
}

describe('a lock file of another process', () => {
  it('that is alive refuses and names the pid; killed with -9, the lock is taken over', async () => {
    await lockFileOf(child.pid!, startTimeOf(child.pid!));
    const refusal: DiskLockedError = await nodeDisk.lock(path).then(
      () => Promise.reject(new Error('locked')),
      (error) => error,
    );
    expect(refusal).toMatchObject({ name: 'DiskLockedError', pid: child.pid, host: hostname() });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await nodeDisk.lock(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(await nodeDisk.list(dir)).toEqual([]);
  });

  it('whose pid belongs to another process by now is stale', async () => {
    await lockFileOf(child.pid!, '1');
    await (await nodeDisk.lock(path)).release();
  });

  it('with our own pid from an earlier life is stale', async () => {
    await lockFileOf(process.pid, startTimeOf(process.pid));
    await (await nodeDisk.lock(path)).release();
  });

  it('that a power cut left empty or half written is stale', async () => {
    for (const content of ['', '{"pid": 12', '{}', 'null', '[]']) {
      writeFileSync(path, content);
      await (await nodeDisk.lock(path)).release();
    }
  });
});

it('of many takers at once, on a stale file, exactly one gets the lock', async () => {
  await lockFileOf(child.pid!, '1');
  const takers = await Promise.allSettled(Array.from({ length: 20 }, () => nodeDisk.lock(path)));
  const won = takers.filter(({ status }) => status === 'fulfilled');
  expect(won).toHaveLength(1);
  await (won[0] as PromiseFulfilledResult<{ release(): Promise<void> }>).value.release();
  expect(await nodeDisk.list(dir)).toEqual([]);
});

it('a folder that does not exist is a storage error', async () => {
  await expect(nodeDisk.lock(join(dir, 'none', 'lock'))).rejects.toMatchObject({ errno: 'ENOENT' });
});

describe('whether a process is alive', () => {
  const cases: [string, (self: ProcessIdentity) => Partial<ProcessIdentity>, boolean][] = [
    ['itself', () => ({}), true],
    ['the same pid, started at another time', () => ({ startTime: '1' }), false],
    ['a process of an earlier boot', () => ({ bootId: 'earlier' }), false],
    ['a container of the same name, started again', () => ({ pidNamespace: 'pid:[1]' }), false],
    ['another container, which can not be looked into', () => ({ pidNamespace: 'pid:[1]', host: 'other' }), true],
  ];
  it.each(cases)('%s', async (_name, change, expected) => {
    const self = await currentProcess();
    expect(await isAlive({ ...self, ...change(self) }, self)).toBe(expected);
  });
});
