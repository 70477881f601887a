import { MemoryDisk } from '@ottla/runtime';
import { BytesCache } from '../src/resources/bytes-cache';
import { OpenFiles } from '../src/resources/open-files';
import { TailBudget, TailCache } from '../src/resources/tail-cache';
import { makeBatches } from './batches';

describe('open files', () => {
  async function files(max: number) {
    const disk = new MemoryDisk();
    await disk.makeDir('/d');
    const errors: unknown[] = [];
    const table = new OpenFiles(max, (error) => errors.push(error));
    const acquire = (name: string) => table.acquire(disk, `/d/${name}`, 'create');
    return { disk, table, acquire, errors };
  }

  it('the least recently used is closed to make room, never one in use', async () => {
    const { disk, table, acquire } = await files(2);
    const a = await acquire('a');
    for (const name of ['b', 'c', 'd']) (await acquire(name)).release();
    await table.settled();
    expect([table.size, disk.openFiles]).toEqual([2, 2]);
    expect(await a.file.size()).toBe(0);
    a.release();
    const { open } = disk.counts;
    (await acquire('a')).release();
    expect(disk.counts.open).toBe(open);
  });

  it('a file taken twice at once is opened once', async () => {
    const { disk, acquire } = await files(5);
    const [first, second] = await Promise.all([acquire('a'), acquire('a')]);
    expect(first!.file).toBe(second!.file);
    expect(disk.counts.open).toBe(1);
  });

  it('a forgotten file stays open for its leases, and its path is opened anew', async () => {
    const { disk, table, acquire } = await files(5);
    const old = await acquire('a');
    table.forget('/d/a');
    await disk.removeFile('/d/a');
    const fresh = await acquire('a');
    await fresh.file.write([Uint8Array.of(1)], 0);
    expect(await old.file.size()).toBe(0);
    old.release();
    fresh.release();
    table.forget('/d/a');
    await table.settled();
    expect(disk.openFiles).toBe(0);
  });

  it('a file that can not be opened is not remembered', async () => {
    const { disk, table, acquire } = await files(5);
    disk.failNext('open', { errno: 'EMFILE' });
    await expect(acquire('a')).rejects.toThrow(/EMFILE/);
    expect(table.size).toBe(0);
    (await acquire('a')).release();
  });
});

describe('byte cache', () => {
  it('holds what was used last, within its bound', () => {
    const cache = new BytesCache(10);
    cache.set('a', new Uint8Array(4));
    cache.set('b', new Uint8Array(4));
    expect(cache.get('a')).not.toBeNull();
    cache.set('c', new Uint8Array(4));
    expect([cache.get('a'), cache.get('b'), cache.get('c')].map((bytes) => bytes?.length)).toEqual([4, undefined, 4]);
    cache.set('d', new Uint8Array(11));
    expect([cache.get('d'), cache.byteLength]).toEqual([null, 8]);
    cache.set('a', new Uint8Array(1));
    expect(cache.byteLength).toBe(5);
  });
});

describe('tail cache', () => {
  it('serves the batches that are left within its bound, one behind the other in memory as one chunk', () => {
    const cache = new TailCache(new TailBudget(10_000, 500));
    const { bytes, headers } = makeBatches(
      0,
      Array.from({ length: 20 }, () => ({ records: 2 })),
    );
    cache.add(bytes, headers);
    expect(cache.byteLength).toBeLessThanOrEqual(500);
    expect(cache.read(0, 100, 1000, true)).toBeNull();
    const read = cache.read(33, 38, 10_000, true)!;
    expect(read).toMatchObject({ baseOffset: 32, endOffset: 38 });
    expect(read.chunks).toHaveLength(1);
    expect(cache.read(40, 100, 1000, true)).toBeNull();
  });

  it('a batch too large for it empties it, since what is before would not be the tail', () => {
    const budget = new TailBudget(10_000, 500);
    const cache = new TailCache(budget);
    const { bytes, headers } = makeBatches(0, [{}, { valueBytes: 600 }]);
    cache.add(bytes.slice(0, headers[0]!.batchLength), headers.slice(0, 1));
    cache.add(bytes.slice(headers[0]!.batchLength), headers.slice(1));
    expect([cache.byteLength, budget.byteLength]).toEqual([0, 0]);
  });

  it('all caches together stay within the budget: those that were appended to the longest ago give way', () => {
    const budget = new TailBudget(1000, 600);
    const caches = [new TailCache(budget), new TailCache(budget), new TailCache(budget)];
    for (const cache of caches) {
      const { bytes, headers } = makeBatches(
        0,
        Array.from({ length: 7 }, () => ({})),
      );
      cache.add(bytes, headers);
    }
    expect(budget.byteLength).toBeLessThanOrEqual(1000);
    expect(caches[2]!.byteLength).toBe(7 * 78);
    expect(caches[0]!.byteLength).toBe(0);
    expect(caches.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(budget.byteLength);
    for (const cache of caches) cache.clear();
    expect(budget.byteLength).toBe(0);
  });

  it('a small piece of a large buffer is copied, so that it does not keep the buffer alive', () => {
    const cache = new TailCache(new TailBudget(1 << 20, 1 << 20));
    const { bytes, headers } = makeBatches(0, [{}]);
    const large = new Uint8Array(100_000);
    large.set(bytes, 5000);
    cache.add(large.subarray(5000, 5000 + bytes.length), headers);
    expect(cache.read(0, 10, 1000, true)!.chunks[0]!.buffer.byteLength).toBeLessThan(1000);
  });
});
