import { controllerClaimCodec, type KeyValue, topicRecordCodec } from '@ottla/metadata';
import { KEYS } from './controller-fixtures';
import { TIMINGS } from './fixtures';
import { ClusterWorld, type Process } from './world/cluster-world';

const { sessionTimeoutMs, heartbeatIntervalMs } = TIMINGS;
/** Well under what anybody would notice, well over a few round trips. */
const AT_ONCE_MS = 250;

async function claimOf(world: ClusterWorld): Promise<{ kv: KeyValue; broker: number; epoch: number } | null> {
  const { kv } = await world.store.get(KEYS.controller());
  return kv === null ? null : { kv, ...controllerClaimCodec.decode(kv.value, kv.key) };
}

/** Lets everyone's heartbeats pass for a while. */
const calm = (world: ClusterWorld) => world.run(2 * heartbeatIntervalMs, 20);

const fencings = (process: Process) =>
  process.events.flatMap((event) => (event.type === 'fenced' ? [`${event.broker} ${event.evidence}`] : []));

describe('the controller', () => {
  it('is the first broker of a cluster, at once', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    expect(await world.untilTrue(() => one.member.isController)).toBeLessThanOrEqual(10);
    expect(await claimOf(world)).toMatchObject({ broker: 1, epoch: 1 });
  });

  it('is exactly one, however many challenge at once', async () => {
    const world = new ClusterWorld();
    const processes = await Promise.all([1, 2, 3, 4, 5].map((broker) => world.launch(broker)));
    for (const process of processes) process.listen();
    const start = (process: Process) =>
      process.member.start({
        logIds: ['log'],
        rack: null,
        kafka: [],
        grpc: { host: 'localhost', port: 1 },
        peer: { host: 'localhost', port: process.port },
        startedAt: 0,
      });
    await world.until(Promise.all(processes.map(start)));
    await world.run(500);
    expect(world.controllers()).toHaveLength(1);
    expect((await claimOf(world))?.epoch).toBe(1);
  });

  it('that dies is deposed at once by another one, whose epoch is higher; its registration goes along', async () => {
    const world = new ClusterWorld();
    const [one] = await world.cluster(3);
    await calm(world);
    one!.kill();
    expect(await world.untilTrue(() => world.controllers().length === 1)).toBeLessThan(AT_ONCE_MS);
    expect(await claimOf(world)).toMatchObject({ epoch: 2 });
    expect(await world.registered()).toEqual([2, 3]);
  });

  it('that dies is challenged by one after the other, in the order of their ids: the first one does it all', async () => {
    const world = new ClusterWorld();
    const [one, ...others] = await world.cluster(4);
    await calm(world);
    one!.kill();
    await world.untilTrue(() => world.controllers().length === 1);
    await world.run(500);
    const deposed = others.map(({ events }) => events.filter(({ type }) => type === 'deposed-controller').length);
    expect([world.controllers(), deposed]).toEqual([[2], [1, 0, 0]]);
  });

  it('that leads a partition and dies: the partition has its next leader at once', async () => {
    const world = new ClusterWorld();
    const [one] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [1, 2, 3], minIsr: 2 });
    await calm(world);
    one!.kill();
    const took = await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 2);
    expect(took).toBeLessThan(AT_ONCE_MS);
    expect(await world.partition(topic)).toMatchObject({ leaderEpoch: 1, unclean: false, elr: [] });
  });

  it('that leaves is followed at once', async () => {
    const world = new ClusterWorld();
    const [one] = await world.cluster(3);
    await calm(world);
    void one!.member.close();
    expect(await world.untilTrue(() => world.controllers().some((broker) => broker !== 1))).toBeLessThan(100);
  });

  it('that falls silent is deposed after the session timeout', async () => {
    const world = new ClusterWorld();
    await world.cluster(3);
    await calm(world);
    const from = world.clock.now();
    world.network.cut(1, 2);
    world.network.cut(1, 3);
    await world.untilTrue(async () => ((await claimOf(world))?.broker ?? 1) !== 1);
    expect(world.clock.now() - from).toBeLessThan(1.5 * sessionTimeoutMs);
  });

  it('that hears nobody gives up rather than fence everybody, and is fenced by its successor', async () => {
    const world = new ClusterWorld();
    const [one, two, three] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [1, 2, 3], minIsr: 2 });
    await calm(world);
    world.network.cut(1, 2);
    world.network.cut(1, 3);
    await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 2);
    expect(fencings(one!)).toEqual([]);
    expect([...fencings(two!), ...fencings(three!)]).toEqual(['1 silent']);
    await world.run(10 * sessionTimeoutMs, 50);
    expect(await world.registered()).toEqual([2, 3]);
    expect((await world.partition(topic)).leaderEpoch).toBe(1);
    world.network.heal();
    await world.untilTrue(async () => (await world.registered()).length === 3, 5_000);
  });

  describe.each<[string, (world: ClusterWorld, one: Process) => void]>([
    ['is stopped', (_world, one) => one.pause()],
    [
      'is cut from the other brokers',
      (world) => {
        world.network.cut(1, 2);
        world.network.cut(1, 3);
      },
    ],
    [
      'is heard by nobody',
      (world) => {
        world.network.cutOneWay(1, 2);
        world.network.cutOneWay(1, 3);
      },
    ],
    [
      'is cut from the other brokers and the store',
      (world, one) => {
        world.network.cut(1, 2);
        world.network.cut(1, 3);
        one.store.cut();
        one.store.holdWatch();
      },
    ],
  ])('that leads a partition and %s', (_name, strike) => {
    it.each([0, 120, 240, 360, 480])('%i ms after calm: another leads within 1.5 session timeouts', async (phase) => {
      const world = new ClusterWorld();
      const [one, two, three] = await world.cluster(3);
      const topic = await world.createTopic('t', { replicas: [1, 2, 3], minIsr: 2 });
      await calm(world);
      await world.run(phase);
      strike(world, one!);
      const took = await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 2, 20_000);
      expect(took).toBeGreaterThan(sessionTimeoutMs - heartbeatIntervalMs);
      expect(took).toBeLessThan(1.5 * sessionTimeoutMs);
      expect([...fencings(one!), ...fencings(two!), ...fencings(three!)]).toEqual(['1 silent']);
      await world.run(2 * sessionTimeoutMs, 25);
      expect(await world.registered()).toEqual([2, 3]);
      expect(await world.partition(topic)).toMatchObject({ leaderEpoch: 1, unclean: false });
    });
  });

  it('that was silent for long and goes on shortly after it was deposed is heard, and not fenced', async () => {
    const world = new ClusterWorld();
    const [one, two, three] = await world.cluster(3);
    await calm(world);
    one!.pause();
    await world.untilTrue(async () => ((await claimOf(world))?.broker ?? 1) !== 1, 20_000);
    await world.run(150);
    one!.resume();
    await world.run(3 * sessionTimeoutMs, 20);
    expect([...fencings(two!), ...fencings(three!)]).toEqual([]);
    expect(await world.registered()).toEqual([1, 2, 3]);
  });

  it('whose successor hears nobody else is not fenced by what that one observed: it may be the one cut off', async () => {
    const world = new ClusterWorld();
    const [one, two, three] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [1, 2, 3], minIsr: 2 });
    await calm(world);
    world.network.cutOneWay(1, 2);
    world.network.cutOneWay(3, 2);
    await world.run(sessionTimeoutMs * 1.5 + sessionTimeoutMs, 20);
    expect(fencings(two!)).toEqual([]);
    expect(two!.events.map(({ type }) => type)).toContain('deposed-controller');
    expect([...fencings(one!), ...fencings(three!)].filter((fencing) => !fencing.startsWith('2'))).toEqual([]);
    expect((await world.partition(topic)).leader?.broker).toBe(1);
  });

  it('goes on a moment after all others did: their own pause was not its silence', async () => {
    const world = new ClusterWorld();
    const processes = await world.cluster(3);
    const [one, two, three] = processes;
    await calm(world);
    for (const process of processes) process.pause();
    await world.run(sessionTimeoutMs + 1.2 * heartbeatIntervalMs, 25);
    two!.resume();
    three!.resume();
    await world.run(300);
    one!.resume();
    await world.run(2 * sessionTimeoutMs, 25);
    expect(processes.flatMap(fencings)).toEqual([]);
    expect(await claimOf(world)).toMatchObject({ broker: 1, epoch: 1 });
  });

  it('is paused for less than a session timeout and a heartbeat: it reads what arrived before it judges silence', async () => {
    const world = new ClusterWorld();
    const [one] = await world.cluster(3);
    await calm(world);
    one!.pause();
    await world.run(sessionTimeoutMs + heartbeatIntervalMs / 4, 25);
    one!.resume();
    await world.run(2 * sessionTimeoutMs, 25);
    expect(fencings(one!)).toEqual([]);
    expect(await claimOf(world)).toMatchObject({ broker: 1, epoch: 1 });
  });

  it('is paused for longer: deposed, fenced, and back as an ordinary broker when it goes on', async () => {
    const world = new ClusterWorld();
    const [one] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [1, 2, 3], minIsr: 2 });
    await calm(world);
    one!.pause();
    await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 2, 10_000);
    one!.resume();
    await world.untilTrue(async () => (await world.registered()).length === 3, 5_000);
    await world.run(2 * sessionTimeoutMs, 25);
    expect(one!.member.isController).toBe(false);
    expect(await world.partition(topic)).toMatchObject({ leader: { broker: 2 }, leaderEpoch: 1 });
    expect(world.controllers()).toHaveLength(1);
  });

  it('is not deposed by a broker that was fenced and has not heard of it', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(3);
    await calm(world);
    two!.store.holdWatch();
    world.network.cut(2, 1);
    await world.run(3 * sessionTimeoutMs, 25);
    expect(fencings(one!)).toEqual(['2 silent']);
    const attempts = two!.store.transactions.filter(({ txn }) =>
      txn.success.some((op) => op.type === 'delete' && op.key === KEYS.controller()),
    );
    expect(attempts.length).toBeGreaterThan(0);
    expect(await claimOf(world)).toMatchObject({ broker: 1, epoch: 1 });
  });

  it('deposed without knowing writes nothing more: its guards refuse it, and it stands down', async () => {
    const world = new ClusterWorld();
    const [one, two, three] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [3, 1, 2] });
    await calm(world);
    one!.store.holdWatch();
    const { kv } = (await claimOf(world))!;
    await world.store.txn({ compare: [], success: [{ type: 'delete', key: kv.key }] });
    await world.untilTrue(() => two!.member.isController || three!.member.isController);
    expect(one!.member.isController).toBe(true);
    const before = one!.store.transactions.length;
    // Broker 3's session with broker 1 is gone; to broker 1 it looks dead.
    world.network.refuse(3, three!.port);
    await world.run(50);
    world.network.stopRefusing(three!.port);
    one!.member.onSession({ clusterId: 'test', broker: 3, run: 'run-3' }, brokenStream());
    world.network.kill(3, three!.port);
    await world.untilTrue(() => !one!.member.isController);
    const attempts = one!.store.transactions.slice(before);
    expect(attempts.length).toBeGreaterThan(0);
    expect(attempts.every(({ result }) => !result.succeeded)).toBe(true);
    one!.store.releaseWatch();
    await world.run(100);
    expect(one!.member.isController).toBe(false);
    expect(topic.name).toBe('t');
  });

  it('whose claim was answered by nobody finds that it has won', async () => {
    const world = new ClusterWorld();
    const one = await world.launch(1);
    one.store.loseAnswerTo((txn) => txn.success.some((op) => op.type === 'put' && op.key === KEYS.controller()));
    one.listen();
    const peer = { host: 'localhost', port: one.port };
    const rest = { logIds: ['log'], rack: null, kafka: [], grpc: peer, peer, startedAt: 0 };
    await world.until(one.member.start(rest));
    await world.untilTrue(() => one.member.isController);
    expect(await claimOf(world)).toMatchObject({ epoch: 1, kv: { version: 1 } });
  });

  it('epochs go on after a time without any controller', async () => {
    const world = new ClusterWorld();
    const one = await world.join(1);
    await world.untilTrue(() => one.member.isController);
    await world.until(one.member.close());
    await world.join(2);
    await world.untilTrue(async () => (await claimOf(world)) !== null);
    expect((await claimOf(world))?.epoch).toBe(2);
  });
});

