import { partitionRecordCodec, StoreUnavailableError, type TopicRecord, topicRecordCodec } from '@ottla/metadata';
import { KEYS } from './controller-fixtures';
import { record, TIMINGS } from './fixtures';
import { ClusterWorld } from './world/cluster-world';

const LIMIT = { timeoutMs: 5_000 };
const request = (name: string, partitions = 1, replicationFactor = 3) => ({ name, partitions, replicationFactor });

async function started(brokers = 3): Promise<ClusterWorld> {
  const world = new ClusterWorld();
  await world.cluster(brokers);
  await world.run(500, 20);
  return world;
}

const admin = (world: ClusterWorld, broker: number) => world.processes[broker - 1]!.topics;

async function partitionKeys(world: ClusterWorld): Promise<number> {
  return (await world.store.snapshot(KEYS.partitions())).entries.length;
}

describe('topic administration', () => {
  it('creates on any broker; when it resolves, its own image is complete, leaders included', async () => {
    const world = await started();
    const { topic, replicationFactor } = await world.until(admin(world, 3).createTopic(request('t', 200), LIMIT));
    expect(replicationFactor).toBe(3);
    const { image } = world.processes[2]!.tracker;
    const records = [...image.partitions.get(topic.topicId)!.values()];
    expect(image.topics.get('t')?.value).toEqual(topic);
    expect(records).toHaveLength(200);
    expect(records.every(({ value }) => value.leader !== null && value.isr.length === 3)).toBe(true);
  });

  it('of two that create one name at once, one wins, and nothing of the other is left', async () => {
    const world = await started();
    const attempts = [1, 2, 3].map((broker) => admin(world, broker).createTopic(request('t', 150), LIMIT));
    const results = await world.until(Promise.allSettled(attempts));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'TOPIC_ALREADY_EXISTS' });
    }
    expect(await partitionKeys(world)).toBe(150);
  });

  it('all that need a topic get the same one', async () => {
    const world = await started();
    const all = [1, 1, 2, 3].map((broker) => admin(world, broker).ensureTopic(request('t'), LIMIT));
    const ids = new Set((await world.until(Promise.all(all))).map((topic) => topic.topicId));
    expect(ids.size).toBe(1);
    const again = await world.until(admin(world, 2).ensureTopic(request('t'), LIMIT));
    expect(ids.has(again.topicId)).toBe(true);
  });

  it('whose answer was lost is recognised as done', async () => {
    const world = await started();
    world.processes[0]!.store.loseAnswerTo((txn) =>
      txn.success.some((op) => op.type === 'put' && op.key === KEYS.topic('t')),
    );
    await expect(world.until(admin(world, 1).createTopic(request('t'), LIMIT))).resolves.toBeDefined();
  });

  it('with a leader that died since the image was read is planned again', async () => {
    const world = await started();
    world.processes[1]!.store.holdWatch();
    world.processes[2]!.kill();
    await world.run(200);
    const creating = admin(world, 2).createTopic(request('t', 3, 2), LIMIT);
    await world.run(50);
    world.processes[1]!.store.releaseWatch();
    const { topic } = await world.until(creating);
    for (const partition of [0, 1, 2]) expect((await world.partition(topic, partition)).replicas).not.toContain(3);
  });

  it('only validates when asked to', async () => {
    const world = await started();
    const before = await world.store.snapshot(KEYS.prefix);
    const options = { ...LIMIT, validateOnly: true };
    expect((await world.until(admin(world, 1).createTopic(request('t', 4), options))).topic.partitions).toBe(4);
    await expect(admin(world, 1).createTopic(request('t', 1, 4), options)).rejects.toMatchObject({
      code: 'INVALID_REPLICATION_FACTOR',
    });
    expect((await world.store.snapshot(KEYS.prefix)).entries).toEqual(before.entries);
  });

  it('says so when the store does not answer, and when the image does not follow in time', async () => {
    const world = await started();
    world.processes[0]!.store.cut();
    await expect(world.until(admin(world, 1).createTopic(request('t'), LIMIT))).rejects.toBeInstanceOf(
      StoreUnavailableError,
    );
    world.processes[0]!.store.heal();
    await world.run(100);
    world.processes[0]!.store.holdWatch();
    await expect(world.until(admin(world, 1).createTopic(request('u'), { timeoutMs: 300 }))).rejects.toMatchObject({
      code: 'REQUEST_TIMED_OUT',
      message: expect.stringContaining("topic 'u' is stored"),
    });
  });

  it('adds partitions, and of two that do so at once neither loses any', async () => {
    const world = await started();
    await world.until(admin(world, 1).createTopic(request('t', 2), LIMIT));
    await world.run(50);
    const results = await world.until(
      Promise.allSettled([
        admin(world, 1).createPartitions({ name: 't', count: 150 }, LIMIT),
        admin(world, 2).createPartitions({ name: 't', count: 90 }, LIMIT),
      ]),
    );
    expect(results[0]).toMatchObject({ status: 'fulfilled', value: { partitions: 150 } });
    await world.run(50);
    const { image } = world.processes[0]!.tracker;
    const { topicId, partitions } = image.topics.get('t')!.value;
    expect(partitions).toBe(150);
    expect([...image.partitions.get(topicId)!.values()].every(({ value }) => value.leader !== null)).toBe(true);
    expect(image.partitions.get(topicId)!.size).toBe(150);
  });

  it('deletes the topic and its records at once, and remembers who holds replicas', async () => {
    const world = await started();
    await world.until(admin(world, 1).createTopic(request('t', 200, 2), LIMIT));
    const topic = await world.until(admin(world, 1).deleteTopic({ name: 't' }, LIMIT));
    expect(await partitionKeys(world)).toBe(0);
    expect(world.processes[0]!.tracker.image.topics.has('t')).toBe(false);
    const { image } = world.processes[0]!.tracker;
    expect(image.deletions.get(topic.topicId)?.value.brokers).toEqual([1, 2, 3]);
    await expect(admin(world, 1).deleteTopic({ name: 't' }, LIMIT)).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    });
  });

  it('a deleted name can be created again at once, under another id', async () => {
    const world = await started();
    const { topic } = await world.until(admin(world, 1).createTopic(request('t'), LIMIT));
    await world.until(admin(world, 1).deleteTopic({ topicId: topic.topicId }, LIMIT));
    const again = await world.until(admin(world, 1).createTopic(request('t'), LIMIT));
    expect(again.topic.topicId).not.toBe(topic.topicId);
  });

  it('deletion and growth at once: whichever comes second is refused', async () => {
    const world = await started();
    await world.until(admin(world, 1).createTopic(request('t', 2), LIMIT));
    await world.run(50);
    const growing = admin(world, 2).createPartitions({ name: 't', count: 300 }, LIMIT);
    const deleting = admin(world, 1).deleteTopic({ name: 't' }, LIMIT);
    const [grown, deleted] = await world.until(Promise.allSettled([growing, deleting]));
    expect(deleted.status).toBe('fulfilled');
    if (grown.status === 'rejected') expect(grown.reason).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
    expect(await partitionKeys(world)).toBe(0);
  });
});

