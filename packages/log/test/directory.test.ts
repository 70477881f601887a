import { chmodSync } from 'node:fs';
import { type Disk, MemoryDisk, nodeDisk, SeededRandom, silentLogger } from '@ottla/runtime';
import {
  defaultLogConfig,
  HeldDirectory,
  type LastRun,
  LogDirectory,
  type LogDirectoryOptions,
  type PartitionLog,
} from '../src';
import { append, headersOf, options, readAll, smallSegments, TOPIC_ID } from './batches';
import { DISKS } from './disks';

const ORDERS = { topic: 'orders', topicId: TOPIC_ID, partition: 0, config: smallSegments };
const READ = { maxBytes: 1 << 20, upTo: 1e9, atLeastOne: true };
let runs = 0;

function directoryOptions(disk: Disk, dir: string, change: Partial<LogDirectoryOptions> = {}): LogDirectoryOptions {
  const { clock } = options({ disk });
  const random = new SeededRandom(++runs);
  return {
    disk,
    clock,
    random,
    logger: silentLogger,
    dir,
    clusterId: 'castle',
    brokerId: 1,
    run: random.uuid(),
    bootId: 'boot-1',
    ...change,
  };
}

const text = async (disk: Disk, path: string): Promise<string | null> => {
  const bytes = await disk.readFile(path);
  return bytes === null ? null : Buffer.from(bytes).toString();
};

describe.each(DISKS)('over %s', (_name, makeDisk) => {
  it('partitions, high watermarks and log starts come back after a clean close', async () => {
    const { disk, root } = makeDisk();
    const dir = `${root}/broker-1`;
    const first = await LogDirectory.open(directoryOptions(disk, dir));
    expect(first.cleanShutdown).toBe(true);
    const log = await first.openPartition(ORDERS);
    for (let n = 0; n < 30; n++) await append(log, { records: 2, valueBytes: 80 });
    const other = await first.openPartition({ ...ORDERS, topic: 'with-a-dash-7', partition: 12 });
    await other.restartAt(9);
    first.setHighWatermark('orders', 0, 44);
    first.setHighWatermark('with-a-dash-7', 12, 9);
    await first.close({ clean: true });
    expect(await text(disk, `${dir}/high-watermarks`)).toBe('0\n2\norders 0 44\nwith-a-dash-7 12 9\n');
    expect(await text(disk, `${dir}/log-start-offsets`)).toBe('0\n2\norders 0 0\nwith-a-dash-7 12 9\n');
    expect(await text(disk, `${dir}/recovery-points`)).toBe('0\n2\norders 0 60\nwith-a-dash-7 12 9\n');

    const second = await LogDirectory.open(directoryOptions(disk, dir));
    expect([second.logId, second.cleanShutdown]).toEqual([first.logId, true]);
    expect(await disk.exists(`${dir}/clean-shutdown`)).toBe(false);
    expect(await second.partitionsOnDisk()).toEqual([
      { topic: 'orders', partition: 0, topicId: TOPIC_ID },
      { topic: 'with-a-dash-7', partition: 12, topicId: TOPIC_ID },
    ]);
    const again = await second.openPartition(ORDERS);
    expect([again.logEnd, again.recoveryPoint, second.highWatermark('orders', 0)]).toEqual([60, 60, 44]);
    const restarted = await second.openPartition({ ...ORDERS, topic: 'with-a-dash-7', partition: 12 });
    expect([restarted.logStart, restarted.logEnd]).toEqual([9, 9]);
    await expect(second.openPartition(ORDERS)).rejects.toThrow(/is open already/);
    await again.close({ clean: true });
    expect((await second.openPartition(ORDERS)).logEnd).toBe(60);
    await second.close({ clean: false });
  });

  it('another process, cluster or broker is refused in a sentence that says what to do', async () => {
    const { disk, root } = makeDisk();
    const dir = `${root}/broker-1`;
    const holder = await LogDirectory.open(directoryOptions(disk, dir));
    await expect(LogDirectory.open(directoryOptions(disk, dir))).rejects.toMatchObject({
      code: 'KAFKA_STORAGE_ERROR',
      message: expect.stringMatching(
        /broker-1 is in use by process \d+ on \S+; stop that broker, or use another directory$/,
      ),
    });
    await holder.close({ clean: true });
    const cases: [Partial<LogDirectoryOptions>, string, RegExp][] = [
      [
        { clusterId: 'other' },
        'INCONSISTENT_CLUSTER_ID',
        /belongs to cluster castle, this broker to other; use the directory/,
      ],
      [{ brokerId: 2 }, 'INVALID_CONFIG', /belongs to broker 1, this is broker 2; use the directory/],
    ];
    for (const [change, code, message] of cases) {
      const refused = LogDirectory.open(directoryOptions(disk, dir, change));
      await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    }
    // A refusal neither holds the lock nor touches the marker.
    const again = await LogDirectory.open(directoryOptions(disk, dir));
    expect([again.logId, again.cleanShutdown]).toEqual([holder.logId, true]);
    await again.close({ clean: true });
  });

  it("somebody else's data is left alone", async () => {
    const { disk, root } = makeDisk();
    const foreign: [string, string, RegExp][] = [
      ['kafka', 'meta.properties', /is a data directory of Apache Kafka; use an empty directory/],
      ['bare', 'orders-0/x', /holds orders-0, but no meta.json tells whose it is; restore the file, or use an empty/],
      ['broken', 'meta.json', /meta.json is damaged; restore it from another copy, or use an empty directory/],
    ];
    for (const [dir, file, message] of foreign) {
      await disk.makeDir(`${root}/${dir}/orders-0`);
      await disk.writeFileAtomic(`${root}/${dir}/${file}`, Buffer.from('x'));
      await expect(LogDirectory.open(directoryOptions(disk, `${root}/${dir}`))).rejects.toThrow(message);
      expect(await text(disk, `${root}/${dir}/${file}`)).toBe('x');
      expect(await disk.list(`${root}/${dir}`)).not.toContain('lock');
    }
    await disk.writeFileAtomic(`${root}/broken/meta.json`, Buffer.from('{"version": 2}'));
    await expect(LogDirectory.open(directoryOptions(disk, `${root}/broken`))).rejects.toThrow(
      /has version 2, which this release/,
    );
  });
});

