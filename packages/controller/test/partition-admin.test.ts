import type { TopicRecord } from '@ottla/metadata';
import { KEYS } from './controller-fixtures';
import { ClusterWorld } from './world/cluster-world';

const LIMIT = { timeoutMs: 5_000 };

async function started(brokers = 4): Promise<ClusterWorld> {
  const world = new ClusterWorld();
  await world.cluster(brokers);
  await world.run(500, 20);
  return world;
}

const admin = (world: ClusterWorld, broker: number) => world.processes[broker - 1]!.partitions;

function reassign(world: ClusterWorld, asked: readonly [partition: number, replicas: number[] | null][], broker = 1) {
  const requests = asked.map(([partition, replicas]) => ({ topic: 't', partition, replicas }));
  return world.until(admin(world, broker).reassign(requests, LIMIT));
}

const codes = (results: readonly { error: { code: string } | null }[]) =>
  results.map(({ error }) => error?.code ?? 'done');

describe('reassigning', () => {
  it('on any broker: when it resolves, its own image shows it; the controller completes it', async () => {
    const world = await started();
    const topic = await world.createTopic('t', { partitions: 3 });
    expect(
      codes(
        await reassign(
          world,
          [
            [0, [4, 1, 2]],
            [2, [1, 2]],
          ],
          3,
        ),
      ),
    ).toEqual(['done', 'done']);
    const shown = world.processes[2]!.tracker.image.partitions.get(topic.topicId)!.get(0)!.value;
    expect(shown).toMatchObject({ replicas: [4, 1, 2, 3], adding: [4], removing: [3], original: [1, 2, 3] });
    await world.run(50);
    expect(await world.partition(topic, 2)).toMatchObject({ replicas: [1, 2], removing: [], removed: [3] });
    await world.joinIsr(topic, 0, 4);
    await world.run(50);
    const completed = await world.partition(topic, 0);
    expect(completed).toMatchObject({ replicas: [4, 1, 2], adding: [], removing: [], removed: [3], leaderEpoch: 1 });
    expect(await world.partition(topic, 1)).toMatchObject({ replicas: [1, 2, 3], leaderEpoch: 0 });
  });

  it('a leader that leaves hands over to one that stays', async () => {
    const world = await started();
    const topic = await world.createTopic('t', { replicas: [1] });
    await reassign(world, [[0, [4]]]);
    await world.joinIsr(topic, 0, 4);
    await world.run(50);
    const { leader, isr } = await world.partition(topic);
    expect([leader, isr]).toEqual([{ broker: 4, run: 'run-4' }, [{ broker: 4, logId: 'log-4' }]]);
  });

  it('each partition stands alone, and the results come in the order asked for', async () => {
    const world = await started();
    await world.createTopic('t', { partitions: 2 });
    const results = await reassign(world, [
      [1, [9]],
      [0, [1, 2]],
      [5, [1]],
      [0, null],
      [1, null],
    ]);
    expect(codes(results)).toEqual([
      'INVALID_REPLICA_ASSIGNMENT',
      'done',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'NO_REASSIGNMENT_IN_PROGRESS',
      'NO_REASSIGNMENT_IN_PROGRESS',
    ]);
  });

  it('hundreds of partitions of one topic', async () => {
    const world = await started();
    const topic = await world.createTopic('t', { partitions: 150 });
    const asked = Array.from({ length: 150 }, (_, partition): [number, number[]] => [partition, [2, 3, 4]]);
    expect(new Set(codes(await reassign(world, asked)))).toEqual(new Set(['done']));
    for (const partition of [0, 149]) expect((await world.partition(topic, partition)).adding).toEqual([4]);
  });

  it('whose record others change at the same time is planned again', async () => {
    const world = await started();
    const topic = await world.createTopic('t', { replicas: [1, 2] });
    world.processes[2]!.store.holdWatch();
    await reassign(world, [[0, [1, 2, 4]]], 1);
    await world.joinIsr(topic, 0, 4);
    await world.run(50);
    const late = admin(world, 3).reassign([{ topic: 't', partition: 0, replicas: [4, 3] }], LIMIT);
    await world.run(50);
    world.processes[2]!.store.releaseWatch();
    expect(codes(await world.until(late))).toEqual(['done']);
    expect(await world.partition(topic)).toMatchObject({ replicas: [4, 3, 1, 2], adding: [3], removing: [1, 2] });
  });

  it.each([
    ['a target', [4, 2, 3]],
    ['a cancellation', null],
  ])('%s whose answer was lost is recognised as done', async (_name, replicas) => {
    const world = await started();
    const topic = await world.createTopic('t');
    if (replicas === null) await reassign(world, [[0, [4, 2, 3]]]);
    const key = KEYS.partition(topic.topicId, 0);
    world.processes[0]!.store.loseAnswerTo((txn) => txn.success.some((op) => op.type === 'put' && op.key === key));
    expect(codes(await reassign(world, [[0, replicas]]))).toEqual(['done']);
    const { adding, removed } = await world.partition(topic);
    expect([adding, removed]).toEqual(replicas === null ? [[], [4]] : [[4], undefined]);
  });

  it('says so when the store does not answer', async () => {
    const world = await started();
    await world.createTopic('t');
    world.processes[0]!.store.cut();
    const [result] = await reassign(world, [[0, [4, 2, 3]]]);
    expect(result!.error).toMatchObject({ code: expect.stringMatching(/TIMED_OUT|NOT_AVAILABLE|NETWORK/) });
  });

  it('a topic that is deleted at the same time takes the new holders along', async () => {
    const world = await started();
    const topic = await world.createTopic('t');
    world.processes[1]!.store.holdWatch();
    await reassign(world, [[0, [4, 2, 3]]]);
    const deleting = world.processes[1]!.topics.deleteTopic({ name: 't' }, LIMIT);
    await world.run(50);
    world.processes[1]!.store.releaseWatch();
    await world.until(deleting);
    expect(world.processes[1]!.tracker.image.deletions.get(topic.topicId)!.value.brokers).toEqual([1, 2, 3, 4]);
  });
});

