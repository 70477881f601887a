import { type ImageListener, ImageTracker, MemoryStore } from '@ottla/metadata';
import { ManualClock, SeededRandom, silentLogger } from '@ottla/runtime';
import { ClusterMember } from '../src/host/cluster-member';
import { KEYS } from './controller-fixtures';
import { CLUSTER, DEFAULTS, registration } from './fixtures';

const settle = () => new Promise((resolve) => setImmediate(resolve));

it('a store restored from another past: the member trusts nothing that it wrote, and begins anew in its run', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock });
  const tracker = new ImageTracker({ store, clusterId: CLUSTER, clock, logger: silentLogger });
  await tracker.start();
  const listeners: ImageListener[] = [];
  const view = {
    get image() {
      return tracker.image;
    },
    store,
    unguardedStore: store,
    exceededGeneration: null,
    suspend: () => {},
    onChange: (listener: ImageListener) => {
      listeners.push(listener);
      return tracker.onChange(listener);
    },
    waitFor: tracker.waitFor.bind(tracker),
  };
  const member = new ClusterMember({
    clusterId: CLUSTER,
    self: { broker: 1, run: 'run-1' },
    view,
    network: {
      openSession: () => {
        throw new Error('there is no other broker');
      },
      probe: async () => 'refused',
    },
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    defaults: DEFAULTS,
    onSuperseded: () => {},
  });
  const { logIds, rack, kafka, grpc, peer, startedAt } = registration(1);
  const starting = member.start({ logIds, rack, kafka, grpc, peer, startedAt });
  await settle();
  await starting;
  clock.advance(10);
  await settle();
  expect(member.isController).toBe(true);
  const before = (await store.get(KEYS.broker(1))).kv!;

  const revision = tracker.image.revision;
  const nothing = { generation: false, controller: false, producerIds: false, brokers: [], topics: [], partitions: [] };
  const delta = {
    fromRevision: revision,
    toRevision: revision,
    ...nothing,
    deletions: [],
    configs: [],
    historyChanged: true,
  };
  for (const listener of listeners) listener(tracker.image, delta);
  expect(member.isController).toBe(false);
  for (let passed = 0; passed < 1_000; passed += 50) {
    clock.advance(50);
    await settle();
  }
  const after = (await store.get(KEYS.broker(1))).kv!;
  expect(after.lease).not.toBe(before.lease);
  expect(after.createRevision).toBeGreaterThan(before.createRevision);
  expect(member.isController).toBe(true);

  await member.close();
  tracker.close();
  await store.close();
  expect(clock.pendingTimers).toBe(0);
});