describe('a directory that can not be written', () => {
  it('says so (as a user without permission)', async () => {
    if (process.getuid?.() === 0) {
      const disk = new MemoryDisk();
      disk.failNext('make-directory', { errno: 'EACCES' });
      await expect(LogDirectory.open(directoryOptions(disk, '/data'))).rejects.toThrow(
        "the data directory /data can't be used: make-directory /data: permission denied (EACCES); give this user read and write access",
      );
      return;
    }
    const { disk, root } = DISKS[1]![1]();
    chmodSync(root, 0o500);
    await expect(LogDirectory.open(directoryOptions(disk, `${root}/x`))).rejects.toThrow(
      /permission denied \(EACCES\)/,
    );
    chmodSync(root, 0o700);
  });

  it('a file in its place says so', async () => {
    const { root } = DISKS[1]![1]();
    await nodeDisk.writeFileAtomic(`${root}/f`, Buffer.from('x'));
    await expect(LogDirectory.open(directoryOptions(nodeDisk, `${root}/f`))).rejects.toThrow(
      /the data directory .*\/f can't be used: make directory .*/,
    );
  });
});

describe('the log id', () => {
  type Ending = 'clean' | 'killed' | 'crashed' | 'clean, then crashed';
  const cases: [Ending, string, boolean, boolean][] = [
    ['clean', 'boot-1', true, true],
    ['clean', 'boot-2', true, true],
    ['killed', 'boot-1', true, false],
    ['crashed', 'boot-2', false, false],
    ['clean, then crashed', 'boot-2', true, true],
    ['killed', '', false, false],
  ];
  it.each(cases)('after a run that was %s, starting on %s: kept %s, clean %s', async (ending, bootId, kept, clean) => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk.mount(), '/data', bootId === '' ? { bootId } : {}));
    await append(await first.openPartition(ORDERS));
    if (ending.startsWith('clean')) await first.close({ clean: true });
    if (ending.endsWith('crashed')) disk.crash();
    else disk.kill();
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data', { bootId }));
    expect([second.logId === first.logId, second.cleanShutdown]).toEqual([kept, clean]);
  });

  it('a clean marker counts once: the run after it must earn its own', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    await first.close({ clean: true });
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    const log = await second.openPartition(ORDERS);
    await append(log);
    disk.crash();
    const third = await LogDirectory.open(directoryOptions(disk.mount(), '/data', { bootId: 'boot-2' }));
    expect([third.cleanShutdown, third.logId === second.logId]).toEqual([false, false]);
  });

  it('a failed fsync gives the proof up: the directory is offline, and the next run gets a new id on the same boot', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    const log = await first.openPartition(ORDERS);
    const reports: string[] = [];
    first.onOffline((error) => reports.push(error.message));
    await append(log);
    disk.failNext('sync', { errno: 'EIO', pathEndsWith: '.log' });
    await expect(log.flush()).rejects.toThrow(/offline/);
    expect(reports).toEqual([log.failure!.message]);
    await expect(first.openPartition({ ...ORDERS, partition: 1 })).rejects.toBe(first.failure);
    await first.close({ clean: true });
    expect(await disk.exists('/data/clean-shutdown')).toBe(false);
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    expect([second.logId === first.logId, second.cleanShutdown]).toEqual([false, false]);
  });

  it('a partition that goes offline alone leaves the directory working, but not closed cleanly', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    const log = await first.openPartition(ORDERS);
    await append(log);
    disk.failNext('truncate', { errno: 'EIO' });
    disk.failNext('write', { errno: 'EIO', pathEndsWith: '.log' });
    await expect(append(log)).rejects.toThrow(/EIO/);
    expect(first.failure).toBeNull();
    await append(await first.openPartition({ ...ORDERS, partition: 1 }));
    await first.close({ clean: true });
    expect(await disk.exists('/data/clean-shutdown')).toBe(false);
  });
});

