import { type Disk, MemoryDisk, nodeCodecs } from '@ottla/runtime';
import { type LostRecords, PartitionLog, type PartitionLogOptions } from '../src';
import { append, headersOf, makeBatch, NOW, options, readAll, smallSegments, TOPIC_ID } from './batches';
import { DISKS } from './disks';

const nameOf = (base: number, suffix: string) => `${String(base).padStart(20, '0')}.${suffix}`;

async function fill(log: PartitionLog, count = 40): Promise<void> {
  for (let n = 0; n < count; n++) {
    await append(log, {
      records: 2,
      valueBytes: 50,
      epoch: n >> 3,
      producerId: n % 3,
      sequence: n,
      timestamp: NOW + n,
    });
  }
}

async function basesOf(disk: Disk, dir: string): Promise<number[]> {
  return (await disk.list(dir)).filter((name) => name.endsWith('.log')).map((name) => Number.parseInt(name, 10));
}

async function overwrite(disk: Disk, path: string, position: number, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, 'read-write');
  await file.write([bytes], position);
  await file.close();
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

async function cutFile(disk: Disk, path: string, by: number): Promise<void> {
  const file = await disk.open(path, 'read-write');
  await file.truncate((await file.size()) - by);
  await file.close();
}

describe.each(DISKS)('over %s', (_name, makeDisk) => {
  async function filled(close: { clean: boolean }) {
    const { disk, root } = makeDisk();
    const settings = options({ disk, dir: `${root}/orders-0`, config: smallSegments });
    const log = await PartitionLog.open(settings);
    await fill(log);
    const content = await readAll(log);
    const state = { epochs: log.epochs.entries(), producers: log.producers.toSnapshot() };
    await log.close(close);
    const bases = await basesOf(disk, settings.dir);
    const open = (change: Partial<PartitionLogOptions> = {}) => PartitionLog.open({ ...settings, ...change });
    const path = (base: number, suffix: string) => `${settings.dir}/${nameOf(base, suffix)}`;
    return { disk, settings, content, state, bases, open, path };
  }

  it('a clean shutdown brings everything back, and an unclean one too', async () => {
    for (const clean of [true, false]) {
      const { content, state, open, disk, path, bases } = await filled({ clean });
      const log = await open({ cleanShutdown: clean });
      expect(Buffer.compare(await readAll(log), content)).toBe(0);
      expect(log.epochs.entries()).toEqual(state.epochs);
      expect(byId(log.producers.toSnapshot())).toEqual(byId(state.producers));
      await log.close({ clean: true });
      for (const base of bases)
        for (const suffix of ['index', 'timeindex']) expect(await disk.exists(path(base, suffix))).toBe(true);
    }
  });

  const damages: [string, (bytes: Buffer) => [number, Uint8Array], RegExp][] = [
    ['a flipped bit in the last batch', (bytes) => [bytes.length - 3, Uint8Array.of(bytes.at(-3)! ^ 1)], /CRC32C/],
    ['zeros behind the last batch', (bytes) => [bytes.length, new Uint8Array(500)], /length field/],
    ['half a header behind the last batch', (bytes) => [bytes.length, bytes.subarray(0, 40)], /inside a batch header/],
    ['half a batch behind the last one', (bytes) => [bytes.length, bytes.subarray(0, 80)], /inside a batch/],
    ['an older batch again', (bytes) => [bytes.length, makeBatch(3).bytes], /a batch at offset 3 follows, where 80/],
    [
      'a batch of an earlier epoch',
      (bytes) => [bytes.length, makeBatch(80, { epoch: 1 }).bytes],
      /leader epoch 1 follows one of epoch 4/,
    ],
    ['a batch of format v1', (bytes) => [bytes.length, v1(makeBatch(80).bytes)], /message format v1/],
  ];
  it.each(damages)('%s is cut off, and the log says why', async (_what, damage, reason) => {
    const { disk, settings, content, bases, open, path } = await filled({ clean: false });
    const active = path(bases.at(-1)!, 'log');
    const bytes = Buffer.from((await disk.readFile(active))!);
    const [position, what] = damage(bytes);
    await overwrite(disk, active, position, what);
    const warnings: string[] = [];
    const log = await open({ logger: { ...settings.logger, warn: (message: string) => warnings.push(message) } });
    const kept = position < bytes.length ? 39 : 40;
    const served = await readAll(log);
    expect(Buffer.compare(served, content.subarray(0, served.length))).toBe(0);
    expect([log.logEnd, headersOf([served]).length]).toEqual([kept * 2, kept]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^orders-0: cut .*\.log at position \d+ \(offset \d+\): /);
    expect(warnings[0]).toMatch(reason);
    await append(log, { epoch: 9 });
    await log.close({ clean: true });
    expect((await open({ cleanShutdown: true })).logEnd).toBe(kept * 2 + 1);
  });

  const torn: [string, (bytes: Buffer, last: number) => Buffer, boolean][] = [
    ['half a header', (bytes) => bytes.subarray(0, 40), true],
    ['half a batch', (bytes, last) => bytes.subarray(0, last - 7), true],
    ['a whole batch with a flipped bit', (bytes, last) => flipped(bytes.subarray(0, last), last - 3), false],
    ['a flipped bit, and whole batches behind it', (bytes, last) => flipped(bytes, last - 3), false],
    ['a whole batch with a damaged length', (bytes, last) => flipped(bytes.subarray(0, last), 9), false],
    ['a damaged length, and whole batches behind it', (bytes) => flipped(bytes, 9), false],
    ['a damaged length, and half a batch behind a whole one', (bytes) => flipped(bytes.subarray(0, -9), 9), false],
    ['zeros', () => Buffer.alloc(500), false],
    ['an older batch again', () => Buffer.from(makeBatch(3).bytes), false],
  ];
  it.each(torn)('%s at the end is what a killed process leaves: %s', async (_what, ending, isTorn) => {
    const { disk, settings, bases, open, path } = await filled({ clean: false });
    const active = path(bases.at(-1)!, 'log');
    const size = (await disk.stat(active))!.size;
    const batches = [80, 81, 82].map((offset) => makeBatch(offset, { epoch: 5, valueBytes: 90 }).bytes);
    await overwrite(disk, active, size, ending(Buffer.concat(batches), batches[0]!.length));
    const losses: object[] = [];
    const onLoss = async (lost: LostRecords): Promise<void> => {
      losses.push({ offset: lost.offset, size: (await disk.stat(active))!.size > size });
    };
    const log = await open({ onLoss });
    expect([settings.dir, log.logEnd]).toEqual([log.dir, 80]);
    expect(losses).toEqual(isTorn ? [] : [{ offset: 80, size: true }]);
    await log.close({ clean: false });
  });

  it('a batch that is torn after a clean close, or in a segment that others follow, was whole once', async () => {
    for (const clean of [true, false]) {
      const { disk, bases, open, path } = await filled({ clean });
      await cutFile(disk, path(clean ? bases.at(-1)! : bases[1]!, 'log'), 5);
      const losses: LostRecords[] = [];
      const onLoss = async (lost: LostRecords): Promise<void> => void losses.push(lost);
      const log = await open({ cleanShutdown: clean, recoveryPoint: clean ? 80 : 0, onLoss });
      expect(losses).toMatchObject([{ offset: log.logEnd, reason: expect.stringMatching(/inside a batch/) }]);
      await log.close({ clean: false });
    }
  });

  it('what can not be noted as lost is not cut either', async () => {
    const { disk, bases, open, path } = await filled({ clean: false });
    const active = path(bases.at(-1)!, 'log');
    const { size } = (await disk.stat(active))!;
    await overwrite(disk, active, size, Buffer.alloc(500));
    await expect(open({ onLoss: async () => Promise.reject(new Error('no space')) })).rejects.toThrow('no space');
    expect((await disk.stat(active))!.size).toBe(size + 500);
  });

  it('damage in a middle segment that was not yet synced takes everything behind it', async () => {
    const { disk, content, bases, open, path } = await filled({ clean: false });
    await overwrite(disk, path(bases[2]!, 'log'), 200, Uint8Array.of(0xff));
    const log = await open();
    expect(log.logEnd).toBeGreaterThan(bases[2]!);
    expect(log.logEnd).toBeLessThan(bases[3]!);
    expect(await basesOf(disk, log.dir)).toEqual(bases.slice(0, 3));
    const served = await readAll(log);
    expect(Buffer.compare(served, content.subarray(0, served.length))).toBe(0);
    await log.close({ clean: false });
  });

  it('what lies below the recovery point is not read again', async () => {
    const { disk, bases, open, path } = await filled({ clean: true });
    await overwrite(disk, path(bases[1]!, 'log'), 200, Uint8Array.of(0xff));
    const log = await open({ recoveryPoint: bases[3]! });
    expect(log.logEnd).toBe(80);
    await log.close({ clean: false });
  });

  const indexDamages: [string, (disk: Disk, path: string) => Promise<void>][] = [
    ['missing', (disk, path) => disk.removeFile(path)],
    ['cut in the middle of an entry', (disk, path) => cutFile(disk, path, 3)],
    ['of zeros', (disk, path) => overwrite(disk, path, 0, new Uint8Array(24))],
    [
      'pointing beyond the segment',
      (disk, path) => overwrite(disk, path, 0, Buffer.from('7fffffff7fffffff7fffffff', 'hex')),
    ],
    ['out of order', (disk, path) => overwrite(disk, path, 0, Buffer.from('000002ff0000000700000001', 'hex'))],
  ];
  for (const suffix of ['index', 'timeindex']) {
    it.each(indexDamages)(`a ${suffix} %s is made again, on a clean start too`, async (what, damage) => {
      const { disk, content, bases, open, path } = await filled({ clean: true });
      const intact = await Promise.all(bases.map((base) => disk.readFile(path(base, suffix))));
      for (const base of bases) {
        if ((await disk.stat(path(base, suffix)))!.size > 0 || what === 'missing')
          await damage(disk, path(base, suffix));
      }
      const log = await open({ cleanShutdown: true, recoveryPoint: 80 });
      for (let offset = 79; offset >= 0; offset -= 3) {
        const { baseOffset } = await log.read(offset, { maxBytes: 1, upTo: 80, atLeastOne: true });
        expect(baseOffset).toBe(offset - (offset % 2));
        expect(await log.offsetForTimestamp(NOW + (offset >> 1), nodeCodecs)).toMatchObject({
          offset: offset - (offset % 2),
        });
      }
      await log.close({ clean: true });
      const remade = await Promise.all(bases.map((base) => disk.readFile(path(base, suffix))));
      expect(remade.map((bytes) => Buffer.from(bytes!).toString('hex'))).toEqual(
        intact.map((bytes) => Buffer.from(bytes!).toString('hex')),
      );
      expect(content.length).toBe(log.sizeBytes);
    });
  }

  const stateDamages: [string, string, (disk: Disk, path: string) => Promise<void>][] = [
    ['missing leader epochs', 'leader-epochs', (disk, path) => disk.removeFile(path)],
    ['damaged leader epochs', 'leader-epochs', (disk, path) => overwrite(disk, path, 0, Buffer.from('0\n99\n'))],
    ['garbage for leader epochs', 'leader-epochs', (disk, path) => overwrite(disk, path, 4, Buffer.from('x y'))],
    ['a missing snapshot', nameOf(80, 'snapshot'), (disk, path) => disk.removeFile(path)],
    ['a damaged snapshot', nameOf(80, 'snapshot'), (disk, path) => overwrite(disk, path, 20, Uint8Array.of(1, 2, 3))],
    ['an empty snapshot', nameOf(80, 'snapshot'), (disk, path) => disk.writeFileAtomic(path, new Uint8Array(0))],
  ];
  it.each(stateDamages)('%s: epochs and producers are read from the log', async (_what, name, damage) => {
    const { disk, settings, state, open } = await filled({ clean: true });
    await damage(disk, `${settings.dir}/${name}`);
    for (const cleanShutdown of [true, false]) {
      const log = await open({ cleanShutdown });
      expect(log.epochs.entries()).toEqual(state.epochs);
      expect(byId(log.producers.toSnapshot())).toEqual(byId(state.producers));
      await log.close({ clean: cleanShutdown });
    }
  });

  it('a clean marker over a torn log is not believed', async () => {
    const { disk, bases, open, path } = await filled({ clean: true });
    await cutFile(disk, path(bases.at(-1)!, 'log'), 5);
    const log = await open({ cleanShutdown: true, recoveryPoint: 80 });
    expect(log.logEnd).toBe(78);
    expect(headersOf([await readAll(log)])).toHaveLength(39);
    await log.close({ clean: false });
  });

  it('leftovers are removed: drafts, indexes without a segment, empty segments in the middle', async () => {
    const { disk, settings, content, bases, open, path } = await filled({ clean: false });
    await disk.writeFileAtomic(`${settings.dir}/leader-epochs.12-3.tmp`, Uint8Array.of(1));
    await disk.writeFileAtomic(path(999, 'index'), Uint8Array.of(1));
    await disk.writeFileAtomic(path(bases[1]! + 1, 'log'), new Uint8Array(0));
    const log = await open();
    expect(Buffer.compare(await readAll(log), content)).toBe(0);
    await log.close({ clean: true });
    const names = await disk.list(settings.dir);
    expect(names.filter((name) => name.endsWith('.tmp') || name.startsWith(nameOf(999, '')))).toEqual([]);
    expect(await basesOf(disk, settings.dir)).toEqual(bases);
  });
});