describe('asked-for elections', () => {
  const elect = (world: ClusterWorld, kind: 'preferred' | 'unclean', partitions: number[] | null = [0]) => {
    const asked = partitions?.map((partition) => ({ topic: 't', partition })) ?? null;
    return world.until(admin(world, 2).elect(kind, asked, LIMIT));
  };

  /** Broker 1 has been away: another one leads what prefers it. */
  async function displaced(): Promise<{ world: ClusterWorld; topic: TopicRecord }> {
    const world = await started();
    const topic = await world.createTopic('t', { partitions: 2, replicas: [4, 2, 3] });
    world.processes[3]!.kill();
    await world.untilTrue(async () => (await world.partition(topic, 1)).leader?.broker === 2);
    return { world, topic };
  }

  it('the preferred leader leads again, in a higher epoch', async () => {
    const { world, topic } = await displaced();
    expect(codes(await elect(world, 'preferred'))).toEqual(['PREFERRED_LEADER_NOT_AVAILABLE']);
    await world.join(4, 'run-4b', 9400);
    await world.joinIsr(topic, 0, 4);
    await world.run(20);
    const before = await world.partition(topic);
    expect(codes(await elect(world, 'preferred'))).toEqual(['done']);
    const { leader, leaderEpoch } = await world.partition(topic);
    expect([leader, leaderEpoch]).toEqual([{ broker: 4, run: 'run-4b' }, before.leaderEpoch + 1]);
    expect(codes(await elect(world, 'preferred'))).toEqual(['ELECTION_NOT_NEEDED']);
  });

  it('of all partitions: tells only of those where there was something to do', async () => {
    const { world, topic } = await displaced();
    await world.join(4, 'run-4b', 9400);
    await world.joinIsr(topic, 1, 4);
    await world.run(20);
    const results = await elect(world, 'preferred', null);
    expect(results.map(({ partition, error }) => [partition, error?.code ?? 'done'])).toEqual([
      [0, 'PREFERRED_LEADER_NOT_AVAILABLE'],
      [1, 'done'],
    ]);
  });

  it('uncleanly only where there is no leader; whoever may hold everything is waited for no longer', async () => {
    const world = await started();
    const topic = await world.createTopic('t', { replicas: [3, 4] });
    await world.createTopic('u', { replicas: [1] });
    expect(codes(await elect(world, 'unclean'))).toEqual(['ELECTION_NOT_NEEDED']);
    world.processes[3]!.kill();
    await world.untilTrue(async () => (await world.partition(topic)).isr.length === 1);
    world.processes[2]!.kill();
    await world.untilTrue(async () => (await world.partition(topic)).leader === null);
    expect(codes(await elect(world, 'unclean'))).toEqual(['ELIGIBLE_LEADERS_NOT_AVAILABLE']);
    await world.join(4, 'run-4b', 9400);
    await world.run(100);
    expect((await world.partition(topic)).leader).toBeNull();
    expect(codes(await elect(world, 'unclean', null))).toEqual(['done']);
    const { leader, unclean, isr } = await world.partition(topic);
    expect([leader?.broker, unclean, isr]).toEqual([4, true, [{ broker: 4, logId: 'log-4' }]]);
  });
});

describe('balancing leaderships', () => {
  async function balanced(settings: { enabled?: boolean; perBrokerPercentage?: number }) {
    const world = new ClusterWorld();
    world.leaderBalance = { enabled: true, checkIntervalMs: 5_000, perBrokerPercentage: 10, ...settings };
    await world.cluster(4);
    await world.run(500, 20);
    const topic = await world.createTopic('t', { partitions: 4, replicas: [4, 2, 3] });
    world.processes[3]!.kill();
    await world.untilTrue(async () => (await world.partition(topic, 3)).leader?.broker === 2);
    await world.join(4, 'run-4b', 9400);
    for (const partition of [0, 1, 2]) await world.joinIsr(topic, partition, 4);
    return {
      world,
      leaders: async () => {
        const records = await Promise.all([0, 1, 2, 3].map((partition) => world.partition(topic, partition)));
        return records.map(({ leader }) => leader?.broker);
      },
    };
  }

  it('the controller moves them back at the next check, where the preferred leader is in sync', async () => {
    const { world, leaders } = await balanced({});
    expect(await leaders()).toEqual([2, 2, 2, 2]);
    await world.run(5_100, 50);
    expect(await leaders()).toEqual([4, 4, 4, 2]);
    await world.run(10_000, 50);
    expect(await leaders()).toEqual([4, 4, 4, 2]);
  });

  it('not below the percentage, nor when it is not enabled', async () => {
    for (const settings of [{ perBrokerPercentage: 100 }, { enabled: false }]) {
      const { world, leaders } = await balanced(settings);
      await world.run(11_000, 50);
      expect(await leaders()).toEqual([2, 2, 2, 2]);
    }
  });
});