describe('the log id, held against the run in which the broker registered last', () => {
  const start = async (disk: MemoryDisk, run: string, lastRun: LastRun | null, bootId = 'boot-1') =>
    LogDirectory.open(directoryOptions(disk.mount(), '/data', { run, bootId }), lastRun);
  const r = (n: number): LastRun => ({ run: `run-${n}`, starts: n });

  /** Three runs that registered; then `run-4`, which may not have. */
  async function used(ending: 'clean' | 'killed'): Promise<{ disk: MemoryDisk; logId: string }> {
    const disk = new MemoryDisk();
    let logId = '';
    for (let n = 1; n <= 4; n++) {
      const directory = await start(disk, `run-${n}`, n === 1 ? null : r(n - 1));
      if (logId !== '') expect(directory.logId).toBe(logId);
      expect([directory.starts, directory.predecessor]).toEqual([n, n === 1 ? null : `run-${n - 1}`]);
      logId = directory.logId;
      if (ending === 'clean') await directory.close({ clean: true });
      else disk.kill();
    }
    return { disk, logId };
  }

  const cases: [string, LastRun | null, boolean, number][] = [
    ['the run that held the directory last', r(4), true, 5],
    ['the one before it: it ended before it registered', r(3), true, 4],
    ['a later one: the directory is an older copy', { run: 'run-5', starts: 5 }, false, 6],
    ['another one of the same number: a copy went on elsewhere', { run: 'other', starts: 4 }, false, 5],
    ['an earlier one: the store was restored from a backup', r(1), true, 4],
    ['none: the store is of an earlier release', null, true, 4],
  ];
  describe.each(['clean', 'killed'] as const)('after runs that were %s', (ending) => {
    it.each(cases)('%s', async (_what, lastRun, kept, starts) => {
      const { disk, logId } = await used(ending);
      const directory = await start(disk, 'run-new', lastRun);
      expect([directory.logId === logId, directory.starts]).toEqual([kept, starts]);
    });
  });

  it('processes that end before they register cost nothing, however late their registration turns out to be there', async () => {
    const { disk, logId } = await used('killed');
    for (const run of ['a', 'b', 'c']) {
      const directory = await start(disk, run, r(4));
      expect([directory.logId, directory.starts]).toEqual([logId, 5]);
      disk.kill();
    }
    expect((await start(disk, 'd', { run: 'b', starts: 5 })).logId).toBe(logId);
  });

  it('a directory that got a new one keeps it, although nothing registered in between', async () => {
    const { disk } = await used('killed');
    const later: LastRun = { run: 'run-9', starts: 9 };
    const { logId } = await start(disk, 'a', later);
    disk.kill();
    expect((await start(disk, 'b', later)).logId).toBe(logId);
  });

  it('a directory that is let go unused is as it was', async () => {
    const { disk, logId } = await used('clean');
    const held = await HeldDirectory.take(directoryOptions(disk.mount(), '/data'));
    await held.release();
    const directory = await start(disk, 'run-5', r(4), 'boot-2');
    expect([directory.logId, directory.cleanShutdown]).toEqual([logId, true]);
  });

  it('a directory of an earlier release counts as one start', async () => {
    const { disk, logId } = await used('killed');
    const meta = JSON.parse((await text(disk, '/data/meta.json'))!);
    await disk.writeFileAtomic(
      '/data/meta.json',
      Buffer.from(JSON.stringify({ ...meta, runs: undefined, starts: undefined })),
    );
    const directory = await start(disk, 'run-5', r(4));
    expect([directory.logId, directory.starts]).toEqual([logId, 5]);
  });
});

