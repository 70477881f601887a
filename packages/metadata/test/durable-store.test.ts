import { type Clock, ManualClock, MemoryDisk, SeededRandom, silentLogger } from '@ottla/runtime';
import { DurableStore, type DurableStoreOptions } from '../src/embedded/durable-store';
import { keysFrom, oneKey } from '../src/machine/key-range';
import type { StoreMachine } from '../src/machine/store-machine';

const everything = keysFrom('', null);

function options(
  disk: MemoryDisk,
  clock: Clock = new ManualClock(),
  more: Partial<DurableStoreOptions> = {},
): DurableStoreOptions {
  return { dir: '/store', disk: disk.mount(), clock, logger: silentLogger, newStoreId: '00112233445566ff', ...more };
}

const put =
  (key: string, value: string, lease = '0') =>
  (machine: StoreMachine) => {
    const operation = { type: 'put' as const, key, value: Buffer.from(value), lease };
    const { record } = machine.transact({ guards: [], success: [operation], failure: [] });
    return { result: machine.revision, records: record === null ? [] : [record] };
  };

const read = (machine: StoreMachine) => ({
  result: new Map(
    machine
      .range({ range: everything, revision: 0, limit: 0 })
      .kvs.map((kv) => [kv.key, Buffer.from(kv.value).toString()]),
  ),
  records: [],
});

const grant = (lease: string, ttlMs: number) => (machine: StoreMachine, now: number) => ({
  result: undefined,
  records: [machine.grant(lease, ttlMs, now)],
});

