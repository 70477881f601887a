import { lastOffset } from '@ottla/protocol';
import { MemoryDisk } from '@ottla/runtime';
import fc from 'fast-check';
import { defaultLogConfig, LogResources, PartitionLog } from '../src';
import { append, headersOf, makeBatches, options, readAll, smallSegments } from './batches';
import { DISKS } from './disks';

const noTailCache = () => new LogResources({ tailCacheBytes: 0 });
const everything = { maxBytes: 1 << 20, upTo: Number.MAX_SAFE_INTEGER, atLeastOne: true };

describe.each(DISKS)('over %s', (_name, makeDisk) => {
  for (const [cache, resources] of [
    ['with the tail cached', () => new LogResources()],
    ['from the file alone', noTailCache],
  ] as const) {
    it(`${cache}: any read gives whole batches from the one that holds its offset, within the budget and the limit`, async () => {
      const { disk, root } = makeDisk();
      const log = await PartitionLog.open(
        options({ disk, dir: `${root}/orders-0`, config: smallSegments, resources: resources() }),
      );
      const specs = Array.from({ length: 60 }, (_, n) => ({ records: (n % 5) + 1, valueBytes: (n * 37) % 300 }));
      const { bytes, headers } = makeBatches(0, specs);
      await log.append(bytes, headers);
      const bases = new Set(
        (await disk.list(log.dir)).filter((name) => name.endsWith('.log')).map((name) => Number.parseInt(name, 10)),
      );
      const read = fc.record({
        from: fc.integer({ min: 0, max: log.logEnd - 1 }),
        maxBytes: fc.integer({ min: 0, max: 3000 }),
        upTo: fc.integer({ min: 0, max: log.logEnd + 5 }),
        atLeastOne: fc.boolean(),
      });
      const property = fc.asyncProperty(read, async ({ from, maxBytes, upTo, atLeastOne }) => {
        const result = await log.read(from, { maxBytes, upTo, atLeastOne });
        const given = headersOf(result.chunks);
        const first = headers.findIndex((header) => lastOffset(header) >= from);
        expect(given).toEqual(headers.slice(first, first + given.length));
        expect(result.byteLength).toBe(Buffer.concat(result.chunks).length);
        const last = given.at(-1);
        expect(result.endOffset).toBe(last === undefined ? from : lastOffset(last) + 1);
        expect(result.baseOffset).toBe(given[0]?.baseOffset ?? from);
        if (last !== undefined) expect(lastOffset(last)).toBeLessThan(upTo);
        if (given.length > 1 || !atLeastOne) expect(result.byteLength).toBeLessThanOrEqual(maxBytes);
        // It ends for one of four reasons only.
        const next = headers[first + given.length];
        const endsSegment = next !== undefined && bases.has(next.baseOffset) && given.length > 0;
        const reachesLimit = next === undefined || lastOffset(next) >= upTo;
        const overBudget = next !== undefined && result.byteLength + next.batchLength > maxBytes;
        expect(endsSegment || reachesLimit || (overBudget && (given.length > 0 || !atLeastOne))).toBe(true);
      });
      await fc.assert(property, { numRuns: 60 });
      await log.close({ clean: false });
    });
  }

  it('locate gives the same bytes as read, as a range of the file', async () => {
    const { disk, root } = makeDisk();
    const log = await PartitionLog.open(
      options({ disk, dir: `${root}/orders-0`, config: smallSegments, resources: noTailCache() }),
    );
    const specs = Array.from({ length: 60 }, (_, n) => ({ records: (n % 5) + 1, valueBytes: (n * 37) % 300 }));
    const { bytes, headers } = makeBatches(0, specs);
    await log.append(bytes, headers);
    const read = fc.record({
      from: fc.integer({ min: 0, max: log.logEnd }),
      maxBytes: fc.integer({ min: 0, max: 3000 }),
      upTo: fc.integer({ min: 0, max: log.logEnd + 5 }),
      atLeastOne: fc.boolean(),
    });
    const property = fc.asyncProperty(read, async ({ from, ...budget }) => {
      const range = await log.locate(from, budget);
      const result = await log.read(from, budget);
      if (range === null) {
        expect(result.byteLength).toBe(0);
        return;
      }
      const found = new Uint8Array(range.byteLength);
      await range.file.read(found, range.position);
      range.release();
      const { baseOffset, endOffset } = range;
      expect({ baseOffset, endOffset }).toEqual({ baseOffset: result.baseOffset, endOffset: result.endOffset });
      expect(Buffer.compare(found, Buffer.concat(result.chunks))).toBe(0);
    });
    await fc.assert(property, { numRuns: 60 });
    await log.close({ clean: false });
  });
});

