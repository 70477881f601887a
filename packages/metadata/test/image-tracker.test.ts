import { type Logger, ManualClock, nodeClock, silentLogger } from '@ottla/runtime';
import fc from 'fast-check';
import {
  brokerRegistrationCodec,
  type ClusterImage,
  controllerClaimCodec,
  generationCodec,
  type ImageDelta,
  ImageTracker,
  keysFor,
  MemoryStore,
  type MetadataStore,
  type Op,
  partitionRecordCodec,
  StoreHistoryChangedError,
  StoreUnavailableError,
  topicRecordCodec,
} from '../src';
import { BreakableStore } from './support/breakable-store';

const keys = keysFor('test');
const settle = () => new Promise((resolve) => setImmediate(resolve));

const put = (key: string, value: Uint8Array): Op => ({ type: 'put', key, value });
const remove = (key: string): Op => ({ type: 'delete', key });
const topic = (name: string, topicId: string, partitions = 1) =>
  put(
    keys.topic(name),
    topicRecordCodec.encode({ version: 1, name, topicId, partitions, configs: {}, internal: false }),
  );
const partition = (topicId: string, number: number, leaderEpoch: number) =>
  put(
    keys.partition(topicId, number),
    partitionRecordCodec.encode({
      version: 1,
      replicas: [1, 2],
      adding: [],
      removing: [],
      leader: null,
      leaderEpoch,
      isr: [],
      elr: [],
      minIsr: 1,
      lastKnownLeader: null,
      unclean: false,
    }),
  );
const broker = (id: number, run: string) =>
  put(
    keys.broker(id),
    brokerRegistrationCodec.encode({
      version: 1,
      broker: id,
      run,
      logIds: [],
      state: 'active',
      rack: null,
      kafka: [],
      grpc: { host: 'h', port: 1 },
      peer: { host: 'h', port: 2 },
      startedAt: 0,
    }),
  );
const claim = (epoch: number) =>
  put(keys.controller(), controllerClaimCodec.encode({ version: 1, broker: 1, run: 'r', epoch }));
const generation = (number: number) =>
  put(keys.generation(), generationCodec.encode({ version: 1, clusterId: 'test', generation: number }));

const write = async (store: MetadataStore, ...success: Op[]) => (await store.txn({ compare: [], success })).revision;

function trackerOf(store: MetadataStore, clock = new ManualClock(), logger: Logger = silentLogger): ImageTracker {
  return new ImageTracker({ store, clusterId: 'test', clock, logger });
}

/** As plain data, to compare images made along different ways. */
function plain(image: ClusterImage): object {
  const sorted = (map: ReadonlyMap<string | number, unknown>) =>
    [...map].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return {
    ...image,
    brokers: sorted(image.brokers),
    topics: sorted(image.topics),
    topicNames: sorted(image.topicNames),
    partitions: sorted(image.partitions).map(([id, map]) => [id, sorted(map as ReadonlyMap<number, unknown>)]),
    deletions: sorted(image.deletions),
    configs: sorted(image.configs),
    unreadable: sorted(image.unreadable).map(([key]) => key),
  };
}

async function freshImage(store: MetadataStore): Promise<ClusterImage> {
  const tracker = trackerOf(store);
  await tracker.start();
  tracker.close();
  return tracker.image;
}

