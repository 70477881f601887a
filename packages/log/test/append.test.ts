import { type BatchHeader, lastOffset } from '@ottla/protocol';
import { Deferred, type DiskOperation, MemoryDisk } from '@ottla/runtime';
import { defaultLogConfig, type LogConfig, PartitionLog } from '../src';
import { append, headersOf, makeBatch, makeBatches, NOW, options, readAll, smallSegments } from './batches';
import { DISKS } from './disks';

async function openOn(disk: MemoryDisk, config: LogConfig = defaultLogConfig, change = {}): Promise<PartitionLog> {
  return PartitionLog.open(options({ disk, config, ...change }));
}

/** The names of the segments, by base offset. */
async function segmentsOf(disk: MemoryDisk): Promise<number[]> {
  const names = await disk.list('/data/orders-0');
  return names.filter((name) => name.endsWith('.log')).map((name) => Number.parseInt(name, 10));
}

describe.each(DISKS)('over %s', (_name, makeDisk) => {
  it('what was appended is read back byte for byte, and the log goes on where it was after a clean restart', async () => {
    const { disk, root } = makeDisk();
    const settings = options({ disk, dir: `${root}/orders-0`, config: smallSegments });
    const log = await PartitionLog.open(settings);
    const written: Uint8Array[] = [];
    for (let n = 0; n < 40; n++) {
      const { bytes, header } = makeBatch(log.logEnd, { records: (n % 4) + 1, valueBytes: n * 3 });
      written.push(bytes);
      expect(await log.append(bytes, [header])).toEqual({ endOffset: lastOffset(header) + 1 });
    }
    expect(log.segmentCount).toBeGreaterThan(4);
    expect(log.sizeBytes).toBe(Buffer.concat(written).length);
    expect(Buffer.compare(await readAll(log), Buffer.concat(written))).toBe(0);
    const { logEnd } = log;
    await log.close({ clean: true });
    for (const cleanShutdown of [true, false]) {
      const again = await PartitionLog.open({ ...settings, cleanShutdown, recoveryPoint: cleanShutdown ? logEnd : 0 });
      expect([again.logStart, again.logEnd]).toEqual([0, logEnd]);
      expect(Buffer.compare(await readAll(again), Buffer.concat(written))).toBe(0);
      await append(again, { records: 2 });
      written.push(await readAll(again, again.logEnd - 1));
      await again.truncate(logEnd);
      written.pop();
      await again.close({ clean: true });
    }
  });
});