describe('whose folder it is', () => {
  it('another topic id is refused and the folder left alone', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk }));
    await append(log);
    await log.close({ clean: true });
    const other = options({ disk, topicId: '00000000-0000-4000-8000-000000000001' });
    await expect(PartitionLog.open(other)).rejects.toMatchObject({
      code: 'INCONSISTENT_TOPIC_ID',
      message: expect.stringContaining(`belongs to topic id ${TOPIC_ID}`),
    });
    expect((await PartitionLog.open(options({ disk, cleanShutdown: true }))).logEnd).toBe(1);
  });

  it('a crash that leaves batches without partition.metadata is refused with the way out', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk }));
    await append(log);
    await log.close({ clean: false });
    for (const content of [null, 'version: 0\ntopic_id: abc', '']) {
      const path = '/data/orders-0/partition.metadata';
      await (content === null ? disk.removeFile(path) : disk.writeFileAtomic(path, Buffer.from(content)));
      await expect(PartitionLog.open(options({ disk }))).rejects.toMatchObject({
        code: 'INCONSISTENT_TOPIC_ID',
        message: expect.stringMatching(/holds batches but no readable.*set the folder aside/),
      });
    }
  });

  it('a folder that a dying process left without batches is taken', async () => {
    const disk = new MemoryDisk();
    await disk.makeDir('/data/orders-0');
    await disk.writeFileAtomic('/data/orders-0/partition.metadata', new Uint8Array(0));
    const log = await PartitionLog.open(options({ disk }));
    expect(Buffer.from((await disk.readFile('/data/orders-0/partition.metadata'))!).toString()).toBe(
      'version: 0\ntopic_id: PyUE4E-JQdOaDAMF6CwzAQ',
    );
    await log.close({ clean: true });
  });
});