describe('a broker that', () => {
  it('dies is fenced at once, and what it led is led by another one', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [2, 3, 1], minIsr: 2 });
    await calm(world);
    two!.kill();
    const took = await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 3);
    expect(took).toBeLessThan(100);
    expect(fencings(one!)).toEqual(['2 refused']);
    expect((await world.partition(topic)).isr.map((member) => member.broker)).toEqual([3, 1]);
  });

  it('is stopped (its port still answers) is fenced when it was silent for the session timeout', async () => {
    const world = new ClusterWorld();
    const [one] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [2, 3, 1] });
    await calm(world);
    world.network.cut(2, 1);
    const took = await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 3);
    expect(took).toBeGreaterThan(sessionTimeoutMs - heartbeatIntervalMs - 1);
    expect(took).toBeLessThan(1.5 * sessionTimeoutMs);
    expect(fencings(one!)).toEqual(['2 silent']);
  });

  it('is cut from the controller alone stays fenced until it is heard, and is not fenced over and over', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(3);
    await calm(world);
    world.network.cut(2, 1);
    await world.run(60_000, 50);
    expect(fencings(one!)).toEqual(['2 silent']);
    expect(await world.registered()).toEqual([1, 3]);
    world.network.heal();
    await world.untilTrue(async () => (await world.registered()).length === 3, 2_000);
    expect(two!.superseded).toBeNull();
    expect(await claimOf(world)).toMatchObject({ broker: 1, epoch: 1 });
  });

  it('is wrongly taken for dead registers again in its run; from then on only silence counts for ten minutes', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(3);
    await calm(world);
    const falseAlarm = async () => {
      world.network.refuse(2, two!.port);
      await world.run(300);
      world.network.stopRefusing(two!.port);
      await world.run(2_000, 20);
    };
    await falseAlarm();
    expect(fencings(one!)).toEqual(['2 refused']);
    expect(one!.events).toContainEqual({ type: 'wrong-guess', broker: 2, run: 'run-2' });
    expect(await world.registered()).toEqual([1, 2, 3]);
    await falseAlarm();
    await falseAlarm();
    expect(fencings(one!)).toEqual(['2 refused']);
    world.network.cut(2, 1);
    await world.run(1.5 * sessionTimeoutMs, 20);
    expect(fencings(one!)).toEqual(['2 refused', '2 silent']);
    world.network.heal();
    await world.run(TIMINGS.distrustMs, 100);
    await falseAlarm();
    expect(fencings(one!)).toEqual(['2 refused', '2 silent', '2 refused']);
  });

  it('only lost its connection is not fenced', async () => {
    const world = new ClusterWorld();
    const [one] = await world.cluster(3);
    await calm(world);
    world.network.heal();
    await world.run(2 * sessionTimeoutMs, 20);
    expect(fencings(one!)).toEqual([]);
    expect(await claimOf(world)).toMatchObject({ broker: 1, epoch: 1 });
  });

  it('restarts fast under its id leads what it led again, in its new run and a higher epoch', async () => {
    const world = new ClusterWorld();
    const [, two] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [2] });
    await calm(world);
    two!.kill();
    await world.join(2, 'run-2b');
    const ledAnew = async () => (await world.partition(topic)).leader?.run === 'run-2b';
    expect(await world.untilTrue(ledAnew)).toBeLessThan(AT_ONCE_MS);
    expect((await world.partition(topic)).leaderEpoch).toBeGreaterThan(0);
    expect((await world.partition(topic)).unclean).toBe(false);
  });

  it('drains hands over what it leads, leaves the ISR, and is given nothing more', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(3);
    const topic = await world.createTopic('t', { partitions: 250, replicas: [2, 3, 1], minIsr: 2 });
    await calm(world);
    const draining = two!.member.drain(5_000);
    expect(await world.until(draining)).toBe(true);
    const image = one!.tracker.image.partitions.get(topic.topicId)!;
    expect([...image.values()].map(({ value }) => value.leader?.broker)).toEqual(Array(250).fill(3));
    expect((await world.partition(topic)).isr.map((member) => member.broker)).toEqual([3, 1]);
    const created = one!.topics.createTopic(
      { name: 'later', partitions: 6, replicationFactor: 2 },
      { timeoutMs: 1_000 },
    );
    const later = (await world.until(created)).topic;
    for (let partition = 0; partition < 6; partition++) {
      expect((await world.partition(later, partition)).replicas).not.toContain(2);
    }
  });

  it('drains without leading anything: it has left the ISRs that can do without it when it resolves', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(3);
    const topic = await world.createTopic('t', { partitions: 120, replicas: [1, 2, 3] });
    const needed = await world.createTopic('needed', { replicas: [3, 2], minIsr: 2 });
    await calm(world);
    expect(await world.until(two!.member.drain(5_000))).toBe(true);
    for (const { value } of one!.tracker.image.partitions.get(topic.topicId)!.values()) {
      expect(value.isr.map((member) => member.broker)).toEqual([1, 3]);
    }
    expect((await world.partition(needed)).isr).toHaveLength(2);
  });

  it('drains without a controller to see to it: it waits only a moment', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(2);
    await world.createTopic('t', { replicas: [1, 2] });
    await calm(world);
    one!.pause();
    const before = world.clock.now();
    expect(await world.until(two!.member.drain(5_000))).toBe(true);
    expect(world.clock.now() - before).toBeLessThan(600);
  });

  it('drains but leads what nobody else can: it says so when its time is over', async () => {
    const world = new ClusterWorld();
    const [, two] = await world.cluster(3);
    await world.createTopic('t', { replicas: [2, 3] });
    await calm(world);
    world.processes[0]!.kill();
    world.processes[2]!.kill();
    expect(await world.until(two!.member.drain(2_000))).toBe(false);
  });
});

