import { Deferred, MemoryDisk, SeededRandom } from '../src';

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

async function fileWith(disk: MemoryDisk, path: string, content: string): Promise<void> {
  const file = await disk.open(path, 'create');
  await file.write([Buffer.from(content)], 0);
  await file.sync();
  await file.close();
}

describe('a machine that crashes', () => {
  it('keeps synced content under a synced name, and loses the rest', async () => {
    const disk = new MemoryDisk();
    await disk.makeDir('/d');
    await disk.syncDir('/');
    await fileWith(disk, '/d/kept', 'kept');
    await disk.syncDir('/d');
    await fileWith(disk, '/d/unnamed', 'its name was not synced');
    const kept = await disk.open('/d/kept', 'read-write');
    await kept.write([Buffer.from(' and lost')], 4);
    disk.crash();
    expect(await disk.list('/d')).toEqual(['kept']);
    expect(text(await disk.readFile('/d/kept'))).toBe('kept');
    await expect(kept.write([Buffer.from('x')], 0)).rejects.toMatchObject({ errno: 'EBADF' });
    expect(disk.openFiles).toBe(0);
  });

  it('undoes a truncation, a rename and a removal that were not synced', async () => {
    const disk = new MemoryDisk();
    await disk.makeDir('/d');
    await disk.syncDir('/');
    await fileWith(disk, '/d/a', 'aaaa');
    await fileWith(disk, '/d/b', 'bbbb');
    await disk.syncDir('/d');
    const a = await disk.open('/d/a', 'read-write');
    await a.truncate(1);
    await disk.rename('/d/b', '/d/c');
    disk.crash();
    expect(await disk.list('/d')).toEqual(['a', 'b']);
    expect(text(await disk.readFile('/d/a'))).toBe('aaaa');
    await disk.removeFile('/d/b');
    disk.crash();
    expect(await disk.list('/d')).toEqual(['a', 'b']);
  });

  it('with a random, some unsynced writes survive, torn; what was synced always does', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const disk = new MemoryDisk({ random: new SeededRandom(seed) });
      await disk.makeDir('/d');
      await disk.syncDir('/');
      await fileWith(disk, '/d/f', 'synced');
      await disk.syncDir('/d');
      const file = await disk.open('/d/f', 'read-write');
      await file.write([Buffer.from('-one')], 6);
      await file.write([Buffer.from('-two')], 10);
      disk.crash();
      const content = text(await disk.readFile('/d/f'))!;
      expect(content.startsWith('synced')).toBe(true);
      seen.add(content);
    }
    expect(seen).toContain('synced');
    expect(seen).toContain('synced-one-two');
    expect(seen).toContain('synced-on');
    expect(seen).toContain('synced\0\0\0\0-two');
  });
});

describe('a process that is killed', () => {
  it('leaves what it wrote, and its locks and mounts die with it', async () => {
    const disk = new MemoryDisk();
    const mounted = disk.mount();
    await mounted.makeDir('/d');
    const file = await mounted.open('/d/f', 'create');
    await file.write([Buffer.from('written')], 0);
    await mounted.lock('/d/lock');
    disk.kill();
    expect(text(await disk.readFile('/d/f'))).toBe('written');
    await disk.lock('/d/lock');
    await expect(mounted.open('/d/g', 'create')).rejects.toMatchObject({ errno: 'EBADF' });
    expect(await disk.mount().list('/d')).toEqual(['f']);
  });

  it('in the middle of a write leaves a part of it', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const held = new Deferred<void>();
      const disk = new MemoryDisk({
        random: new SeededRandom(seed),
        delay: async (operation) => (operation === 'write' ? held.promise : undefined),
      });
      await disk.makeDir('/d');
      const file = await disk.open('/d/f', 'create');
      const writing = file.write([Buffer.from('ab'), Buffer.from('cd')], 0);
      disk.kill();
      held.resolve();
      await expect(writing).rejects.toMatchObject({ errno: 'EBADF' });
      seen.add(text(await disk.readFile('/d/f'))!);
    }
    expect([...seen].sort()).toEqual(['', 'a', 'ab', 'abc', 'abcd']);
  });
});

describe('faults', () => {
  it('hit the operation, path and count that were ordered', async () => {
    const disk = new MemoryDisk();
    await disk.makeDir('/d');
    const file = await disk.open('/d/x.log', 'create');
    const other = await disk.open('/d/x.index', 'create');
    disk.failNext('write', { errno: 'EIO', pathEndsWith: '.log', after: 1, writtenBytes: 2 });
    disk.failNext('sync', { errno: 'EIO', times: 2 });
    await file.write([Buffer.from('good')], 0);
    await other.write([Buffer.from('good')], 0);
    await expect(file.write([Buffer.from('torn')], 4)).rejects.toMatchObject({ errno: 'EIO' });
    expect(text(await disk.readFile('/d/x.log'))).toBe('goodto');
    await file.write([Buffer.from('torn')], 4);
    for (const file of [other, other]) await expect(file.sync()).rejects.toMatchObject({ errno: 'EIO' });
    await file.sync();
  });

  it('a full device takes what fits and says ENOSPC; room made, it goes on', async () => {
    const disk = new MemoryDisk({ capacityBytes: 10 });
    await disk.makeDir('/d');
    const file = await disk.open('/d/f', 'create');
    await file.write([Buffer.from('12345678')], 0);
    await expect(file.write([Buffer.from('abcd')], 8)).rejects.toMatchObject({ errno: 'ENOSPC' });
    expect(text(await disk.readFile('/d/f'))).toBe('12345678ab');
    await expect(disk.writeFileAtomic('/d/g', Buffer.from('x'))).rejects.toMatchObject({ errno: 'ENOSPC' });
    disk.capacityBytes = 100;
    await file.write([Buffer.from('abcd')], 8);
    expect(await disk.freeBytes('/')).toBe(88);
  });
});