describe('group commit', () => {
  it('appends that come while a write is in flight go out in one write behind it', async () => {
    const held = new Deferred<void>();
    let holding = false;
    const delay = async (operation: DiskOperation): Promise<void> => {
      if (holding && operation === 'write') await held.promise;
    };
    const disk = new MemoryDisk({ delay });
    const log = await openOn(disk);
    holding = true;
    const before = disk.counts.write;
    const { headers, bytes } = makeBatches(
      0,
      Array.from({ length: 20 }, () => ({ records: 2 })),
    );
    const slices = slice(bytes, headers);
    const ends = Promise.all(headers.map((header, n) => log.append(slices[n]!, [header])));
    await Promise.resolve();
    expect(log.logEnd).toBe(0);
    holding = false;
    held.resolve();
    expect((await ends).map(({ endOffset }) => endOffset)).toEqual(headers.map((header) => lastOffset(header) + 1));
    expect(disk.counts.write - before).toBe(2);
  });

  it('an append of several batches is split where a segment ends, and confirmed when all of it is written', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk, smallSegments);
    const { bytes, headers } = makeBatches(
      0,
      Array.from({ length: 30 }, () => ({ records: 2, valueBytes: 100 })),
    );
    expect(await log.append(bytes, headers)).toEqual({ endOffset: 60 });
    expect((await segmentsOf(disk)).length).toBe(10);
    for (const segment of await segmentsOf(disk)) {
      const name = `/data/orders-0/${String(segment).padStart(20, '0')}.log`;
      expect((await disk.stat(name))!.size).toBeLessThanOrEqual(smallSegments.segmentBytes);
    }
    expect(Buffer.compare(await readAll(log), bytes)).toBe(0);
  });

  it('a batch larger than a segment gets one of its own', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk, smallSegments);
    for (const valueBytes of [10, 5000, 10, 10]) await append(log, { valueBytes });
    expect(await segmentsOf(disk)).toEqual([0, 1, 2]);
  });

  it('more than the line may hold is refused at once, and what was in line is written', async () => {
    const held = new Deferred<void>();
    let holding = false;
    const disk = new MemoryDisk({ delay: async () => (holding ? held.promise : undefined) });
    const log = await openOn(disk);
    holding = true;
    const large = Array.from({ length: 3 }, (_, n) => makeBatch(n, { valueBytes: 50 * 1024 * 1024 }));
    const queued = large.slice(0, 2).map(({ bytes, header }) => log.append(bytes, [header]));
    await expect(log.append(large[2]!.bytes, [large[2]!.header])).rejects.toThrow(/2 appends .* wait for the disk/);
    held.resolve();
    expect((await Promise.all(queued)).at(-1)).toEqual({ endOffset: 2 });
  });

  it('an append that is wrong about the end of the log is refused, and the next right one goes in', async () => {
    const log = await openOn(new MemoryDisk());
    await append(log, { records: 3 });
    for (const offset of [2, 4]) {
      const { bytes, header } = makeBatch(offset);
      await expect(log.append(bytes, [header])).rejects.toThrow(`at offset ${offset} was refused, the log ends at 3`);
    }
    const { bytes, header } = makeBatch(5);
    expect(await log.append(bytes, [header], 3)).toEqual({ endOffset: 6 });
    expect((await log.read(3, { maxBytes: 1000, upTo: 100, atLeastOne: true })).baseOffset).toBe(5);
  });

  it('headers that are not those of the bytes are refused', async () => {
    const log = await openOn(new MemoryDisk());
    const { bytes, headers } = makeBatches(0, [{}, {}]);
    await expect(log.append(bytes, headers.slice(0, 1))).rejects.toThrow(/headers of 78 bytes were given with 156/);
    await expect(log.append(bytes, [...headers].reverse())).rejects.toThrow(/can't follow/);
    expect(await log.append(new Uint8Array(0), [])).toEqual({ endOffset: 0 });
  });
});

function slice(bytes: Uint8Array, headers: BatchHeader[]): Uint8Array[] {
  let end = 0;
  return headers.map(({ batchLength }) => {
    end += batchLength;
    return bytes.subarray(end - batchLength, end);
  });
}