describe('the store', () => {
  it('stalls until all leases are gone: everybody registers again in its run, and no partition loses its leader', async () => {
    const world = new ClusterWorld();
    const processes = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [2, 3, 1], minIsr: 2 });
    await calm(world);
    const before = await world.partition(topic);
    for (const process of processes) process.store.cut();
    await world.run(8_000, 50);
    expect(await world.registered()).toEqual([]);
    for (const process of processes) process.store.heal();
    await world.untilTrue(async () => (await world.registered()).length === 3, 5_000);
    await world.run(5 * sessionTimeoutMs, 50);
    expect(await world.partition(topic)).toEqual(before);
    expect(world.controllers()).toHaveLength(1);
    expect(processes.flatMap(fencings)).toEqual([]);
    expect((await claimOf(world))?.epoch).toBe(2);
  });

  it('stalls, and a broker dies meanwhile: it is judged a session timeout after the store is back', async () => {
    const world = new ClusterWorld();
    const [one, two, three] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [2, 3, 1] });
    await calm(world);
    for (const process of [one!, two!, three!]) process.store.cut();
    await world.run(8_000, 50);
    two!.kill();
    one!.store.heal();
    three!.store.heal();
    const took = await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 3);
    expect(took).toBeLessThan(1.5 * sessionTimeoutMs);
  });

  it('loses one lease while its broker is heard: the broker is given time to register again', async () => {
    const world = new ClusterWorld();
    await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [2, 3, 1] });
    await calm(world);
    const { kv } = await world.store.get(KEYS.broker(2));
    await world.store.revokeLease(kv!.lease);
    await world.run(2_500, 20);
    expect(await world.registered()).toEqual([1, 2, 3]);
    expect((await world.partition(topic)).leaderEpoch).toBe(0);
    expect((await world.partition(topic)).isr.map((member) => member.broker)).toEqual([2, 3, 1]);
  });

  it('loses the answer to an election: the image shows whether it was applied', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(3);
    const topic = await world.createTopic('t', { replicas: [2, 3, 1] });
    await calm(world);
    one!.store.loseAnswerTo((txn) => txn.success.some((op) => op.type === 'put' && op.key.includes('/partitions/')));
    two!.kill();
    await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 3);
    await world.run(1_000, 20);
    expect((await world.partition(topic)).leaderEpoch).toBe(1);
  });
});