describe('durable store', () => {
  it('reopened: has what it had, history and leases included', async () => {
    const disk = new MemoryDisk();
    const first = await DurableStore.open(options(disk));
    await first.run(grant('5', 10_000));
    await first.run(put('a', '1', '5'));
    await first.run(put('a', '2'));
    await first.close();
    const second = await DurableStore.open(options(disk));
    expect(second.storeId).toBe(first.storeId);
    expect(await second.run(read)).toEqual(new Map([['a', '2']]));
    expect(second.machine.range({ range: oneKey('a'), revision: 2, limit: 0 }).kvs[0]).toMatchObject({ lease: '5' });
    expect([...second.machine.leases()].map(({ id }) => id)).toEqual(['5']);
    await second.close();
    expect(disk.openFiles).toBe(0);
  });

  it('writes what came while the disk was busy in one go', async () => {
    const disk = new MemoryDisk();
    const store = await DurableStore.open(options(disk));
    const syncsBefore = disk.counts.sync;
    await Promise.all(Array.from({ length: 100 }, (_, at) => store.run(put(`k${at}`, 'x'))));
    expect(disk.counts.sync - syncsBefore).toBeLessThanOrEqual(2);
    expect((await store.run(read)).size).toBe(100);
    await store.close();
  });

  it('answers a read only when what it has seen is on disk', async () => {
    let held: (() => void)[] = [];
    let holding = false;
    const disk = new MemoryDisk({
      delay: (operation) =>
        holding && operation === 'sync' ? new Promise((resolve) => held.push(resolve)) : Promise.resolve(),
    });
    const store = await DurableStore.open(options(disk));
    holding = true;
    const order: string[] = [];
    const written = store.run(put('a', '1')).then(() => order.push('written'));
    const seen = store.run(read).then((state) => order.push(`read ${state.get('a')}`));
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    await settle();
    expect(order).toEqual([]);
    expect(store.durableRevision).toBe(1);
    holding = false;
    for (const release of held) release();
    held = [];
    await Promise.all([written, seen]);
    expect(order).toEqual(['written', 'read 1']);
    expect(store.durableRevision).toBe(2);
    await store.close();
  });

  describe.each(['kill', 'crash'] as const)('%s at any operation', (death) => {
    it.each(Array.from({ length: 40 }, (_, at) => at + 1))(
      'seed %i: keeps all that was acknowledged or read',
      async (seed) => {
        const random = new SeededRandom(seed);
        let operations = 0;
        let diesAt = 0;
        const disk: MemoryDisk = new MemoryDisk({
          random,
          delay: async () => {
            if (++operations === diesAt) disk[death]();
          },
        });
        let acknowledged = 1;
        const submitted = new Map<number, [key: string, value: string]>();
        for (let life = 0; life < 4; life++) {
          diesAt = 0;
          const store = await DurableStore.open(
            options(disk, new ManualClock(), { retainedChanges: 8, logBytesMax: 600 }),
          );
          expect(store.machine.revision).toBeGreaterThanOrEqual(acknowledged);
          const expected = new Map<string, string>();
          for (let revision = 2; revision <= store.machine.revision; revision++)
            expected.set(...submitted.get(revision)!);
          expect(await store.run(read)).toEqual(expected);
          for (const revision of [...submitted.keys()])
            if (revision > store.machine.revision) submitted.delete(revision);
          diesAt = operations + 1 + random.below(60);
          const running = Array.from({ length: 6 }, async (_, worker) => {
            for (let round = 0; round < 20; round++) {
              const [key, value] = [`k${random.below(5)}`, `${life}-${worker}-${round}`];
              const revision = await store.run((machine) => {
                const done = put(key, value)(machine);
                submitted.set(done.result, [key, value]);
                return done;
              });
              acknowledged = Math.max(acknowledged, revision);
              const seen = await store.run((machine) => ({ result: machine.revision, records: [] }));
              acknowledged = Math.max(acknowledged, seen);
            }
          });
          await Promise.allSettled(running);
          disk[death]();
          await store.close().catch(() => undefined);
        }
      },
    );
  });

  it('cuts an unfinished write off the end of its log', async () => {
    const disk = new MemoryDisk();
    const store = await DurableStore.open(options(disk));
    await store.run(put('a', '1'));
    disk.failNext('write', { errno: 'EIO', writtenBytes: 30 });
    await expect(store.run(put('a', '2'))).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    expect((await store.failed).message).toContain('log-0000000001');
    await store.close();
    const again = await DurableStore.open(options(disk));
    expect(await again.run(read)).toEqual(new Map([['a', '1']]));
    await again.run(put('a', '3'));
    await again.close();
    const third = await DurableStore.open(options(disk));
    expect(await third.run(read)).toEqual(new Map([['a', '3']]));
    await third.close();
  });

  it('a failed fsync: nothing that waited is answered, and nothing more is taken', async () => {
    const disk = new MemoryDisk();
    const store = await DurableStore.open(options(disk));
    disk.failNext('sync', { errno: 'EIO' });
    const outcomes = await Promise.allSettled([store.run(put('a', '1')), store.run(put('b', '1')), store.run(read)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(store.run(read)).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    await store.close();
  });

  it.each([
    ['in the middle of a log', 'log-0000000001', 50],
    ['in the header of a log', 'log-0000000001', 3],
  ])('damage %s: refuses to start, and says where and what to do', async (_name, file, at) => {
    const disk = new MemoryDisk();
    const store = await DurableStore.open(options(disk));
    for (let round = 0; round < 5; round++) await store.run(put('a', `${round}`));
    await store.close();
    const log = await disk.open(`/store/${file}`, 'read-write');
    await log.write([Uint8Array.of(0xff, 0xff)], at);
    await log.close();
    await expect(DurableStore.open(options(disk))).rejects.toThrow(
      new RegExp(`/store/${file} .*(Restore the directory from a backup|move it away)`),
    );
  });

  it('a log that belongs to another store, or a missing one: refuses to start', async () => {
    const disk = new MemoryDisk();
    const fill = async (dir: string, storeId: string) => {
      const store = await DurableStore.open(options(disk, undefined, { dir, newStoreId: storeId, logBytesMax: 200 }));
      for (let round = 0; round < 20; round++) await store.run(put('a', `${round}`));
      await store.close();
    };
    await fill('/store', '1111111111111111');
    await fill('/other', '2222222222222222');
    const [log] = (await disk.list('/store')).filter((name) => name.startsWith('log-')).slice(-1);
    await disk.rename(`/other/${log}`, `/store/${log}`);
    await expect(DurableStore.open(options(disk))).rejects.toThrow('belongs to another store');
    await disk.removeFile(`/store/${log}`);
    await expect(DurableStore.open(options(disk))).rejects.toThrow(`${log} is missing`);
  });

  it('replaces a long log by a snapshot, forgets old revisions, and stays small', async () => {
    const disk = new MemoryDisk();
    const store = await DurableStore.open(options(disk, undefined, { retainedChanges: 20, logBytesMax: 2_000 }));
    for (let round = 0; round < 500; round++) await store.run(put(`k${round % 7}`, `${round}`));
    expect(store.machine.compactRevision).toBeGreaterThan(450);
    expect(store.machine.history.changeCount).toBeLessThanOrEqual(40);
    await store.close();
    const names = (await disk.list('/store')).filter((name) => name !== 'lock');
    expect(names).toHaveLength(2);
    const again = await DurableStore.open(options(disk, undefined, { retainedChanges: 20, logBytesMax: 2_000 }));
    expect(again.machine.revision).toBe(501);
    expect((await again.run(read)).get('k2')).toBe('499');
    await again.close();
  });

  it('leases expire by the clock, and have their full TTL again after a restart', async () => {
    const disk = new MemoryDisk();
    const clock = new ManualClock();
    const first = await DurableStore.open(options(disk, clock));
    await first.run(grant('5', 2_000));
    await first.run(put('a', '1', '5'));
    clock.advance(1_900);
    await first.close();
    const second = await DurableStore.open(options(disk, clock));
    for (let passed = 0; passed < 1_900; passed += 100) clock.advance(100);
    expect((await second.run(read)).size).toBe(1);
    clock.advance(400);
    expect(await second.run(read)).toEqual(new Map());
    expect([...second.machine.leases()]).toEqual([]);
    await second.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('stood still itself: gives every lease its full TTL, as keep-alives wait unread', async () => {
    const disk = new MemoryDisk();
    const clock = new ManualClock();
    let skipped = 0;
    const standing: Clock = {
      wall: () => clock.wall(),
      now: () => clock.now() + skipped,
      after: (delayMs, callback) => clock.after(delayMs, callback),
      sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
    };
    const store = await DurableStore.open(options(disk, standing));
    await store.run(grant('5', 2_000));
    await store.run(put('a', '1', '5'));
    skipped = 8_000;
    clock.advance(1_000);
    expect((await store.run(read)).size).toBe(1);
    clock.advance(2_500);
    expect((await store.run(read)).size).toBe(0);
    await store.close();
  });

  it('a directory in use: the second one is refused', async () => {
    const disk = new MemoryDisk();
    const store = await DurableStore.open(options(disk));
    await expect(DurableStore.open(options(disk))).rejects.toMatchObject({
      code: 'KAFKA_STORAGE_ERROR',
      errno: 'EBUSY',
    });
    await store.close();
  });
});