describe('a segment is closed', () => {
  const cases: [string, Partial<LogConfig>, Parameters<typeof makeBatch>[1][], number[]][] = [
    ['before it would exceed segment.bytes', { segmentBytes: 78 * 2 }, [{}, {}, {}, {}, {}], [0, 2, 4]],
    [
      'when a batch is more than segment.ms later than its first',
      { segmentMs: 100 },
      [{ timestamp: NOW }, { timestamp: NOW + 100 }, { timestamp: NOW + 101 }, { timestamp: NOW }],
      [0, 2],
    ],
    ['when its offset index is full', { indexIntervalBytes: 0, indexMaxBytes: 36 }, Array(8).fill({}), [0, 5]],
    [
      'when its time index is full, one place being kept for its last entry',
      { indexIntervalBytes: 0, indexMaxBytes: 48 },
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => ({ timestamp: n })),
      [0, 4, 8],
    ],
  ];
  it.each(cases)('%s', async (_name, change, specs, expected) => {
    const disk = new MemoryDisk();
    const log = await openOn(disk, { ...defaultLogConfig, ...change });
    for (const spec of specs) await append(log, spec);
    expect(await segmentsOf(disk)).toEqual(expected);
  });

  it('by wall time when its batches have no timestamps', async () => {
    const disk = new MemoryDisk();
    const settings = options({ disk, config: { ...defaultLogConfig, segmentMs: 100 } });
    const log = await PartitionLog.open(settings);
    await append(log, { timestamp: -1 });
    settings.clock.advance(100);
    await append(log, { timestamp: -1 });
    settings.clock.advance(1);
    await append(log, { timestamp: -1 });
    expect(await segmentsOf(disk)).toEqual([0, 2]);
  });

  it('when an offset is too far from its base for an index, even if it is empty', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk);
    const far = 2 ** 31;
    for (const offset of [far + 7, far + 8, 3 * far, 3 * far + 1]) {
      const { bytes, header } = makeBatch(offset);
      await log.append(bytes, [header], log.logEnd);
    }
    expect(await segmentsOf(disk)).toEqual([0, far + 7, 3 * far]);
    expect(headersOf([await readAll(log, 0)]).map(({ baseOffset }) => baseOffset)).toEqual([
      far + 7,
      far + 8,
      3 * far,
      3 * far + 1,
    ]);
    await log.close({ clean: false });
    const again = await openOn(disk);
    expect(again.logEnd).toBe(3 * far + 2);
  });

  it('and synced in the background, which moves the recovery point', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk, smallSegments);
    for (let n = 0; n < 30; n++) await append(log, { valueBytes: 100 });
    await log.flush();
    expect(log.recoveryPoint).toBe(30);
    for (let n = 0; n < 20; n++) await append(log, { valueBytes: 100 });
    // The flush that the last roll began is joined or followed by this one's turn.
    await log.truncate(1000);
    const active = (await segmentsOf(disk)).at(-1)!;
    expect(log.recoveryPoint).toBe(active);
  });
});

describe('flush', () => {
  it('flush.messages=1 confirms nothing before it is synced: a crash loses nothing that was confirmed', async () => {
    const disk = new MemoryDisk();
    await disk.makeDir('/data');
    await disk.syncDir('/');
    const config = { ...smallSegments, flushMessages: 1 };
    const log = await openOn(disk, config);
    for (let n = 0; n < 30; n++) await append(log, { valueBytes: 100 });
    expect(log.recoveryPoint).toBeGreaterThanOrEqual(21);
    disk.crash();
    const again = await openOn(disk, config);
    expect(again.logEnd).toBe(30);
  });

  it('flush.messages=5 syncs when five offsets are waiting', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk, { ...defaultLogConfig, flushMessages: 5 });
    const points: number[] = [];
    for (let n = 0; n < 11; n++) {
      await append(log);
      points.push(log.recoveryPoint);
    }
    expect(points).toEqual([0, 0, 0, 0, 5, 5, 5, 5, 5, 10, 10]);
  });

  it('flush.ms syncs that long after an append, and leaves no timer when the log is closed', async () => {
    const settings = options({ disk: new MemoryDisk(), config: { ...defaultLogConfig, flushMs: 50 } });
    const log = await PartitionLog.open(settings);
    await append(log);
    settings.clock.advance(49);
    await append(log);
    expect(log.recoveryPoint).toBe(0);
    settings.clock.advance(1);
    await log.truncate(100);
    expect(log.recoveryPoint).toBe(2);
    await append(log);
    expect(settings.clock.pendingTimers).toBe(1);
    await log.close({ clean: false });
    expect(settings.clock.pendingTimers).toBe(0);
  });

  it.each([
    ['never', Number.POSITIVE_INFINITY],
    ['a day', 86_400_000],
  ])('flush.ms changed from %s: what waits is synced that long after the change', async (_, flushMs) => {
    const settings = options({ disk: new MemoryDisk(), config: { ...defaultLogConfig, flushMs } });
    const log = await PartitionLog.open(settings);
    await append(log);
    log.updateConfig({ ...defaultLogConfig, flushMs: 50 });
    settings.clock.advance(49);
    expect(log.recoveryPoint).toBe(0);
    settings.clock.advance(1);
    await log.truncate(100);
    expect([log.recoveryPoint, settings.clock.pendingTimers]).toEqual([1, 0]);
  });

  it('makes the bytes and the names durable', async () => {
    const disk = new MemoryDisk();
    await disk.makeDir('/data');
    await disk.syncDir('/');
    const log = await openOn(disk, smallSegments);
    for (let n = 0; n < 30; n++) await append(log, { valueBytes: 100 });
    await log.flush();
    await append(log);
    disk.crash();
    const again = await openOn(disk, smallSegments, { recoveryPoint: 30 });
    expect(again.logEnd).toBe(30);
  });
});