describe('a log that lost records', () => {
  /** Killed, and then a batch in the middle of the log damaged. */
  async function damaged(): Promise<{ disk: MemoryDisk; logId: string }> {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    const log = await first.openPartition({ ...ORDERS, config: defaultLogConfig });
    for (let n = 0; n < 10; n++) await append(log);
    disk.kill();
    const path = '/data/orders-0/00000000000000000000.log';
    const file = await disk.open(path, 'read-write');
    await file.write([Uint8Array.of(0x55)], Math.trunc((await file.size()) / 2) - 3);
    await file.close();
    return { disk, logId: first.logId };
  }

  it('gives the directory a new log id when it is settled; the next start keeps that', async () => {
    const { disk, logId } = await damaged();
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data', { logger }));
    expect((await second.openPartition(ORDERS)).logEnd).toBe(4);
    expect(errors).toEqual([expect.stringMatching(/^orders-0 has lost what was written from offset 4 on: .*CRC32C/)]);
    await second.settleLogId();
    expect(second.logId).not.toBe(logId);
    disk.kill();
    const third = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    await third.openPartition(ORDERS);
    await third.settleLogId();
    expect(third.logId).toBe(second.logId);
    await third.close({ clean: true });
    expect(await disk.exists('/data/clean-shutdown')).toBe(true);
  });

  it.each(['killed', 'closed cleanly'])('is not forgotten by a process that is %s before that', async (ending) => {
    const { disk, logId } = await damaged();
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    await second.openPartition(ORDERS);
    if (ending === 'killed') disk.kill();
    else await second.close({ clean: true });
    expect((await LogDirectory.open(directoryOptions(disk.mount(), '/data'))).logId).not.toBe(logId);
  });

  it('is not opened once the log id is settled, until a restart gives the directory a new one', async () => {
    const { disk, logId } = await damaged();
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    await second.settleLogId();
    for (let n = 0; n < 2; n++) {
      await expect(second.openPartition(ORDERS)).rejects.toMatchObject({
        code: 'KAFKA_STORAGE_ERROR',
        message: expect.stringMatching(/orders-0 has lost records .*; restart the broker/),
      });
    }
    await second.openPartition({ ...ORDERS, partition: 1 });
    await second.close({ clean: true });
    const third = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    expect([third.logId === logId, third.cleanShutdown]).toEqual([false, false]);
    expect((await third.openPartition(ORDERS)).logEnd).toBe(4);
  });

  it('in a directory that has a new log id anyway is opened at any time', async () => {
    const { disk } = await damaged();
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data', { bootId: 'boot-2' }));
    const { logId } = second;
    await second.settleLogId();
    expect((await second.openPartition(ORDERS)).logEnd).toBe(4);
    expect(second.logId).toBe(logId);
  });
});