describe('the controller cleans up', () => {
  async function put(world: ClusterWorld, key: string, value: Uint8Array): Promise<void> {
    await world.store.txn({ compare: [], success: [{ type: 'put', key, value }] });
  }

  const leftover = partitionRecordCodec.encode(record({ leader: null, replicas: [1] }));

  it('partition records that no topic came to show, after ten minutes', async () => {
    const world = await started(1);
    for (const partition of [60, 61, 62]) await put(world, KEYS.partition('never', partition), leftover);
    await world.run(TIMINGS.leftoverAgeMs - 1_000, 500);
    expect(await partitionKeys(world)).toBe(3);
    await world.run(2_000, 100);
    expect(await partitionKeys(world)).toBe(0);
  });

  it('but not a topic that is shown at that very moment', async () => {
    const world = await started(1);
    for (const partition of [1, 2]) await put(world, KEYS.partition('late', partition), leftover);
    await world.run(TIMINGS.leftoverAgeMs - 1_000, 500);
    world.processes[0]!.store.holdWatch();
    await put(world, KEYS.partition('late', 0), leftover);
    const topic: TopicRecord = {
      version: 1,
      name: 'late',
      topicId: 'late',
      partitions: 3,
      configs: {},
      internal: false,
    };
    await put(world, KEYS.topic('late'), topicRecordCodec.encode(topic));
    await world.run(2_000, 100);
    world.processes[0]!.store.releaseWatch();
    await world.run(2_000, 100);
    expect(await partitionKeys(world)).toBe(3);
  });

  it('records beyond the count of a topic that stopped growing; whoever still adds to it is refused', async () => {
    const world = await started(1);
    const { topic } = await world.until(admin(world, 1).createTopic(request('t', 2, 1), LIMIT));
    for (let partition = 2; partition < 200; partition++)
      await put(world, KEYS.partition(topic.topicId, partition), leftover);
    const before = (await world.store.get(KEYS.topic('t'))).kv!;
    await world.run(TIMINGS.leftoverAgeMs + 2_000, 500);
    expect(await partitionKeys(world)).toBe(2);
    const after = (await world.store.get(KEYS.topic('t'))).kv!;
    expect(after.modRevision).toBeGreaterThan(before.modRevision);
    expect(after.value).toEqual(before.value);
  });

  it('deletions that every holder has acknowledged', async () => {
    const world = await started(1);
    const { topic } = await world.until(admin(world, 1).createTopic(request('t', 1, 1), LIMIT));
    await world.until(admin(world, 1).deleteTopic({ name: 't' }, LIMIT));
    const key = KEYS.deletion(topic.topicId);
    await world.run(1_000, 50);
    const { kv } = await world.store.get(key);
    expect(JSON.parse(new TextDecoder().decode(kv!.value)).brokers).toEqual([1]);
    await put(
      world,
      key,
      new TextEncoder().encode(new TextDecoder().decode(kv!.value).replace('"brokers":[1]', '"brokers":[]')),
    );
    await world.untilTrue(async () => (await world.store.get(key)).kv === null, 1_000);
  });
});