describe('a disk that fails', () => {
  it('a failed write fails all behind it with the reason, is cut off, and the log goes on', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk);
    await append(log, { producerId: 1, sequence: 0 });
    disk.failNext('write', { errno: 'ENOSPC', pathEndsWith: '.log', writtenBytes: 100 });
    const { bytes, headers } = makeBatches(1, [
      { producerId: 1, sequence: 1, epoch: 3 },
      { producerId: 1, sequence: 2, epoch: 3 },
    ]);
    const results = await Promise.allSettled(slice(bytes, headers).map((one, n) => log.append(one, [headers[n]!])));
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'KAFKA_STORAGE_ERROR', retriable: true } });
      expect((result as PromiseRejectedResult).reason.message).toMatch(
        /^orders-0: nothing was appended at offset 1: .*no space left on the device \(ENOSPC\)/,
      );
    }
    expect([log.logEnd, log.failure]).toEqual([1, null]);
    expect(log.epochs.entries()).toEqual([{ epoch: 0, startOffset: 0 }]);
    expect(log.producers.toSnapshot()[0]!.batches).toHaveLength(1);
    expect((await disk.stat('/data/orders-0/00000000000000000000.log'))!.size).toBe(log.sizeBytes);
    await append(log, { epoch: 4 });
    expect(headersOf([await readAll(log)]).map((header) => header.partitionLeaderEpoch)).toEqual([0, 4]);
  });

  it('a log that can not cut off what a failed write left goes offline', async () => {
    const disk = new MemoryDisk();
    const reports: string[] = [];
    const log = await openOn(disk, defaultLogConfig, { onOffline: (_: Error, why: string) => reports.push(why) });
    await append(log);
    disk.failNext('write', { errno: 'EIO', pathEndsWith: '.log', writtenBytes: 10 });
    disk.failNext('truncate', { errno: 'EIO' });
    await expect(append(log)).rejects.toThrow(/orders-0 is offline: .*could not be cut off.*replace the disk/);
    await expect(append(log)).rejects.toThrow(/offline/);
    await expect(log.read(0, { maxBytes: 10, upTo: 1, atLeastOne: true })).rejects.toThrow(/offline/);
    expect(reports).toEqual(['cut-failed']);
    await log.close({ clean: true });
    expect(disk.openFiles).toBe(0);
  });

  it('a failed fsync takes the log offline and is never tried again', async () => {
    const disk = new MemoryDisk();
    const reports: string[] = [];
    const log = await openOn(disk, defaultLogConfig, { onOffline: (_: Error, why: string) => reports.push(why) });
    await append(log);
    disk.failNext('sync', { errno: 'EIO', pathEndsWith: '.log' });
    await expect(log.flush()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    expect(log.failure?.message).toMatch(/fsync failed: .*input\/output error \(EIO\)/);
    const syncs = disk.counts.sync;
    await expect(log.flush()).rejects.toBe(log.failure);
    await expect(log.truncate(0)).rejects.toBe(log.failure);
    await expect(append(log)).rejects.toBe(log.failure);
    await log.close({ clean: true });
    expect(disk.counts.sync).toBe(syncs);
    expect(reports).toEqual(['sync-failed']);
  });

  it('with flush.messages=1 a failed fsync fails the append: nothing of it is confirmed', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk, { ...defaultLogConfig, flushMessages: 1 });
    await append(log);
    disk.failNext('sync', { errno: 'EIO', pathEndsWith: '.log' });
    await expect(append(log)).rejects.toThrow(/offline/);
    expect(log.logEnd).toBe(1);
  });

  it('a new segment that can not be made fails the appends, and the next ones go in once it can', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk, smallSegments);
    while (log.sizeBytes < 900) await append(log, { valueBytes: 40 });
    const { logEnd } = log;
    disk.failNext('open', { errno: 'EMFILE', pathEndsWith: `${String(logEnd).padStart(20, '0')}.log` });
    await expect(append(log, { valueBytes: 100 })).rejects.toThrow(/EMFILE/);
    await append(log, { valueBytes: 100 });
    expect([log.segmentCount, log.logEnd]).toEqual([2, logEnd + 1]);
  });

  it('a background flush that fails for want of space is tried again later', async () => {
    const disk = new MemoryDisk();
    const warnings: string[] = [];
    const logger = { ...options({ disk }).logger, warn: (message: string) => warnings.push(message) };
    const log = await openOn(disk, smallSegments, { logger });
    disk.failNext('write', { errno: 'ENOSPC', pathEndsWith: '.snapshot' });
    while (log.segmentCount === 1) await append(log, { valueBytes: 100 });
    await log.truncate(1000);
    expect(warnings).toEqual(['orders-0: flushing failed, trying again later']);
    expect([log.failure, log.recoveryPoint]).toEqual([null, 0]);
    await log.flush();
    expect(log.recoveryPoint).toBe(log.logEnd);
  });

  it('a clean close that fails says so, and closes the files all the same', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk);
    await append(log);
    disk.failNext('write', { errno: 'ENOSPC', pathEndsWith: '.snapshot' });
    await expect(log.close({ clean: true })).rejects.toThrow(/ENOSPC/);
    expect(disk.openFiles).toBe(0);
    await expect(append(log)).rejects.toThrow(/closed/);
  });
});