describe('image tracker', () => {
  let store: MemoryStore;
  let broken: BreakableStore;

  beforeEach(() => {
    store = new MemoryStore({ clock: new ManualClock() });
    broken = new BreakableStore(store);
  });

  it('starts with what the store holds, at its revision', async () => {
    const revision = await write(
      store,
      generation(1),
      claim(3),
      broker(1, 'r1'),
      topic('t', 'id-t'),
      partition('id-t', 0, 5),
    );
    const tracker = trackerOf(store);
    await tracker.start();
    const { image } = tracker;
    expect(image.revision).toBe(revision);
    expect(image.generation?.value.generation).toBe(1);
    expect(image.controller).toMatchObject({ value: { epoch: 3 }, createRevision: revision, modRevision: revision });
    expect(image.brokers.get(1)?.value.run).toBe('r1');
    expect(image.topics.get('t')?.value.topicId).toBe('id-t');
    expect(image.topicNames.get('id-t')).toBe('t');
    expect(image.partitions.get('id-t')?.get(0)?.value.leaderEpoch).toBe(5);
    tracker.close();
  });

  it('follows: tells what changed, and leaves what did not as it was', async () => {
    await write(store, topic('t', 'id-t'), partition('id-t', 0, 0), partition('id-u', 0, 0), broker(1, 'r1'));
    const tracker = trackerOf(store);
    await tracker.start();
    const before = tracker.image;
    const deltas: ImageDelta[] = [];
    tracker.onChange((_image, delta) => deltas.push(delta));
    await write(store, partition('id-t', 0, 1), partition('id-t', 1, 0), remove(keys.broker(1)), claim(1));
    await tracker.waitFor((image) => image.controller !== null, 1_000);
    expect(deltas).toEqual([
      {
        fromRevision: 2,
        toRevision: 3,
        generation: false,
        controller: true,
        producerIds: false,
        brokers: [1],
        topics: [],
        partitions: [
          ['id-t', 0],
          ['id-t', 1],
        ],
        deletions: [],
        configs: [],
        historyChanged: false,
      },
    ]);
    expect(tracker.image.partitions.get('id-u')).toBe(before.partitions.get('id-u'));
    expect(tracker.image.topics).toBe(before.topics);
    expect(before.brokers.has(1)).toBe(true);
    expect(tracker.image.brokers.has(1)).toBe(false);
    tracker.close();
  });

  it('a topic deleted and created again under its name: the name has the new id only', async () => {
    await write(store, topic('t', 'id-1'));
    const tracker = trackerOf(store);
    await tracker.start();
    await write(store, topic('t', 'id-2'));
    const image = await tracker.waitFor((one) => one.topicNames.has('id-2'), 1_000);
    expect([...image.topicNames]).toEqual([['id-2', 't']]);
    tracker.close();
  });

  const change: fc.Arbitrary<Op | 'break' | 'mend' | 'compact'> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(3), fc.nat(9))
        .map(([id, n, e]) => partition(id, n, e)),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(3)).map(([id, n]) => remove(keys.partition(id, n))),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(['t', 'a'] as const, ['t', 'b'] as const, ['u', 'c'] as const)
        .map(([name, id]) => topic(name, id)),
    },
    { weight: 1, arbitrary: fc.constantFrom('t', 'u').map((name) => remove(keys.topic(name))) },
    { weight: 2, arbitrary: fc.tuple(fc.nat(3), fc.constantFrom('r1', 'r2')).map(([id, run]) => broker(id, run)) },
    { weight: 1, arbitrary: fc.nat(3).map((id) => remove(keys.broker(id))) },
    { weight: 1, arbitrary: fc.constant(put(keys.broker(2), Buffer.from('{"version":2}'))) },
    { weight: 1, arbitrary: fc.constantFrom('break' as const, 'mend' as const, 'compact' as const) },
  );

  it('equals, at every revision it shows, what a snapshot at that revision gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(change, fc.boolean()), { maxLength: 40 }), async (changes) => {
        const memory = new MemoryStore({ clock: new ManualClock() });
        const faulty = new BreakableStore(memory);
        const tracker = trackerOf(faulty);
        await tracker.start();
        const expected = new Map([[1, plain(await freshImage(memory))]]);
        let shown = 0;
        tracker.onChange((image) => {
          shown++;
          expect(plain(image)).toEqual(expected.get(image.revision));
        });
        for (const [one, rests] of changes) {
          if (one === 'break') faulty.interrupt();
          else if (one === 'mend') faulty.resume();
          else if (one === 'compact') await memory.compact((await memory.get('x')).revision).catch(() => undefined);
          else {
            faulty.hold();
            const revision = await write(memory, one);
            expected.set(revision, plain(await freshImage(memory)));
            faulty.release();
          }
          if (rests) await settle();
        }
        faulty.resume();
        const { revision } = await memory.get('x');
        await settle();
        const last = await tracker.waitFor(revision, 1_000);
        expect(plain(last)).toEqual(expected.get(revision));
        if (revision > 1) expect(shown).toBeGreaterThan(0);
        tracker.close();
      }),
      { numRuns: 60 },
    );
  });

  it('after a compaction while it was cut off: one change, by the difference', async () => {
    await write(store, topic('t', 'id-t'), partition('id-t', 0, 0), partition('id-t', 1, 0), broker(1, 'r1'));
    const tracker = trackerOf(broken);
    await tracker.start();
    const deltas: ImageDelta[] = [];
    tracker.onChange((_image, delta) => deltas.push(delta));
    broken.interrupt();
    await write(store, partition('id-t', 0, 1));
    await write(store, remove(keys.broker(1)));
    const revision = await write(store, broker(2, 'r2'));
    await store.compact(revision);
    broken.resume();
    await tracker.waitFor(revision, 1_000);
    expect(deltas).toHaveLength(1);
    expect(deltas[0]).toMatchObject({ partitions: [['id-t', 0]], topics: [], historyChanged: false });
    expect(new Set(deltas[0]!.brokers)).toEqual(new Set([1, 2]));
    expect(tracker.suspended).toBeNull();
    tracker.close();
  });

  describe('another history', () => {
    const restore = async (ops: Op[][]) => {
      const other = new MemoryStore({ clock: new ManualClock() });
      for (const one of ops) await write(other, ...one);
      return other;
    };

    it.each([
      ['that is shorter', [[generation(1), topic('t', 'id-t')]]],
      [
        'that has overtaken',
        [[generation(1), topic('t', 'id-t')], [claim(1)], [claim(2)], [claim(3)], [claim(4)], [claim(5)]],
      ],
    ])('%s: suspends writes, shows the new state, and resumes in a higher generation', async (_name, ops) => {
      await write(store, generation(1), topic('t', 'id-t'));
      await write(store, topic('lost', 'id-lost'));
      await write(store, partition('id-lost', 0, 1));
      const tracker = trackerOf(broken);
      await tracker.start();
      const deltas: ImageDelta[] = [];
      tracker.onChange((_image, delta) => deltas.push(delta));
      const other = await restore(ops);
      broken.interrupt();
      broken.replace(other);
      await tracker.waitFor((image) => !image.topics.has('lost'), 1_000);
      expect(deltas[0]).toMatchObject({ historyChanged: true, topics: ['lost'] });
      expect(tracker.image.revision).toBe((await other.get('x')).revision);
      expect(tracker.suspended).toMatch(/writes wait for a generation above 1/);
      await expect(write(tracker.store, claim(9))).rejects.toThrow(StoreHistoryChangedError);
      await expect(write(tracker.store, claim(9))).rejects.toMatchObject({ maybeApplied: false, retriable: true });
      expect(await tracker.store.get(keys.generation())).toMatchObject({ kv: { version: 1 } });
      await write(other, generation(2));
      await tracker.waitFor((image) => image.generation?.value.generation === 2, 1_000);
      expect(tracker.suspended).toBeNull();
      await write(tracker.store, claim(9));
      expect((await tracker.waitFor((image) => image.controller?.value.epoch === 9, 1_000)).controller).not.toBeNull();
      tracker.close();
    });
  });

  it('a record of a later version: is absent, listed as unreadable, and comes back when it can be read', async () => {
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => errors.push(message) };
    await write(store, broker(1, 'r1'), broker(2, 'r2'));
    const tracker = trackerOf(store, new ManualClock(), logger);
    await tracker.start();
    await write(store, put(keys.broker(1), Buffer.from('{"version":7}')));
    const image = await tracker.waitFor((one) => one.unreadable.size > 0, 1_000);
    expect([...image.brokers.keys()]).toEqual([2]);
    expect(image.unreadable.get(keys.broker(1))).toMatchObject({ code: 'UNSUPPORTED_VERSION' });
    expect(errors).toEqual([expect.stringContaining('has version 7')]);
    await write(store, broker(1, 'r3'));
    const again = await tracker.waitFor((one) => one.unreadable.size === 0, 1_000);
    expect(again.brokers.get(1)?.value.run).toBe('r3');
    tracker.close();
  });

  describe('waiting', () => {
    it('for a revision that changed nothing of this cluster: a fresh snapshot shows that it is there', async () => {
      const clock = new ManualClock();
      const tracker = trackerOf(broken, clock);
      await tracker.start();
      broken.interrupt();
      const revision = await write(store, put('/elsewhere', Buffer.from('x')));
      const waiting = tracker.waitFor(revision, 5_000);
      clock.advance(1_000);
      expect((await waiting).revision).toBe(revision);
      tracker.close();
    });

    it('in vain: ends at its deadline, and says for what', async () => {
      const clock = new ManualClock();
      const tracker = trackerOf(store, clock);
      await tracker.start();
      const waiting = [tracker.waitFor(1_000, 500), tracker.waitFor(() => false, 700)];
      const outcomes = Promise.allSettled(waiting);
      clock.advance(700);
      expect(await outcomes).toEqual([
        expect.objectContaining({
          reason: expect.objectContaining({
            code: 'REQUEST_TIMED_OUT',
            message: expect.stringContaining('revision 1000'),
          }),
        }),
        expect.objectContaining({ reason: expect.objectContaining({ code: 'REQUEST_TIMED_OUT' }) }),
      ]);
      tracker.close();
      expect(clock.pendingTimers).toBe(0);
    });

    it('when it is closed: fails at once', async () => {
      const tracker = trackerOf(store);
      await tracker.start();
      const waiting = tracker.waitFor(1_000, 60_000);
      tracker.close();
      await expect(waiting).rejects.toThrow('closed');
      await expect(tracker.waitFor(1, 1)).rejects.toThrow('closed');
    });

    it('a predicate that throws: fails its own waiter', async () => {
      const tracker = trackerOf(store);
      await tracker.start();
      const waiting = tracker.waitFor((image) => {
        if (image.brokers.size > 0) throw new Error('not that');
        return false;
      }, 60_000);
      const other = tracker.waitFor((image) => image.brokers.size > 0, 1_000);
      await write(store, broker(1, 'r1'));
      await expect(waiting).rejects.toThrow('not that');
      await other;
      tracker.close();
    });
  });

  describe('starting', () => {
    it('while the store is out of reach: tries again', async () => {
      await write(store, broker(1, 'r1'));
      broken.unavailable = 3;
      const tracker = trackerOf(broken, nodeClock as unknown as ManualClock);
      await tracker.start(10_000);
      expect(tracker.image.brokers.size).toBe(1);
      tracker.close();
    });

    it('out of reach for too long: fails with the reason', async () => {
      const clock = new ManualClock();
      broken.unavailable = Number.POSITIVE_INFINITY;
      const tracker = trackerOf(broken, clock);
      const starting = expect(tracker.start(1_000)).rejects.toThrow(StoreUnavailableError);
      for (let passed = 0; passed < 1_000; passed += 200) {
        await settle();
        clock.advance(200);
      }
      await starting;
    });
  });

  it('10,000 partitions: an event costs little, whatever their number', async () => {
    for (let from = 0; from < 10_000; from += 100) {
      await write(
        store,
        ...Array.from({ length: 100 }, (_, at) =>
          partition(`id-${(from + at) % 2_500}`, Math.floor((from + at) / 2_500), 0),
        ),
      );
    }
    const tracker = trackerOf(store);
    await tracker.start();
    const before = tracker.image;
    const startedAt = process.cpuUsage().user;
    const changes = 2_000;
    for (let at = 0; at < changes; at++) await write(store, partition(`id-${at}`, 0, 1));
    const image = await tracker.waitFor(
      (one) => one.partitions.get(`id-${changes - 1}`)?.get(0)?.value.leaderEpoch === 1,
      1_000,
    );
    const cpuMs = (process.cpuUsage().user - startedAt) / 1_000;
    expect(image.partitions.get('id-2400')).toBe(before.partitions.get('id-2400'));
    // Copying 10,000 entries an event would take some ten times as long.
    expect(cpuMs / changes).toBeLessThan(0.5);
    tracker.close();
  });
});
