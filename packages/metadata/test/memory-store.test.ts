import { ManualClock, nodeClock } from '@ottla/runtime';
import { MemoryStore } from '../src';
import { type Backend, conformance } from './support/conformance';
import { Recorder } from './support/recorder';

describe('memory store', () => {
  let store: MemoryStore;

  beforeEach(() => {
    store = new MemoryStore({ clock: nodeClock });
  });

  afterEach(() => store.close());

  conformance((): Backend => ({ store, shortTtlMs: 50, compact: (revision) => store.compact(revision) }));
});

describe('memory store on a clock that is moved by hand', () => {
  it('expires leases to the millisecond, the longest overdue first, and leaves no timer behind', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore({ clock });
    const late = await store.grantLease(2_000);
    const early = await store.grantLease(1_000);
    const put = (key: string, lease: string) =>
      store.txn({ compare: [], success: [{ type: 'put', key, value: new Uint8Array(), lease }] });
    await put('/late', late.id);
    await put('/early', early.id);
    const seen = new Recorder();
    store.watch('/', 4, seen);
    clock.advance(999);
    expect((await store.snapshot('/')).entries).toHaveLength(2);
    await store.keepAlive(late.id);
    clock.advance(1);
    expect((await store.snapshot('/')).entries.map((kv) => kv.key)).toEqual(['/late']);
    clock.advance(1_998);
    expect((await store.snapshot('/')).entries).toHaveLength(1);
    clock.advance(1);
    await seen.until(({ revisions }) => revisions.length === 2);
    expect(seen.summary).toEqual([
      [4, ['-/early']],
      [5, ['-/late']],
    ]);
    await store.grantLease(1_000);
    await store.close();
    expect(clock.pendingTimers).toBe(0);
    await expect(store.get('/late')).rejects.toThrow('closed');
  });
});
