import { MemoryDisk } from '@ottla/runtime';
import { LogResources, PartitionLog, type PartitionLogOptions } from '../src';
import { append, headersOf, makeBatch, NOW, options, readAll, smallSegments } from './batches';

const readOptions = { maxBytes: 1 << 20, upTo: Number.MAX_SAFE_INTEGER, atLeastOne: true };

async function filled(change: Partial<PartitionLogOptions> = {}) {
  const disk = new MemoryDisk();
  const log = await PartitionLog.open(options({ disk, config: smallSegments, ...change }));
  // 40 batches of three records, epochs 0 to 3, one producer.
  for (let n = 0; n < 40; n++) {
    const epoch = Math.floor(n / 10);
    await append(log, { records: 3, valueBytes: 60, epoch, producerId: 7, sequence: n * 3, timestamp: NOW + n });
  }
  return { disk, log };
}

describe('truncating', () => {
  const cuts: [string, number, number][] = [
    ['between two batches', 60, 60],
    ['inside a batch, which goes whole', 62, 60],
    ['in the last batch', 119, 117],
    ['at the very beginning', 0, 0],
    ['inside the first batch', 2, 0],
    ['at the end, which cuts nothing', 120, 120],
    ['behind the end, which cuts nothing', 500, 120],
  ];
  it.each(cuts)('%s (offset %i) leaves the log ending at %i', async (_name, offset, expected) => {
    const { disk, log } = await filled();
    const before = await readAll(log);
    await log.truncate(offset);
    expect([log.logStart, log.logEnd]).toEqual([0, expected]);
    const after = log.logEnd === 0 ? new Uint8Array(0) : await readAll(log);
    expect(Buffer.compare(after, before.subarray(0, after.length))).toBe(0);
    expect(headersOf([after])).toHaveLength(expected / 3);
    expect(log.epochs.entries().map(({ startOffset }) => startOffset)).toEqual(
      [0, 30, 60, 90].filter((start) => start < expected),
    );
    const batches = log.producers.toSnapshot()[0]?.batches ?? [];
    const last = [1, 2, 3, 4, 5].map((n) => expected - 3 * (6 - n)).filter((base) => base >= 0);
    expect(batches.map(({ baseOffset }) => baseOffset)).toEqual(last);

    await append(log, { records: 1, epoch: 9 });
    await log.close({ clean: false });
    const again = await PartitionLog.open(options({ disk, config: smallSegments }));
    expect(again.logEnd).toBe(expected + 1);
    expect(again.epochs.latest()).toEqual({ epoch: 9, startOffset: expected });
    expect(Buffer.compare((await readAll(again)).subarray(0, after.length), after)).toBe(0);
  });

  it('waits for what is being appended, and appends behind it go to the new end', async () => {
    const { log } = await filled();
    const late = makeBatch(120);
    const behind = makeBatch(60, { epoch: 5 });
    const results = Promise.all([
      log.append(late.bytes, [late.header]),
      log.truncate(60),
      log.append(behind.bytes, [behind.header]),
    ]);
    expect((await results)[2]).toEqual({ endOffset: 61 });
    expect(log.logEnd).toBe(61);
  });

  it('below the recovery point first makes a lower one durable', async () => {
    const seen: number[] = [];
    const { disk, log } = await filled({
      checkpoint: async () => {
        seen.push(log.recoveryPoint);
        expect((await log.read(100, readOptions)).byteLength).toBeGreaterThan(0);
      },
    });
    await log.flush();
    expect(log.recoveryPoint).toBe(120);
    await log.truncate(50);
    expect(seen).toEqual([48]);
    await log.truncate(48);
    expect(seen).toEqual([48]);
    const names = (await disk.list('/data/orders-0')).filter((name) => name.endsWith('.snapshot'));
    expect(names.every((name) => Number.parseInt(name, 10) <= 48)).toBe(true);
  });

  it('does not read the log for its producers when none of what goes was theirs', async () => {
    const disk = new MemoryDisk();
    const resources = new LogResources({ tailCacheBytes: 0 });
    const log = await PartitionLog.open(options({ disk, resources }));
    await append(log, { producerId: 7, sequence: 0 });
    for (let n = 0; n < 2000; n++) await append(log, { valueBytes: 500 });
    const { read } = disk.counts;
    await log.truncate(2000);
    expect(disk.counts.read - read).toBeLessThan(8);
    expect(log.producers.toSnapshot()).toHaveLength(1);
  });

  it('that fails half-way takes the log offline', async () => {
    const { disk, log } = await filled();
    disk.failNext('truncate', { errno: 'EIO', pathEndsWith: '.log' });
    await expect(log.truncate(50)).rejects.toThrow(/orders-0 is offline: it could not be truncated/);
    await expect(append(log)).rejects.toBe(log.failure);
  });

  it('then looking up offsets and timestamps finds nothing of what went', async () => {
    const { log } = await filled();
    await log.truncate(60);
    expect(await log.maxTimestamp()).toEqual({ offset: 59, timestamp: NOW + 19 });
    await append(log, { records: 2, timestamp: NOW });
    expect(await log.maxTimestamp()).toEqual({ offset: 59, timestamp: NOW + 19 });
    expect(await log.read(60, readOptions)).toMatchObject({ baseOffset: 60, endOffset: 62 });
  });
});

describe('restarting', () => {
  it.each([500, 60, 0])('at %i leaves an empty log that begins there, also after a crash', async (offset) => {
    const disk = new MemoryDisk();
    await disk.makeDir('/data');
    await disk.syncDir('/');
    const saved = { logStart: 0, recoveryPoint: 0 };
    const settings = () => options({ disk, config: smallSegments, ...saved });
    const log = await PartitionLog.open({
      ...settings(),
      checkpoint: async () => {
        Object.assign(saved, { logStart: log.logStart, recoveryPoint: log.recoveryPoint });
      },
    });
    for (let n = 0; n < 40; n++) await append(log, { records: 3, valueBytes: 60, producerId: 1, sequence: n * 3 });
    await log.flush();
    await log.restartAt(offset);
    expect([log.logStart, log.logEnd, log.sizeBytes, log.segmentCount]).toEqual([offset, offset, 0, 1]);
    expect([log.epochs.entries(), log.producers.toSnapshot()]).toEqual([[], []]);
    expect(await log.maxTimestamp()).toEqual({ offset: -1, timestamp: -1 });
    await append(log, { epoch: 4 });
    await log.flush();
    disk.crash();
    const again = await PartitionLog.open(settings());
    expect([again.logStart, again.logEnd]).toEqual([offset, offset + 1]);
    expect(again.epochs.entries()).toEqual([{ epoch: 4, startOffset: offset }]);
  });

  it('whose checkpoint fails changes nothing', async () => {
    const failure = new Error('no space');
    const { log } = await filled({ checkpoint: () => Promise.reject(failure) });
    await expect(log.restartAt(500)).rejects.toBe(failure);
    expect([log.logStart, log.logEnd, log.failure]).toEqual([0, 120, null]);
    expect(headersOf([await readAll(log)])).toHaveLength(40);
  });
});