describe('the range of a log', () => {
  it('an offset outside of it is refused and the range named; its end gives nothing', async () => {
    const log = await PartitionLog.open(options({ disk: new MemoryDisk(), logStart: 5 }));
    await append(log, { records: 3 });
    for (const offset of [4, 9]) {
      await expect(log.read(offset, everything)).rejects.toMatchObject({
        code: 'OFFSET_OUT_OF_RANGE',
        message: `orders-0: offset ${offset} is outside of the log's range, 5 to 8`,
      });
      await expect(log.locate(offset, everything)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    }
    expect(await log.read(8, everything)).toEqual({ baseOffset: 8, endOffset: 8, chunks: [], byteLength: 0 });
    expect(await log.locate(8, everything)).toBeNull();
  });
});

describe('what a read costs', () => {
  async function filled(config = { ...defaultLogConfig, indexIntervalBytes: 4096 }) {
    const disk = new MemoryDisk();
    const settings = options({ disk, config, resources: noTailCache() });
    const log = await PartitionLog.open(settings);
    const { bytes, headers } = makeBatches(
      0,
      Array.from({ length: 2000 }, () => ({ valueBytes: 500 })),
    );
    await log.append(bytes, headers);
    return { disk, log, settings };
  }

  it('a sequential reader needs one read of the file at a time', async () => {
    const { disk, log } = await filled();
    await log.read(0, { ...everything, maxBytes: 100_000 });
    let reads = 0;
    let next = 0;
    while (next < log.logEnd) {
      const before = disk.counts.read;
      next = (await log.read(next, { ...everything, maxBytes: 100_000 })).endOffset;
      reads = Math.max(reads, disk.counts.read - before);
    }
    expect(reads).toBe(1);
  });

  it('a reader that jumps about needs one as well, once the index is loaded', async () => {
    const { disk, log, settings } = await filled();
    await log.close({ clean: true });
    const again = await PartitionLog.open({ ...settings, cleanShutdown: true, resources: noTailCache() });
    await again.read(1000, everything);
    for (const offset of [5, 1999, 777, 1234, 0, 1500]) {
      const before = disk.counts.read;
      await again.read(offset, { ...everything, maxBytes: 10_000 });
      expect(disk.counts.read - before).toBe(1);
    }
  });

  it('the batches appended last are read without touching the file', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk }));
    for (let n = 0; n < 100; n++) await append(log, { valueBytes: 100 });
    const before = disk.counts.read;
    expect(headersOf([await readAll(log)])).toHaveLength(100);
    expect(disk.counts.read).toBe(before);
  });

  it('locating needs at most three small reads', async () => {
    const { disk, log } = await filled();
    for (const [from, maxBytes] of [
      [0, 1 << 20],
      [777, 100_000],
      [1500, 50_000],
    ] as const) {
      const before = disk.counts.read;
      const range = await log.locate(from, { ...everything, maxBytes });
      range!.release();
      expect(disk.counts.read - before).toBeLessThanOrEqual(3);
    }
  });
});

describe('readers while the log is cut', () => {
  it('never get a batch that mixes what was cut with what came instead', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk, config: smallSegments, resources: noTailCache() }));
    for (let round = 1; round <= 30; round++) {
      while (log.logEnd < 60) await append(log, { valueBytes: (log.logEnd * 7 + round) % 90, epoch: round });
      const readers = Array.from({ length: 8 }, async (_, n) => {
        for (let turn = 0; turn < n; turn++) await Promise.resolve();
        const from = (n * 11 + round) % 50;
        const result = await log.read(from, { maxBytes: 500, upTo: 1000, atLeastOne: true }).catch((error) => {
          expect(error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
          return null;
        });
        if (result === null) return;
        let epoch = 0;
        for (const header of headersOf(result.chunks)) {
          expect(header.partitionLeaderEpoch).toBeGreaterThanOrEqual(epoch);
          epoch = header.partitionLeaderEpoch;
        }
        expect(result.chunks.length === 0 || headersOf(result.chunks)[0]!.baseOffset).toBe(
          result.chunks.length === 0 || from,
        );
      });
      await log.truncate((round * 7) % 60);
      while (log.logEnd < 60) await append(log, { valueBytes: (log.logEnd * 5 + round) % 90, epoch: round });
      await Promise.all(readers);
    }
  });

  it('a located range stays readable when its segment goes', async () => {
    const disk = new MemoryDisk();
    const log = await PartitionLog.open(options({ disk, config: smallSegments }));
    for (let n = 0; n < 40; n++) await append(log, { valueBytes: 100 });
    const range = (await log.locate(30, everything))!;
    await log.truncate(10);
    const bytes = new Uint8Array(range.byteLength);
    expect(await range.file.read(bytes, range.position)).toBe(range.byteLength);
    expect(headersOf([bytes])[0]!.baseOffset).toBe(30);
    range.release();
    await log.close({ clean: false });
    expect(disk.openFiles).toBe(0);
  });
});

describe('headers', () => {
  it('are walked from the batch that holds the first offset to the last below the limit, across segments', async () => {
    const log = await PartitionLog.open(options({ disk: new MemoryDisk(), config: smallSegments }));
    for (let n = 0; n < 600; n++) await append(log, { records: 2 });
    const seen: number[] = [];
    for await (const header of log.batchHeaders(101, 1101)) seen.push(header.baseOffset);
    expect(seen).toEqual(Array.from({ length: 500 }, (_, n) => 100 + 2 * n));
  });
});