describe('closing', () => {
  it('not clean fails what waits, finishes the write in flight, and lets go of every file', async () => {
    const held = new Deferred<void>();
    let holding = false;
    const delay = async (operation: DiskOperation): Promise<void> => {
      if (holding && operation === 'write') await held.promise;
    };
    const disk = new MemoryDisk({ delay });
    const log = await openOn(disk);
    await append(log);
    holding = true;
    const { bytes, headers } = makeBatches(1, [{}, {}]);
    const [first, second] = slice(bytes, headers).map((one, n) => log.append(one, [headers[n]!]));
    const outcome = Promise.allSettled([first, second]);
    for (let n = 0; n < 10; n++) await Promise.resolve();
    const closed = log.close({ clean: false });
    held.resolve();
    await closed;
    expect((await outcome).map(({ status }) => status)).toContain('rejected');
    expect(disk.openFiles).toBe(0);
    await log.close({ clean: true });
  });

  it('deleting removes the folder under another name first', async () => {
    const disk = new MemoryDisk();
    const log = await openOn(disk);
    await append(log);
    disk.failNext('remove', { errno: 'EIO', pathEndsWith: '-delete', after: 1 });
    await expect(log.delete()).rejects.toThrow(/EIO/);
    expect(await disk.list('/data')).toEqual(['orders-0.3f2504e04f8941d39a0c0305e82c3301-delete']);
  });
});

it('how long producers are remembered can be changed while the log is open', async () => {
  const log = await openOn(new MemoryDisk());
  log.producerExpirationMs = 1000;
  await append(log, { producerId: 7, sequence: 0, timestamp: NOW });
  const producers = log.producers.clone();
  producers.expire(NOW + 999);
  expect(producers.size).toBe(1);
  producers.expire(NOW + 1000);
  expect(producers.size).toBe(0);
});
