import { nodeClock } from '@ottla/runtime';
import { eventually } from '../support/eventually';
import { produce, ReplicaWorld } from '../support/replica-world';

const KIB = 1024;
const LEADER = 'leader.replication.throttled';
const FOLLOWER = 'follower.replication.throttled';

let world: ReplicaWorld;

beforeEach(async () => {
  world = new ReplicaWorld();
  await world.create();
});

afterEach(() => world.closeAll());

/** Broker 3 is back after it missed 600 KiB; the other two are in sync. Answers how long it takes to catch up, in ms. */
async function catchUp(
  settings: Record<string, unknown>,
  configs: Record<string, string>,
  limitMs = 4_000,
): Promise<number> {
  world.settings = settings;
  world.topicConfigs = configs;
  for (const id of [1, 2, 3]) await world.start(id);
  await world.createTopic(1, 2, 3);
  const leader = world.brokers.get(1)!.partition();
  const disk = await world.kill(3);
  for (let n = 0; n < 60; n++) await produce(leader, `${n} ${'x'.repeat(10 * KIB)}`);
  expect(world.isr()).toEqual([1, 2]);
  const before = nodeClock.now();
  const three = await world.start(3, disk);
  await eventually(() => three.partition()?.logEnd >= 60 && world.isr().length === 3, 'broker 3 to catch up', limitMs);
  return nodeClock.now() - before;
}

describe('a replica that catches up', () => {
  it.each([
    ['not throttled', {}, {}, false],
    ['a rate, but not this replica', { [`${LEADER}.rate`]: 400 * KIB }, { [`${LEADER}.replicas`]: '0:2' }, false],
    ['this replica, but no rate', {}, { [`${LEADER}.replicas`]: '*', [`${FOLLOWER}.replicas`]: '*' }, false],
    ['the leader named', { [`${LEADER}.rate`]: 400 * KIB }, { [`${LEADER}.replicas`]: '1:1,0:1' }, true],
    ['all leaders', { [`${LEADER}.rate`]: 400 * KIB }, { [`${LEADER}.replicas`]: '*' }, true],
    [
      'the follower named',
      { [`${FOLLOWER}.rate`]: 400 * KIB, 'replica.fetch.max.bytes': 64 * KIB },
      { [`${FOLLOWER}.replicas`]: '0:3' },
      true,
    ],
  ] as const)('%s: takes its time or not', async (_name, settings, configs, isThrottled) => {
    const ms = await catchUp(settings, configs);
    if (isThrottled) {
      // 600 KiB at 400 KiB/s, of which one piece of up to 256 KiB goes before anything is paid back.
      expect(ms).toBeGreaterThan(750);
      expect(ms).toBeLessThan(2_500);
    } else expect(ms).toBeLessThan(700);
  });

  it('throttled to a standstill: those in sync go on as ever', async () => {
    const catchingUp = catchUp({ [`${LEADER}.rate`]: 1 }, { [`${LEADER}.replicas`]: '*' }, 500);
    await expect(catchingUp).rejects.toThrow(/catch up/);
    const leader = world.brokers.get(1)!.partition();
    const before = nodeClock.now();
    for (let n = 0; n < 50; n++) await produce(leader, 'in sync');
    expect(nodeClock.now() - before).toBeLessThan(1_000);
    expect(world.brokers.get(2)!.partition().logEnd).toBe(110);
    expect(world.isr()).toEqual([1, 2]);
  });
});
