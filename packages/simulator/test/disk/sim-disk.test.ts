import { SeededRandom } from '@ottla/runtime';
import { SimDisk } from '../../src/disk/sim-disk';
import { Life } from '../../src/process/life';
import { SimTime } from '../../src/time/sim-time';

const SPEED = { writeMs: 1, syncMs: 10, readMs: 0 };

function machine() {
  const time = new SimTime(() => new Promise((resolve) => setImmediate(resolve)));
  const disk = new SimDisk(time, new SeededRandom(1), SPEED, () => 0);
  const life = new Life(time, 'process');
  const run = async <T>(work: Promise<T>): Promise<T> => {
    await time.runUntil(time.now() + 1_000);
    return work;
  };
  return { time, disk, life, run, mounted: disk.mount(life) };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | null): string | null =>
  content === null ? null : new TextDecoder().decode(content);

describe('the disk of a simulated machine', () => {
  it('takes virtual time to write and to sync, and none to read', async () => {
    const { time, mounted, run } = machine();
    const file = await run(mounted.open('/f', 'create'));
    const began = time.now();
    let written = 0;
    let synced = 0;
    void file.write([bytes('abc')], 0).then(async () => {
      written = time.now() - began;
      await file.sync();
      synced = time.now() - began;
    });
    await run(Promise.resolve());
    expect(written).toBeGreaterThan(0);
    expect(synced).toBeGreaterThan(written + SPEED.syncMs / 2 - 0.001);
    expect(text(await mounted.readFile('/f'))).toBe('abc');
  });

  it('tells a process nothing once that is dead, and nothing while it is paused', async () => {
    const { mounted, life, run } = machine();
    const file = await run(mounted.open('/f', 'create'));
    let written = false;
    life.pause();
    void file.write([bytes('abc')], 0).then(() => {
      written = true;
    });
    await run(Promise.resolve());
    expect(written).toBe(false);
    life.end('process');
    await run(Promise.resolve());
    expect(written).toBe(false);
  });

  it('loses what was not synced when the machine crashes, never what was, and remembers when', async () => {
    const { time, disk, mounted, run } = machine();
    const file = await run(mounted.open('/f', 'create'));
    await run(file.write([bytes('kept')], 0));
    await run(file.sync());
    await run(mounted.syncDir('/'));
    await run(file.write([bytes(' or lost')], 4));
    disk.crash();
    expect(text(disk.memory.peek('/f'))).toMatch(/^kept/);
    expect(disk.losses).toEqual([time.now()]);
  });

  it('is put back to what it was, more than once', async () => {
    const { disk, mounted, run } = machine();
    const file = await run(mounted.open('/f', 'create'));
    await run(file.write([bytes('old')], 0));
    const image = disk.memory.image();
    await run(file.write([bytes('new')], 0));
    for (let again = 0; again < 2; again++) {
      disk.putBack(image);
      expect(text(disk.memory.peek('/f'))).toBe('old');
      disk.memory.rot('/f', 0);
      expect(text(disk.memory.peek('/f'))).not.toBe('old');
    }
  });

  it('that is full takes what there is room for, and all again when there is room', async () => {
    const { disk, mounted, run } = machine();
    const file = await run(mounted.open('/f', 'create'));
    disk.limit(2);
    await expect(run(file.write([bytes('abc')], 0))).rejects.toMatchObject({ errno: 'ENOSPC' });
    disk.limit(null);
    await run(file.write([bytes('abc')], 0));
    expect(text(disk.memory.peek('/f'))).toBe('abc');
  });
});