describe('checkpoints', () => {
  it('are written only when they changed, and together', async () => {
    const disk = new MemoryDisk();
    const directory = await LogDirectory.open(directoryOptions(disk, '/data'));
    const log = await directory.openPartition(ORDERS);
    await append(log);
    directory.setHighWatermark('orders', 0, 1);
    await directory.checkpoint();
    let { write } = disk.counts;
    await directory.checkpoint();
    expect(disk.counts.write).toBe(write);
    ({ write } = disk.counts);
    directory.setHighWatermark('orders', 0, 2);
    await Promise.all([directory.checkpoint(), directory.checkpoint(), directory.checkpoint()]);
    expect(disk.counts.write).toBe(write + 1);
  });

  it('a damaged one counts as empty', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk, '/data'));
    const log = await first.openPartition(ORDERS);
    for (let n = 0; n < 30; n++) await append(log, { valueBytes: 80 });
    await first.close({ clean: true });
    for (const name of ['recovery-points', 'high-watermarks', 'log-start-offsets']) {
      await disk.writeFileAtomic(`/data/${name}`, Buffer.from('0\n3\norders 0 7\n'));
    }
    const second = await LogDirectory.open(directoryOptions(disk, '/data'));
    expect((await second.openPartition(ORDERS)).logEnd).toBe(30);
    expect(second.highWatermark('orders', 0)).toBe(0);
  });

  it('a high watermark above what recovery found comes down to it', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    const log = await first.openPartition(ORDERS);
    await append(log);
    await log.flush();
    await append(log);
    first.setHighWatermark('orders', 0, 2);
    await first.checkpoint();
    disk.crash();
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data', { bootId: 'boot-2' }));
    expect(second.highWatermark('orders', 0)).toBe(2);
    await second.openPartition(ORDERS);
    expect(second.highWatermark('orders', 0)).toBe(1);
  });

  it('the folder of a new partition is durable from the next checkpoint on', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    await first.openPartition(ORDERS);
    await first.checkpoint();
    disk.crash();
    const second = await LogDirectory.open(directoryOptions(disk.mount(), '/data', { bootId: 'boot-2' }));
    expect(await second.partitionsOnDisk()).toEqual([{ topic: 'orders', partition: 0, topicId: TOPIC_ID }]);
  });
});

