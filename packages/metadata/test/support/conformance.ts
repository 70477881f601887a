import { LeaseNotFoundError, type MetadataStore, type Op, StoreLimitError } from '../../src';
import { Recorder } from './recorder';

export interface Backend {
  readonly store: MetadataStore;
  /** A lease of so many ms expires soon; the store may raise it. */
  readonly shortTtlMs: number;
  compact(revision: number): Promise<void>;
}

const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : Buffer.from(value).toString());
const bytes = (value: string) => Buffer.from(value);

let spaces = 0;

/** What every backend does. `backend` gives the one that the surrounding describe has started. */
export function conformance(backend: () => Backend): void {
  let store: MetadataStore;
  let prefix: string;
  const key = (name: string) => `${prefix}${name}`;
  const put = (name: string, value: string, lease?: string): Op => {
    const op = { type: 'put' as const, key: key(name), value: bytes(value) };
    return lease === undefined ? op : { ...op, lease };
  };
  const write = async (...ops: Op[]) => (await store.txn({ compare: [], success: ops })).revision;

  // Generous: a test may have to share its processor with others.
  jest.setTimeout(30_000);

  beforeEach(() => {
    store = backend().store;
    prefix = `/conformance/${++spaces}/`;
  });

  describe('transactions', () => {
    it('creates a key only where none is: create revision 0 holds once', async () => {
      const claim = (value: string) =>
        store.txn({
          compare: [{ key: key('claim'), target: 'create', equals: 0 }],
          success: [put('claim', value)],
          failure: [{ type: 'get', key: key('claim') }],
        });
      const first = await claim('one');
      const second = await claim('two');
      expect(first).toMatchObject({ succeeded: true, reads: [] });
      expect(second.succeeded).toBe(false);
      expect(second.revision).toBe(first.revision);
      expect(text(second.reads[0]?.[0]?.value)).toBe('one');
      expect(second.reads[0]?.[0]).toMatchObject({
        createRevision: first.revision,
        modRevision: first.revision,
        version: 1,
        lease: '0',
      });
    });

    it('keeps the create revision of a key that is put over, and starts anew once it was deleted', async () => {
      const created = await write(put('a', '1'));
      const changed = await write(put('a', '2'));
      expect((await store.get(key('a'))).kv).toMatchObject({
        createRevision: created,
        modRevision: changed,
        version: 2,
      });
      await write({ type: 'delete', key: key('a') });
      expect((await store.get(key('a'))).kv).toBeNull();
      const again = await write(put('a', '3'));
      expect((await store.get(key('a'))).kv).toMatchObject({ createRevision: again, modRevision: again, version: 1 });
    });

    it.each([
      [
        'mod equal to an older revision',
        (revision: number) => ({ target: 'mod' as const, equals: revision - 1 }),
        false,
      ],
      ['mod equal', (revision: number) => ({ target: 'mod' as const, equals: revision }), true],
      ['mod less', (revision: number) => ({ target: 'mod' as const, less: revision + 1 }), true],
      ['mod greater', (revision: number) => ({ target: 'mod' as const, greater: revision }), false],
      ['create greater than 0', () => ({ target: 'create' as const, greater: 0 }), true],
      ['version equal', () => ({ target: 'version' as const, equals: 1 }), true],
      ['value equal', () => ({ target: 'value' as const, equals: bytes('1') }), true],
      ['another value', () => ({ target: 'value' as const, equals: bytes('2') }), false],
    ])('compares: %s', async (_name, guard, holds) => {
      const revision = await write(put('a', '1'));
      const { succeeded } = await store.txn({ compare: [{ key: key('a'), ...guard(revision) }], success: [] });
      expect(succeeded).toBe(holds);
    });

    it('compares the value of an absent key: never holds', async () => {
      const absent = { key: key('absent'), target: 'value' as const, equals: new Uint8Array() };
      expect((await store.txn({ compare: [absent], success: [] })).succeeded).toBe(false);
    });

    it('carries all operations out as one revision, and reads in order', async () => {
      await write(put('dir/a', '1'), put('dir/b', '2'), put('other', '3'));
      const result = await store.txn({
        compare: [],
        success: [
          { type: 'get', key: key('other') },
          put('dir/c', '4'),
          { type: 'delete', key: key('dir/a') },
          { type: 'get-prefix', prefix: key('dir/') },
          { type: 'get', key: key('absent') },
        ],
      });
      expect(result.reads.map((kvs) => kvs.map((kv) => kv.key))).toEqual([
        [key('other')],
        [key('dir/b'), key('dir/c')],
        [],
      ]);
      const { entries } = await store.snapshot(prefix);
      expect(entries.map((kv) => [kv.key, kv.modRevision])).toEqual([
        [key('dir/b'), result.revision - 1],
        [key('dir/c'), result.revision],
        [key('other'), result.revision - 1],
      ]);
    });

    it('deletes a prefix as one revision, and nothing beside it', async () => {
      await write(put('dir/a', '1'), put('dir/b', '2'), put('dir', '3'), put('dir0', '4'));
      await write({ type: 'delete-prefix', prefix: key('dir/') });
      const { entries } = await store.snapshot(prefix);
      expect(entries.map((kv) => kv.key)).toEqual([key('dir'), key('dir0')]);
    });

    it('makes no revision when nothing changes', async () => {
      const revision = await write(put('a', '1'));
      expect(await write({ type: 'delete', key: key('absent') })).toBe(revision);
      expect((await store.txn({ compare: [], success: [{ type: 'get', key: key('a') }] })).revision).toBe(revision);
    });

    it('refuses more than 128 operations, and does 128', async () => {
      const puts = (count: number) => Array.from({ length: count }, (_, at) => put(`n/${at}`, 'x'));
      await expect(write(...puts(129))).rejects.toThrow(StoreLimitError);
      await write(...puts(128));
      expect((await store.snapshot(key('n/'))).entries).toHaveLength(128);
    });

    it('refuses a request over 1.5 MB, and does one just below', async () => {
      const large = (size: number): Op => ({ type: 'put', key: key('large'), value: Buffer.alloc(size, 1) });
      await expect(write(large(1_600_000))).rejects.toThrow(StoreLimitError);
      expect((await store.get(key('large'))).kv).toBeNull();
      await write(large(1_500_000));
      expect((await store.get(key('large'))).kv?.value).toHaveLength(1_500_000);
    });

    it('refuses to put a key twice, and does nothing', async () => {
      await expect(write(put('a', '1'), put('a', '2'))).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
      expect((await store.get(key('a'))).kv).toBeNull();
    });

    it('keeps keys and values that are not ASCII', async () => {
      const value = Uint8Array.from({ length: 256 }, (_, at) => at);
      await write({ type: 'put', key: key('tübingen/𝄞'), value });
      const { entries } = await store.snapshot(key('tü'));
      expect(entries.map((kv) => [kv.key, [...kv.value]])).toEqual([[key('tübingen/𝄞'), [...value]]]);
    });
  });

  describe('leases', () => {
    it('expires without keep-alives: its keys go as one revision; then there is nothing to keep alive', async () => {
      const lease = await store.grantLease(backend().shortTtlMs);
      expect(lease.ttlMs).toBeGreaterThanOrEqual(backend().shortTtlMs);
      const other = await store.grantLease(60_000);
      const revision = await write(put('a', '1', lease.id), put('b', '2', lease.id), put('c', '3', other.id));
      expect((await store.get(key('a'))).kv?.lease).toBe(lease.id);
      const seen = new Recorder();
      const watch = store.watch(prefix, revision + 1, seen);
      await seen.until(({ revisions }) => revisions.length > 0);
      watch.close();
      expect(seen.summary).toEqual([[revision + 1, [`-${key('a')}`, `-${key('b')}`]]]);
      await expect(store.keepAlive(lease.id)).rejects.toThrow(LeaseNotFoundError);
      await expect(write(put('d', '4', lease.id))).rejects.toThrow(LeaseNotFoundError);
      await store.revokeLease(other.id);
      expect((await store.snapshot(prefix)).entries).toEqual([]);
    });

    it('revokes once, and deletes what goes with it', async () => {
      const lease = await store.grantLease(60_000);
      const revision = await write(put('a', '1', lease.id), put('b', '2'));
      expect(await store.keepAlive(lease.id)).toEqual({ ttlMs: lease.ttlMs });
      await store.revokeLease(lease.id);
      const { entries } = await store.snapshot(prefix);
      expect(entries.map((kv) => kv.key)).toEqual([key('b')]);
      expect((await store.get(key('a'))).revision).toBe(revision + 1);
      await expect(store.revokeLease(lease.id)).rejects.toThrow(LeaseNotFoundError);
    });

    it('lets go of a key that is put without it', async () => {
      const lease = await store.grantLease(60_000);
      await write(put('a', '1', lease.id));
      await write(put('a', '2'));
      await store.revokeLease(lease.id);
      expect(text((await store.get(key('a'))).kv?.value)).toBe('2');
    });
  });

  describe('watches', () => {
    it('delivers from an old revision on, each revision whole, then what comes', async () => {
      const first = await write(put('a', '1'), put('b', '1'));
      await write({ type: 'put', key: `/conformance/elsewhere/${spaces}`, value: bytes('x') });
      await write(put('a', '2'));
      const seen = new Recorder();
      const watch = store.watch(prefix, first, seen);
      await seen.until(({ revisions }) => revisions.length === 2);
      await write({ type: 'delete', key: key('b') }, put('c', '3'));
      await seen.until(({ revisions }) => revisions.length === 3);
      watch.close();
      expect(seen.summary).toEqual([
        [first, [key('a'), key('b')]],
        [first + 2, [key('a')]],
        [first + 3, [`-${key('b')}`, key('c')]],
      ]);
      const [event] = seen.revisions[1]!.events;
      expect(event).toMatchObject({ kv: { createRevision: first, modRevision: first + 2, version: 2 } });
    });

    it('is told of a compaction beyond what it needs', async () => {
      const first = await write(put('a', '1'));
      const last = await write(put('a', '2'));
      await backend().compact(last);
      const seen = new Recorder();
      const late = new Recorder();
      const watches = [store.watch(prefix, first, seen), store.watch(prefix, last + 1, late)];
      await seen.until(({ compacted }) => compacted !== null);
      expect(seen.compacted).toBe(last);
      expect(seen.revisions).toEqual([]);
      await write(put('a', '3'));
      await late.until(({ revisions }) => revisions.length === 1);
      expect(late.compacted).toBeNull();
      for (const watch of watches) watch.close();
    });

    it('stops when it is closed, also from within', async () => {
      const first = await write(put('a', '1'));
      await write(put('a', '2'));
      const seen = new Recorder();
      const watch = store.watch(prefix, first, {
        onRevision: (revision, events) => {
          seen.onRevision(revision, events);
          watch.close();
        },
        onCompacted: () => undefined,
      });
      await seen.until(({ revisions }) => revisions.length === 1);
      const other = new Recorder();
      const second = store.watch(prefix, first, other);
      await write(put('a', '3'));
      await other.until(({ revisions }) => revisions.length === 3);
      second.close();
      expect(seen.revisions).toHaveLength(1);
    });
  });

  describe('snapshots', () => {
    it('reads many pages as of one revision while others write', async () => {
      const keys = Array.from({ length: 60 }, (_, at) => `k/${String(at).padStart(2, '0')}`);
      const history = new Map<number, Map<string, string>>();
      const state = new Map<string, string>();
      const change = async (name: string, value: string) => {
        const revision = await write(put(name, value));
        state.set(key(name), value);
        history.set(revision, new Map(state));
      };
      for (const name of keys) state.set(key(name), 'initial');
      history.set(await write(...keys.map((name) => put(name, 'initial'))), new Map(state));
      let writing = true;
      const writer = (async () => {
        for (let round = 0; writing; round++) await change(keys[round % keys.length]!, `${round}`);
      })();
      const snapshots = [];
      for (let round = 0; round < 5; round++) snapshots.push(await store.snapshot(prefix, { pageSize: 7 }));
      writing = false;
      await writer;
      for (const { revision, entries } of snapshots) {
        expect(new Map(entries.map((kv) => [kv.key, text(kv.value)!]))).toEqual(history.get(revision));
      }
    });
  });
}
