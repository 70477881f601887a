import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Disk, DiskError, MemoryDisk, nodeDisk } from '../src';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ottla-disk-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const disks: [string, () => Disk, () => string][] = [
  ['the file system', () => nodeDisk, () => dir],
  ['memory', () => new MemoryDisk(), () => '/work'],
];

describe.each(disks)('a disk over %s', (_name, makeDisk, root) => {
  it('what was written in chunks is read back, also across the end', async () => {
    const disk = makeDisk();
    await disk.makeDir(`${root()}/a/b`);
    const file = await disk.open(`${root()}/a/b/f`, 'create');
    const chunks = Array.from({ length: 3000 }, (_, n) => Uint8Array.of(n & 0xff, n >> 8, 7));
    await file.write(chunks, 10);
    expect(await file.size()).toBe(10 + 9000);
    const into = new Uint8Array(9000);
    expect(await file.read(into, 10)).toBe(9000);
    expect(Buffer.compare(into, Buffer.concat(chunks))).toBe(0);
    expect(await file.read(into, 9000)).toBe(10);
    expect(await file.read(into, 20_000)).toBe(0);
    await file.truncate(12);
    await file.sync();
    await file.close();
    expect(await disk.readFile(`${root()}/a/b/f`)).toEqual(
      expect.objectContaining({ length: 12, 10: 0, 11: 0 }) as unknown as Uint8Array,
    );
    expect(await disk.stat(`${root()}/a/b/f`)).toMatchObject({ size: 12 });
  });

  it('a missing file: open fails by name, reading gives null, removing is fine', async () => {
    const disk = makeDisk();
    await disk.makeDir(root());
    const path = `${root()}/none`;
    const opened = disk.open(path, 'read');
    await expect(opened).rejects.toBeInstanceOf(DiskError);
    await expect(opened).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR', errno: 'ENOENT', path });
    await expect(disk.open(path, 'read-write')).rejects.toMatchObject({ errno: 'ENOENT' });
    expect(await disk.readFile(path)).toBeNull();
    expect(await disk.stat(path)).toBeNull();
    expect(await disk.exists(path)).toBe(false);
    expect(await disk.list(path)).toEqual([]);
    await disk.removeFile(path);
    await disk.remove(path);
  });

  it('atomic writes replace the whole content and leave nothing else behind', async () => {
    const disk = makeDisk();
    await disk.makeDir(root());
    await disk.writeFileAtomic(`${root()}/f`, Buffer.from('a long first content'));
    await Promise.all(['x', 'y', 'z'].map((text) => disk.writeFileAtomic(`${root()}/f`, Buffer.from(text))));
    expect(Buffer.from((await disk.readFile(`${root()}/f`)) as Uint8Array).toString()).toMatch(/^[xyz]$/);
    expect(await disk.list(root())).toEqual(['f']);
  });

  it('an atomic write that fails leaves the old content', async () => {
    const disk = makeDisk();
    const path = `${root()}/missing-folder/f`;
    await expect(disk.writeFileAtomic(path, Buffer.from('x'))).rejects.toMatchObject({ errno: 'ENOENT' });
    expect(await disk.exists(path)).toBe(false);
  });

  it('renames move folders with what they hold, and remove takes all of it', async () => {
    const disk = makeDisk();
    await disk.makeDir(`${root()}/from/deep`);
    await disk.writeFileAtomic(`${root()}/from/deep/f`, Buffer.from('1'));
    await disk.rename(`${root()}/from`, `${root()}/to`);
    await disk.syncDir(root());
    expect(await disk.list(`${root()}/to/deep`)).toEqual(['f']);
    await disk.remove(`${root()}/to`);
    expect(await disk.list(root())).toEqual([]);
  });

  it('a closed file refuses work', async () => {
    const disk = makeDisk();
    await disk.makeDir(root());
    const file = await disk.open(`${root()}/f`, 'create');
    await file.close();
    await file.close();
    await expect(file.write([Uint8Array.of(1)], 0)).rejects.toMatchObject({ errno: 'EBADF' });
    await expect(file.read(new Uint8Array(1), 0)).rejects.toMatchObject({ errno: 'EBADF' });
  });

  it('a lock is held against a second taker until it is released', async () => {
    const disk = makeDisk();
    await disk.makeDir(root());
    const lock = await disk.lock(`${root()}/lock`);
    await expect(disk.lock(`${root()}/lock`)).rejects.toMatchObject({ name: 'DiskLockedError', errno: 'EBUSY' });
    await lock.release();
    const again = await disk.lock(`${root()}/lock`);
    await lock.release();
    await expect(disk.lock(`${root()}/lock`)).rejects.toMatchObject({ errno: 'EBUSY' });
    await again.release();
    expect(await disk.list(root())).toEqual([]);
  });
});

describe('the file system', () => {
  afterEach(() => jest.restoreAllMocks());

  it('a short write goes on where it stopped', async () => {
    const file = await nodeDisk.open(join(dir, 'f'), 'create');
    const writev = fs.writev;
    const sizes: number[] = [];
    jest.spyOn(fs, 'writev').mockImplementation(((fd: number, chunks: Uint8Array[], at: number, done: never) => {
      const first = chunks.find((chunk) => chunk.length > 0) as Uint8Array;
      const part = first.subarray(0, Math.ceil(first.length / 2));
      sizes.push(part.length);
      writev(fd, [part], at, done);
    }) as never);
    const write = fs.write;
    jest
      .spyOn(fs, 'write')
      .mockImplementation(((fd: number, b: Uint8Array, o: number, l: number, p: number, done: never) =>
        write(fd, b, o, Math.ceil(l / 3), p, done)) as never);
    const chunks = ['hello ', '', 'short ', 'writes', '!'].map((text) => Buffer.from(text));
    await file.write(chunks, 0);
    expect(sizes.length).toBeGreaterThan(2);
    jest.restoreAllMocks();
    await file.close();
    expect(fs.readFileSync(join(dir, 'f'), 'utf8')).toBe('hello short writes!');
  });

  it('a full device says so and how to get out', () => {
    const error = new DiskError('write', '/data/t-0/00000000000000000000.log', 'ENOSPC');
    expect(error.message).toBe(
      'write /data/t-0/00000000000000000000.log: no space left on the device (ENOSPC); free some space or move the data to a larger volume',
    );
  });

  it('free bytes are told', async () => {
    expect(await nodeDisk.freeBytes?.(dir)).toBeGreaterThan(0);
    expect(await nodeDisk.totalBytes?.(dir)).toBeGreaterThan((await nodeDisk.freeBytes?.(dir))!);
  });
});