describe('strays and deletions', () => {
  const OTHER_ID = '00000000-0000-4000-8000-000000000001';

  it('a folder of another topic id is set aside, and the new topic begins at 0 without its offsets', async () => {
    const disk = new MemoryDisk();
    const directory = await LogDirectory.open(directoryOptions(disk, '/data'));
    const log = await directory.openPartition(ORDERS);
    for (let n = 0; n < 30; n++) await append(log, { valueBytes: 80 });
    await log.flush();
    directory.setHighWatermark('orders', 0, 30);
    await directory.checkpoint();
    await expect(directory.setAside({ topic: 'orders', partition: 0 })).rejects.toThrow(/is open; close it first/);
    await log.close({ clean: true });
    await expect(directory.openPartition({ ...ORDERS, topicId: OTHER_ID })).rejects.toMatchObject({
      code: 'INCONSISTENT_TOPIC_ID',
    });
    await directory.setAside({ topic: 'orders', partition: 0 });
    expect((await disk.list('/data')).filter((name) => name.startsWith('orders'))).toEqual([
      expect.stringMatching(/^orders-0\.[0-9a-f]{32}-stray$/),
    ]);
    expect(await directory.partitionsOnDisk()).toEqual([]);
    expect(await text(disk, '/data/recovery-points')).toBe('0\n0\n');
    const fresh = await directory.openPartition({ ...ORDERS, topicId: OTHER_ID });
    expect([fresh.logEnd, directory.highWatermark('orders', 0)]).toEqual([0, 0]);
  });

  it('a partition is deleted for its own topic id only, open or not', async () => {
    const disk = new MemoryDisk();
    const directory = await LogDirectory.open(directoryOptions(disk, '/data'));
    for (const close of [true, false]) {
      const log = await directory.openPartition(ORDERS);
      await append(log);
      await directory.checkpoint();
      if (close) await log.close({ clean: true });
      const wrong = directory.deletePartition({ ...ORDERS, topicId: OTHER_ID });
      await expect(wrong).rejects.toMatchObject({
        code: 'INCONSISTENT_TOPIC_ID',
        message: expect.stringContaining('it is kept'),
      });
      expect(await disk.list('/data/orders-0')).toContain('00000000000000000000.log');
      await directory.deletePartition(ORDERS);
      expect((await disk.list('/data')).filter((name) => name.startsWith('orders'))).toEqual([]);
      expect(await text(disk, '/data/recovery-points')).toBe('0\n0\n');
      await directory.deletePartition(ORDERS);
    }
    expect(disk.openFiles).toBe(0);
  });

  it('deletions while logs roll, flush and are checkpointed leave the directory working', async () => {
    const disk = new MemoryDisk();
    const directory = await LogDirectory.open(directoryOptions(disk, '/data'));
    for (let round = 0; round < 30; round++) {
      const log = await directory.openPartition(ORDERS);
      const work: Promise<unknown>[] = [];
      for (let n = 0; n < round; n++) work.push(append(log, { valueBytes: 200 }).catch(() => {}));
      work.push(
        directory.checkpoint(),
        log.flush().catch(() => {}),
        log.read(0, READ).catch(() => {}),
      );
      for (let turn = 0; turn < round * 3; turn++) await Promise.resolve();
      await Promise.all([directory.deletePartition(ORDERS), ...work]);
      expect(directory.failure).toBeNull();
      const fresh = await directory.openPartition(ORDERS);
      await append(fresh);
      expect([fresh.logEnd, headersOf([await readAll(fresh)]).length]).toEqual([1, 1]);
      await directory.deletePartition(ORDERS);
    }
    await directory.close({ clean: true });
    expect(disk.openFiles).toBe(0);
  });

  it('a folder is deleted or set aside for one topic and opened for another at the same time: the other one keeps its log', async () => {
    for (const act of ['deletePartition', 'setAside'] as const) {
      for (let turns = 0; turns < 80; turns++) {
        const disk = new MemoryDisk();
        const directory = await LogDirectory.open(directoryOptions(disk, '/data'));
        const old = await directory.openPartition(ORDERS);
        await append(old);
        await old.close({ clean: true });
        await directory.checkpoint();
        const gone = directory[act](ORDERS);
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        const wanted = { ...ORDERS, topicId: OTHER_ID };
        const opened = directory.openPartition(wanted).catch(async () => {
          await directory.setAside(ORDERS);
          return directory.openPartition(wanted);
        });
        await gone;
        const log = await opened;
        await append(log);
        expect([turns, log.failure, await directory.partitionsOnDisk()]).toEqual([
          turns,
          null,
          [{ topic: 'orders', partition: 0, topicId: OTHER_ID }],
        ]);
        expect((await readAll(log)).byteLength).toBeGreaterThan(0);
        await directory.close({ clean: true });
      }
    }
  });

  it('a deletion that was cut short is finished at the next start', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    await append(await first.openPartition(ORDERS));
    disk.failNext('remove', { errno: 'EIO', pathEndsWith: '-delete' });
    await expect(first.deletePartition(ORDERS)).rejects.toThrow(/EIO/);
    disk.kill();
    await LogDirectory.open(directoryOptions(disk.mount(), '/data'));
    expect((await disk.list('/data')).filter((name) => name.startsWith('orders'))).toEqual([]);
  });

  it('a folder removed by hand leaves no offsets to the next log of that name', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk, '/data'));
    const log = await first.openPartition(ORDERS);
    await log.restartAt(500);
    await first.close({ clean: true });
    await disk.remove('/data/orders-0');
    const second = await LogDirectory.open(directoryOptions(disk, '/data'));
    expect((await second.openPartition(ORDERS)).logStart).toBe(0);
    expect(await text(disk, '/data/log-start-offsets')).toBe('0\n0\n');
  });

  it('a topic name as long as allowed can be deleted and set aside', async () => {
    const { disk, root } = DISKS[1]![1]();
    const topic = 't'.repeat(249);
    const directory = await LogDirectory.open(directoryOptions(disk, root));
    await (await directory.openPartition({ ...ORDERS, topic })).close({ clean: true });
    await directory.setAside({ topic, partition: 0 });
    await directory.openPartition({ ...ORDERS, topic });
    await directory.deletePartition({ topic, partition: 0, topicId: TOPIC_ID });
    await directory.close({ clean: true });
  });
});