describe('an advanced start', () => {
  it('hides what lies before its batch, moves the first epoch, and comes back after a restart; it never goes back', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk, config: smallSegments }));
    await fill(log);
    const read = (from: number) => log.read(from, { maxBytes: 1, upTo: 100, atLeastOne: true });
    await Promise.all([log.advanceStart(33), log.advanceStart(20)]);
    expect([log.logStart, log.logEnd]).toEqual([33, 80]);
    await expect(read(31)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    expect((await read(33)).baseOffset).toBe(32);
    const epochs = [
      { epoch: 2, startOffset: 32 },
      { epoch: 3, startOffset: 48 },
      { epoch: 4, startOffset: 64 },
    ];
    expect(log.epochs.entries()).toEqual(epochs);
    for (const clean of [true, false]) {
      await log.close({ clean });
      const settings = { logStart: 33, cleanShutdown: clean, recoveryPoint: clean ? 80 : 0 };
      const again = await PartitionLog.open(options({ disk, config: smallSegments, ...settings }));
      expect([again.logStart, again.logEnd, again.epochs.entries()]).toEqual([33, 80, epochs]);
      await again.close({ clean: true });
    }
    const last = await PartitionLog.open(options({ disk, config: smallSegments, logStart: 33, cleanShutdown: true }));
    await last.advanceStart(1000);
    expect([last.logStart, last.logEnd]).toEqual([80, 80]);
  });
});

