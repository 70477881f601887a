import { type TopicRecord, topicRecordCodec } from '@ottla/metadata';
import { eventually } from '../support/eventually';
import { keys, produce, ReplicaWorld, TOPIC, TOPIC_ID, valuesOf } from '../support/replica-world';

let world: ReplicaWorld;

beforeEach(async () => {
  world = new ReplicaWorld();
  await world.create();
});

afterEach(() => world.closeAll());

async function setConfigs(configs: Record<string, string>): Promise<void> {
  const topic: TopicRecord = { version: 1, name: TOPIC, topicId: TOPIC_ID, partitions: 1, configs, internal: false };
  const put = { type: 'put' as const, key: keys.topic(TOPIC), value: topicRecordCodec.encode(topic) };
  const { revision } = await world.store.txn({ compare: [], success: [put] });
  for (const { tracker } of world.brokers.values()) await tracker.waitFor(revision, 2_000);
}

async function threeBrokers() {
  const brokers = [await world.start(1), await world.start(2), await world.start(3)] as const;
  await world.createTopic(1, 2, 3);
  return brokers;
}

it('configs of a topic that change: leader and followers roll segments by them, and stop when they are gone', async () => {
  const brokers = await threeBrokers();
  const segments = async (): Promise<number[]> => {
    const names = await Promise.all(brokers.map(({ disk }) => disk.mount().list(`/data/${TOPIC}-0`)));
    return names.map((all) => all.filter((name) => name.endsWith('.log')).length);
  };
  const produceMany = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await produce(brokers[0].partition(), String(n));
    await eventually(
      () => brokers.every((broker) => broker.partition().logEnd === brokers[0].partition().logEnd),
      'followers to have everything',
    );
  };
  await produceMany(5);
  expect(await segments()).toEqual([1, 1, 1]);
  await setConfigs({ 'segment.bytes': '100' });
  await produceMany(5);
  expect(await segments()).toEqual([6, 6, 6]);
  await setConfigs({});
  await produceMany(5);
  expect(await segments()).toEqual([6, 6, 6]);
});

describe('reading from a follower', () => {
  const options = { maxBytes: 1000, isolation: 'read_uncommitted', atLeastOne: true, fromFollower: true } as const;

  it('gives what is committed as far as it knows, and only to who asks for a follower', async () => {
    const [one, two] = await threeBrokers();
    for (const value of ['a', 'b']) await produce(one.partition(), value);
    await eventually(() => two.partition().highWatermark === 2, 'the follower to hear of the high watermark');
    expect([two.partition().isLeader, two.partition().isFollowing]).toEqual([false, true]);
    expect((await two.partition().read(0, options)).chunks).not.toHaveLength(0);
    const { chunks } = await two.partition().read(2, options);
    expect(chunks).toHaveLength(0);
    await expect(two.partition().read(0, { ...options, fromFollower: false })).rejects.toMatchObject({
      code: 'NOT_LEADER_OR_FOLLOWER',
    });
    expect(await valuesOf(one.partition())).toEqual(['a', 'b']);
  });

  it('ends when the leader is out of sight, and begins again under the next one', async () => {
    const [one, two, three] = await threeBrokers();
    await produce(one.partition(), 'a');
    await eventually(() => two.partition().isFollowing, 'broker 2 to follow');
    await world.kill(1);
    await eventually(() => !two.partition().isFollowing, 'broker 2 to miss its leader');
    await expect(two.partition().read(0, options)).rejects.toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' });
    await world.elect(3, [2, 3]);
    await eventually(() => two.partition().isFollowing, 'broker 2 to follow broker 3');
    await produce(three.partition(), 'b');
    await eventually(() => two.partition().highWatermark === 2, 'it to hear of the high watermark');
    expect((await two.partition().read(1, options)).byteLength).toBeGreaterThan(0);
  });
});
