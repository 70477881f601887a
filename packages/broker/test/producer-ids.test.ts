import { keysFor, type MetadataStore, producerIdsCodec, StoreUnavailableError } from '@ottla/metadata';
import { SeededRandom } from '@ottla/runtime';
import { ProducerIds } from '../src/producer-ids';
import { LogLines } from './support/fake-services';

const KEY = keysFor('c').producerIds();

/** One key with etcd's guards; `before` runs before each transaction is looked at, `after` before its answer leaves. */
class OneKeyStore implements Pick<MetadataStore, 'get' | 'txn'> {
  value: Uint8Array | null = null;
  modRevision = 0;
  txns = 0;
  before: () => void = () => {};
  after: () => void = () => {};

  get: MetadataStore['get'] = async (key) => {
    expect(key).toBe(KEY);
    if (this.value === null) return { revision: this.modRevision, kv: null };
    const { value, modRevision } = this;
    return { revision: modRevision, kv: { key, value, modRevision, createRevision: 1, version: 1, lease: '0' } };
  };

  txn: MetadataStore['txn'] = async ({ compare, success }) => {
    this.txns += 1;
    this.before();
    const guard = compare[0]!;
    const holds =
      compare.length === 1 && guard.target === 'mod' && 'equals' in guard && guard.equals === this.modRevision;
    if (holds) {
      const [put] = success;
      if (put?.type !== 'put') throw new Error('a put was expected');
      this.value = put.value;
      this.modRevision += 1;
    }
    this.after();
    return { succeeded: holds, revision: this.modRevision, reads: [] };
  };
}

function source(store: OneKeyStore, broker = 1) {
  const logger = new LogLines();
  const sleeps: number[] = [];
  const clock = { sleep: async (ms: number) => void sleeps.push(ms) } as never;
  const self = { broker, run: `run-${broker}` };
  const known = { below: 0 };
  const restored: string[] = [];
  return {
    logger,
    sleeps,
    known,
    restored,
    ids: new ProducerIds({
      ...{ store, clusterId: 'c', self, clock, random: new SeededRandom(broker), logger },
      knownBelow: () => known.below,
      onRestored: (reason) => restored.push(reason),
    }),
  };
}

const take = async (ids: ProducerIds, count: number): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, async () => (await ids.next()).producerId));

describe('ProducerIds', () => {
  it('2,500 ids at once: all different, from three blocks, taken one after the other', async () => {
    const store = new OneKeyStore();
    const ids = await take(source(store).ids, 2500);
    expect(new Set(ids).size).toBe(2500);
    expect([Math.min(...ids), Math.max(...ids)]).toEqual([0, 2499]);
    expect(store.txns).toBe(3);
    expect(producerIdsCodec.decode(store.value!, KEY)).toMatchObject({ nextProducerId: 3000, broker: 1, run: 'run-1' });
  });

  it('two brokers, and one that starts again: no id twice', async () => {
    const store = new OneKeyStore();
    const taken = [
      ...(await take(source(store, 1).ids, 10)),
      ...(await take(source(store, 2).ids, 10)),
      ...(await take(source(store, 1).ids, 10)),
    ];
    expect(new Set(taken).size).toBe(30);
  });

  it('another broker is faster: tries again from what it left', async () => {
    const store = new OneKeyStore();
    const other = source(store, 2);
    let raced = false;
    const theirs: Promise<unknown>[] = [];
    store.before = () => {
      if (raced) return;
      raced = true;
      store.value = producerIdsCodec.encode({ version: 1, nextProducerId: 7000, broker: 2, run: 'run-2' });
      store.modRevision += 1;
    };
    const { ids, sleeps } = source(store, 1);
    expect((await ids.next()).producerId).toBe(7000);
    expect(sleeps).toHaveLength(1);
    expect(theirs).toEqual([]);
    expect(await take(other.ids, 1)).toEqual([8000]);
  });

  it.each([
    ['was carried out', true, 1000],
    ['was not carried out', false, 0],
  ])('an answer that is lost, and the transaction %s: the block is not used on a guess', async (_, applied, first) => {
    const store = new OneKeyStore();
    const lose = () => {
      store.before = store.after = () => {};
      throw new StoreUnavailableError('no answer', true);
    };
    if (applied) store.after = lose;
    else store.before = lose;
    const { ids, logger } = source(store);
    expect((await ids.next()).producerId).toBe(first);
    expect(logger.matching(/producer ids from 0 are abandoned/)).toHaveLength(1);
  });

  it('a store that is away: rejects with its retriable error, and works again afterwards', async () => {
    const store = new OneKeyStore();
    store.before = () => {
      throw new StoreUnavailableError('no answer', false);
    };
    const { ids } = source(store);
    await expect(ids.next()).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT', retriable: true });
    store.before = () => {};
    expect((await ids.next()).producerId).toBe(0);
  });

  it('others always faster: gives up with a retriable error', async () => {
    const store = new OneKeyStore();
    store.before = () => {
      store.modRevision += 1;
    };
    await expect(source(store).ids.next()).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' });
    expect(store.txns).toBe(10);
  });

  it('fields of a later version: are kept', async () => {
    const store = new OneKeyStore();
    const stored = { version: 1, nextProducerId: 5, broker: 3, run: 'r', later: 'kept' };
    store.value = new TextEncoder().encode(JSON.stringify(stored));
    store.modRevision = 4;
    expect((await source(store).ids.next()).producerId).toBe(5);
    expect(JSON.parse(new TextDecoder().decode(store.value))).toMatchObject({ nextProducerId: 1005, later: 'kept' });
  });

  it('a store that would give out ids again was restored from a backup: none is taken, and it is told', async () => {
    const store = new OneKeyStore();
    const first = source(store);
    await take(first.ids, 1);
    const second = source(store, 2);
    second.known.below = 5_000;
    await expect(second.ids.next()).rejects.toMatchObject({ retriable: true });
    expect(second.restored[0]).toMatch(/gives out producer ids from 1000, and 4999 was given out before/);
    expect(store.txns).toBe(1);
    second.known.below = 1_000;
    expect(await take(second.ids, 1)).toEqual([1_000]);
  });
});