describe('a crash that keeps some names and loses others', () => {
  it('a log that lost its first segments and was never synced is emptied, not served from the middle', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk, config: smallSegments }));
    await fill(log);
    await log.close({ clean: false });
    const [first] = await basesOf(disk, log.dir);
    await disk.removeFile(`${log.dir}/${nameOf(first!, 'log')}`);
    const warnings: string[] = [];
    const again = await PartitionLog.open({
      ...options({ disk, config: smallSegments }),
      logger: { ...options({ disk }).logger, warn: (message: string) => warnings.push(message) },
    });
    expect([again.logStart, again.logEnd]).toEqual([0, 0]);
    expect(warnings[0]).toMatch(/is lost and was never synced/);
  });

  it('a log that lost a segment in the middle ends before it', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk, config: smallSegments }));
    await fill(log);
    await log.close({ clean: false });
    const bases = await basesOf(disk, log.dir);
    await disk.removeFile(`${log.dir}/${nameOf(bases[2]!, 'log')}`);
    const again = await PartitionLog.open(options({ disk, config: smallSegments }));
    expect(again.logEnd).toBe(bases[2]);
  });

  it('a log whose end was lost below its start begins there, empty', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk, config: smallSegments }));
    await fill(log, 5);
    await log.close({ clean: false });
    const again = await PartitionLog.open(options({ disk, config: smallSegments, logStart: 50, recoveryPoint: 50 }));
    expect([again.logStart, again.logEnd]).toEqual([50, 50]);
  });
});

describe('producers', () => {
  it('that have expired are forgotten, and what they may go on with is remembered', async () => {
    const disk = new MemoryDisk();
    const settings = options({ disk, producerExpirationMs: 1000 });
    const log = await PartitionLog.open(settings);
    await append(log, { producerId: 1, sequence: 0, timestamp: NOW });
    await append(log, { producerId: 2, sequence: 0, timestamp: NOW + 900 });
    settings.clock.advance(1500);
    await log.close({ clean: true });
    const again = await PartitionLog.open({ ...settings, cleanShutdown: true });
    expect(again.producers.toSnapshot().map(({ producerId }) => producerId)).toEqual([2]);
    const { header } = makeBatch(2, { producerId: 1, sequence: 1, timestamp: NOW + 1500 });
    expect(again.producers.check(header, settings.clock.wall())).toEqual({ kind: 'new' });
  });
});

function byId<T extends { producerId: number }>(entries: T[]): T[] {
  return [...entries].sort((a, b) => a.producerId - b.producerId);
}

function v1(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[16] = 1;
  return copy;
}