describe('the partitions of a topic', () => {
  it('fail over in batches, also when another writer changes some of them meanwhile', async () => {
    const world = new ClusterWorld();
    const [one, two] = await world.cluster(3);
    const topic = await world.createTopic('t', { partitions: 500, replicas: [2, 3, 1] });
    await calm(world);
    const key = KEYS.partition(topic.topicId, 7);
    const { kv } = await world.store.get(key);
    one!.store.holdWatch();
    await world.store.txn({ compare: [], success: [{ type: 'put', key, value: kv!.value }] });
    one!.store.releaseWatch();
    two!.kill();
    const all = async () => {
      const image = one!.tracker.image.partitions.get(topic.topicId)!;
      return [...image.values()].every(({ value }) => value.leader?.broker === 3 && value.leaderEpoch === 1);
    };
    expect(await world.untilTrue(all)).toBeLessThan(AT_ONCE_MS);
    const elections = one!.store.transactions.filter(({ txn }) =>
      txn.success.some((op) => op.type === 'put' && op.key.startsWith(KEYS.partitions(topic.topicId))),
    );
    expect(elections.length).toBeLessThan(15 + 6);
  });

  it('take over another min.insync.replicas when its config changes', async () => {
    const world = new ClusterWorld();
    await world.cluster(3);
    const topic = await world.createTopic('t', { partitions: 3, replicas: [2, 3, 1], minIsr: 1 });
    const value = topicRecordCodec.encode({ ...topic, configs: { 'min.insync.replicas': '5' } });
    await world.store.txn({ compare: [], success: [{ type: 'put', key: KEYS.topic('t'), value }] });
    await world.untilTrue(async () => (await world.partition(topic, 2)).minIsr === 3, 1_000);
  });
});

/** A session that is broken as soon as the controller has taken it. */
function brokenStream() {
  return {
    remote: 'test',
    send: () => false,
    onMessage: () => {},
    onDrain: () => {},
    onClose: (callback: (error: null) => void) => queueMicrotask(() => callback(new Error('reset') as never)),
    close: () => {},
  };
}
