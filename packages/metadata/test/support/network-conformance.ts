import { nodeClock, silentLogger } from '@ottla/runtime';
import { EtcdStore, StoreUnavailableError } from '../../src';
import { Recorder } from './recorder';
import { TcpProxy } from './tcp-proxy';

export interface Server {
  /** `host:port` of a store that stays what it is. */
  readonly endpoint: string;
  /** Forgets the history below a revision. */
  compact(revision: number): Promise<void>;
  /** Another store, with a history of its own. */
  startAnother(): Promise<{ readonly endpoint: string; stop(): Promise<void> }>;
}

const REQUEST_TIMEOUT_MS = 1_500;
const bytes = (value: string) => Buffer.from(value);
let spaces = 0;

export function connect(...endpoints: string[]): EtcdStore {
  return new EtcdStore({ endpoints, clock: nodeClock, logger: silentLogger, requestTimeoutMs: REQUEST_TIMEOUT_MS });
}

/** What a backend reached over a network does when the network fails it. */
export function networkConformance(server: () => Server): void {
  // Generous: a test may have to share its processor with others.
  jest.setTimeout(60_000);

  /** Past the proxy, with time enough. */
  let direct: EtcdStore;
  let store: EtcdStore;
  let proxy: TcpProxy;
  let prefix: string;

  beforeEach(async () => {
    prefix = `/network/${++spaces}/`;
    proxy = await TcpProxy.start(server().endpoint);
    direct = new EtcdStore({ endpoints: [server().endpoint], clock: nodeClock, logger: silentLogger });
    store = connect(proxy.endpoint);
  });

  afterEach(async () => {
    await store.close();
    await direct.close();
    await proxy.close();
  });

  const put = async (name: string, value: string, to = direct) =>
    (await to.txn({ compare: [], success: [{ type: 'put', key: `${prefix}${name}`, value: bytes(value) }] })).revision;

  it('watch: a long catch-up cut midway delivers every revision once, in order', async () => {
    const count = 3_000;
    const revisions: number[] = [];
    const value = 'x'.repeat(150);
    let next = 0;
    const writer = async () => {
      while (next < count) revisions.push(await put(`k/${next++ % 50}`, value));
    };
    await Promise.all(Array.from({ length: 64 }, writer));
    revisions.sort((a, b) => a - b);
    await store.get(prefix);
    const acceptedBefore = proxy.accepted;
    proxy.cutAfter(300_000);
    const seen = new Recorder();
    store.watch(prefix, revisions[0]!, seen);
    await seen.until((recorder) => recorder.revisions.at(-1)?.revision === revisions.at(-1));
    expect(proxy.accepted).toBeGreaterThan(acceptedBefore + 1);
    expect(seen.revisions.map(({ revision }) => revision)).toEqual(revisions);
  });

  it('watch: goes on after each reset of the connection', async () => {
    const first = await put('a', '0');
    const seen = new Recorder();
    store.watch(prefix, first, seen);
    await seen.until(({ revisions }) => revisions.length === 1);
    for (let round = 1; round <= 3; round++) {
      proxy.cut();
      await put('a', String(round));
      await seen.until(({ revisions }) => revisions.length === round + 1);
    }
    expect(seen.summary.map(([revision]) => revision)).toEqual([first, first + 1, first + 2, first + 3]);
  });

  it('watch: gives up a connection that carries nothing any more, and delivers what it missed on another', async () => {
    const first = await put('a', '0');
    const seen = new Recorder();
    store.watch(prefix, first, seen);
    await seen.until(({ revisions }) => revisions.length === 1);
    proxy.setMode('stall');
    const second = await put('a', '1');
    await proxy.nextConnection();
    proxy.setMode('pass');
    await seen.until(({ revisions }) => revisions.length === 2);
    expect(seen.summary.at(-1)).toEqual([second, [`${prefix}a`]]);
  });

  it('watch: is told of a compaction that happened while it was disconnected', async () => {
    const first = await put('a', '0');
    const seen = new Recorder();
    store.watch(prefix, first, seen);
    await seen.until(({ revisions }) => revisions.length === 1);
    proxy.setMode('refuse');
    proxy.cut();
    await put('a', '1');
    const last = await put('a', '2');
    await server().compact(last);
    proxy.setMode('pass');
    await seen.until(({ compacted }) => compacted !== null);
    expect(seen.compacted).toBe(last);
    expect(seen.revisions).toHaveLength(1);
  });

  it('transaction whose answer is lost: reports that it may have been carried out, and it was', async () => {
    await put('a', '0', store);
    proxy.setMode('lose-answers');
    const lost = await put('a', '1', store).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(StoreUnavailableError);
    expect(lost).toMatchObject({ maybeApplied: true, retriable: true });
    expect(Buffer.from((await direct.get(`${prefix}a`)).kv!.value).toString()).toBe('1');
    proxy.setMode('pass');
    proxy.cut();
    await put('a', '2', store);
  });

  it('transaction that can reach nobody: ends by its deadline, surely not carried out', async () => {
    await proxy.close();
    const failed = await put('a', '1', store).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(StoreUnavailableError);
    expect(failed).toMatchObject({
      maybeApplied: false,
      message: expect.stringContaining('127.0.0.1'),
    });
    expect((await direct.get(`${prefix}a`)).kv).toBeNull();
    proxy = await TcpProxy.start(server().endpoint);
  });

  it('reads and keep-alives survive a lost connection', async () => {
    const lease = await store.grantLease(30_000);
    await put('a', '1', store);
    for (let round = 0; round < 3; round++) {
      proxy.cut();
      expect((await store.get(`${prefix}a`)).kv).not.toBeNull();
      expect(await store.keepAlive(lease.id)).toEqual({ ttlMs: lease.ttlMs });
    }
    await store.revokeLease(lease.id);
  });

  it('goes on with the next endpoint when one is gone', async () => {
    await store.close();
    store = connect(proxy.endpoint, server().endpoint);
    const first = await put('a', '0', store);
    const seen = new Recorder();
    store.watch(prefix, first, seen);
    await seen.until(({ revisions }) => revisions.length === 1);
    proxy.setMode('refuse');
    proxy.cut();
    await store.get(prefix);
    await put('a', '1', store);
    await seen.until(({ revisions }) => revisions.length === 2);
  });

  describe('another history', () => {
    let here: Awaited<ReturnType<Server['startAnother']>>;
    let there: typeof here;
    let seen: Recorder;
    let first: number;

    /** Watches one store, then finds itself at the other. */
    beforeEach(async () => {
      [here, there] = await Promise.all([server().startAnother(), server().startAnother()]);
      proxy.redirect(here.endpoint);
      for (let round = 0; round < 5; round++) first = await put('a', `here ${round}`, store);
      seen = new Recorder();
      store.watch(prefix, first, seen);
      await seen.until(({ revisions }) => revisions.length === 1);
    });

    afterEach(() => Promise.all([here.stop(), there.stop()]));

    it('shorter than the known one: is reported to the watch', async () => {
      proxy.redirect(there.endpoint);
      await seen.until(({ historyChanged }) => historyChanged !== null);
      expect(seen.historyChanged).toBe(`the store is at revision 1, this process has seen ${first}`);
    });

    it('that has overtaken the known one: is told by a key that differs', async () => {
      const other = connect(there.endpoint);
      for (let revision = 0; revision <= first; ) revision = await put('a', 'there', other);
      await other.close();
      proxy.redirect(there.endpoint);
      await seen.until(({ historyChanged }) => historyChanged !== null);
      expect(seen.historyChanged).toBe(`${prefix}a is not what it was at revision ${first}`);
    });

    it('seen by a call first: is reported to the watch all the same', async () => {
      const quiet = new Recorder();
      store.watch(`${prefix}elsewhere/`, first + 1, quiet);
      proxy.redirect(there.endpoint);
      await store.get(prefix);
      await quiet.until(({ historyChanged }) => historyChanged !== null);
    });
  });
}