describe('many partitions', () => {
  it('keep few files open, and give back every one', async () => {
    const disk = new MemoryDisk();
    const directory = await LogDirectory.open(directoryOptions(disk, '/data', { limits: { maxOpenFiles: 10 } }));
    const logs: PartitionLog[] = [];
    for (let partition = 0; partition < 100; partition++) {
      logs.push(await directory.openPartition({ ...ORDERS, partition, config: defaultLogConfig }));
    }
    for (let round = 0; round < 3; round++) {
      await Promise.all(logs.map((log) => append(log, { records: 2 })));
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      expect(disk.openFiles).toBeLessThanOrEqual(12);
    }
    for (const log of logs) expect(headersOf([await readAll(log)])).toHaveLength(3);
    await directory.close({ clean: true });
    expect(disk.openFiles).toBe(0);
    const again = await LogDirectory.open(directoryOptions(disk, '/data', { limits: { maxOpenFiles: 10 } }));
    const reopened = await Promise.all(
      logs.map(({ partition }) => again.openPartition({ ...ORDERS, partition, config: defaultLogConfig })),
    );
    expect(reopened.every((log) => log.logEnd === 6)).toBe(true);
    await again.close({ clean: true });
    expect(disk.openFiles).toBe(0);
  });

  it('a second clean close of untouched logs syncs nothing of theirs', async () => {
    const disk = new MemoryDisk();
    const first = await LogDirectory.open(directoryOptions(disk, '/data'));
    for (let partition = 0; partition < 20; partition++)
      await append(await first.openPartition({ ...ORDERS, partition }));
    await first.close({ clean: true });
    const second = await LogDirectory.open(directoryOptions(disk, '/data'));
    for (let partition = 0; partition < 20; partition++) await second.openPartition({ ...ORDERS, partition });
    const { sync } = disk.counts;
    await second.close({ clean: true });
    expect(disk.counts.sync - sync).toBeLessThan(10);
  });
});
