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
    const file = (name: string) => table.file(disk, `/d/${name}`);
    return { disk, table, file, errors };
  }

  it('the least recently used is closed to make room, never one in use', async () => {
    const { disk, table, file } = await files(2);
    const a = file('a');
    const lease = await a.acquire('create');
    for (const name of ['b', 'c', 'd']) (await file(name).acquire('create')).release();
    await table.settled();
    expect([table.size, disk.openFiles]).toEqual([2, 2]);
    expect(await lease.file.size()).toBe(0);
    lease.release();
    const { open } = disk.counts;
    await a.read(new Uint8Array(1), 0);
    expect(disk.counts.open).toBe(open);
  });

  it('files in use for long do not keep idle ones behind them open', async () => {
    const { disk, table, file } = await files(20);
    const leases = await Promise.all(Array.from({ length: 15 }, (_, n) => file(`long-${n}`).acquire('create')));
    for (let n = 0; n < 100; n++) (await file(`idle-${n}`).acquire('create')).release();
    await table.settled();
    expect(disk.openFiles).toBeLessThanOrEqual(21);
    for (const lease of leases) lease.release();
  });

  it('a file taken twice at once is opened once', async () => {
    const { disk, file } = await files(5);
    const a = file('a');
    const [first, second] = await Promise.all([a.acquire('create'), a.acquire('create')]);
    expect(first!.file).toBe(second!.file);
    expect(disk.counts.open).toBe(1);
  });

  it('a closed file stays open for its leases, can not be taken again, and never reaches a new file of its path', async () => {
    const { disk, file } = await files(5);
    const old = file('a');
    const lease = await old.acquire('create');
    await old.close();
    await disk.removeFile('/d/a');
    await expect(old.acquire()).rejects.toThrow('/d/a was closed');
    const fresh = file('a');
    const other = await fresh.acquire('create');
    await other.file.write([Uint8Array.of(1)], 0);
    expect(await lease.file.size()).toBe(0);
    lease.release();
    other.release();
    await fresh.close();
    expect(disk.openFiles).toBe(0);
  });

  it('a file that can not be opened is not remembered, and one that fails to close is reported', async () => {
    const { disk, table, file, errors } = await files(5);
    const a = file('a');
    disk.failNext('open', { errno: 'EMFILE' });
    await expect(a.acquire('create')).rejects.toThrow(/EMFILE/);
    expect(table.size).toBe(0);
    const lease = await a.acquire('create');
    lease.release();
    jest.spyOn(lease.file, 'close').mockRejectedValue(new Error('EIO'));
    await a.close();
    expect(errors).toEqual([new Error('EIO')]);
  });
});

describe('byte cache', () => {
  it('holds what was used last, within its bound', () => {
    const cache = new BytesCache(10);
    const [a, b, c, d] = [{}, {}, {}, {}];
    cache.set(a, new Uint8Array(4));
    cache.set(b, new Uint8Array(4));
    expect(cache.get(a)).not.toBeNull();
    cache.set(c, new Uint8Array(4));
    expect([cache.get(a), cache.get(b), cache.get(c)].map((bytes) => bytes?.length)).toEqual([4, undefined, 4]);
    cache.set(d, new Uint8Array(11));
    expect([cache.get(d), cache.byteLength]).toEqual([null, 8]);
    cache.set(a, new Uint8Array(1));
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
