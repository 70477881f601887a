import { ALL_BROKERS, configRecordCodec, partitionRecordCodec, topicRecordCodec } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import { KEYS } from './controller-fixtures';
import { ClusterWorld } from './world/cluster-world';

const LIMIT = { timeoutMs: 5_000 };
const set = (name: string, value: string) => (present: Readonly<Record<string, string>>) => ({
  ...present,
  [name]: value,
});

async function started(fields: { partitions?: number; minIsr?: number } = {}) {
  const world = new ClusterWorld();
  await world.cluster(3);
  await world.run(500, 20);
  const topic = await world.createTopic('t', fields);
  await world.run(50);
  return { world, topic };
}

const admin = (world: ClusterWorld, broker: number) => world.processes[broker - 1]!.configs;

async function configsOf(world: ClusterWorld, topic: string): Promise<Record<string, string>> {
  const { kv } = await world.store.get(KEYS.topic(topic));
  return topicRecordCodec.decode(kv!.value, topic).configs;
}

async function brokerConfigs(world: ClusterWorld, broker: number | typeof ALL_BROKERS) {
  const key = KEYS.config('brokers', String(broker));
  const { kv } = await world.store.get(key);
  return kv === null ? null : configRecordCodec.decode(kv.value, key).configs;
}

describe('altering the configs of a topic', () => {
  it('works on any broker, whose image shows it when it resolves; nothing else of the topic changes', async () => {
    const { world, topic } = await started({ partitions: 2 });
    await world.until(admin(world, 3).alterTopic('t', set('retention.ms', '5'), LIMIT));
    const { value } = world.processes[2]!.tracker.image.topics.get('t')!;
    expect(value).toEqual({ ...topic, configs: { ...topic.configs, 'retention.ms': '5' } });
  });

  it('of two edits at once neither loses the other', async () => {
    const { world } = await started();
    const edits = [1, 2, 3].map((broker) => admin(world, broker).alterTopic('t', set(`${broker}`, 'x'), LIMIT));
    await world.until(Promise.all(edits));
    expect(await configsOf(world, 't')).toMatchObject({ 1: 'x', 2: 'x', 3: 'x' });
  });

  it('an edit whose answer was lost is made once', async () => {
    const { world } = await started();
    world.processes[0]!.store.loseAnswerTo((txn) =>
      txn.success.some((op) => op.type === 'put' && op.key === KEYS.topic('t')),
    );
    await world.until(admin(world, 1).alterTopic('t', set('retention.ms', '5'), LIMIT));
    expect(await configsOf(world, 't')).toMatchObject({ 'retention.ms': '5' });
    expect((await world.store.get(KEYS.topic('t'))).kv?.version).toBe(2);
  });

  it('an edit that changes nothing writes nothing, and yet notices what this broker has not seen', async () => {
    const { world } = await started();
    await world.until(admin(world, 2).alterTopic('t', set('retention.ms', '5'), LIMIT));
    await world.run(50);
    world.processes[1]!.store.holdWatch();
    await world.until(admin(world, 1).alterTopic('t', set('retention.ms', '6'), LIMIT));
    const stale = admin(world, 2).alterTopic('t', set('retention.ms', '5'), LIMIT);
    await world.run(50);
    world.processes[1]!.store.releaseWatch();
    await world.until(stale);
    expect(await configsOf(world, 't')).toMatchObject({ 'retention.ms': '5' });
    const { version } = (await world.store.get(KEYS.topic('t'))).kv!;
    await world.until(admin(world, 2).alterTopic('t', set('retention.ms', '5'), LIMIT));
    expect((await world.store.get(KEYS.topic('t'))).kv!.version).toBe(version);
  });

  it('refused edits and unknown topics change nothing', async () => {
    const { world } = await started();
    const refuse = () => {
      throw new OttlaError('INVALID_CONFIG', 'no');
    };
    const before = await world.store.snapshot(KEYS.prefix);
    await expect(admin(world, 1).alterTopic('t', refuse, LIMIT)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    await expect(admin(world, 1).alterTopic('u', set('a', 'b'), LIMIT)).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    });
    await admin(world, 1).alterTopic('t', set('a', 'b'), { ...LIMIT, validateOnly: true });
    expect((await world.store.snapshot(KEYS.topics())).entries).toEqual(
      before.entries.filter(({ key }) => key.startsWith(KEYS.topics())),
    );
  });
});

describe('min.insync.replicas', () => {
  it('of a topic: when it resolves, every partition has the effective minimum, at most its replicas', async () => {
    const { world, topic } = await started({ partitions: 3 });
    await world.until(admin(world, 2).alterTopic('t', set('min.insync.replicas', '7'), LIMIT));
    for (const partition of [0, 1, 2]) expect((await world.partition(topic, partition)).minIsr).toBe(3);
  });

  it('of all brokers: topics without a minimum of their own follow, and new ones begin with it', async () => {
    const world = new ClusterWorld();
    await world.cluster(3);
    await world.run(500, 20);
    const create = (name: string) =>
      world.until(world.processes[0]!.topics.createTopic({ name, partitions: 1, replicationFactor: 3 }, LIMIT));
    const before = (await create('before')).topic;
    const own = await world.createTopic('own', { minIsr: 1 });
    await world.until(admin(world, 3).alterBrokers(null, set('min.insync.replicas', '2'), LIMIT));
    const after = (await create('after')).topic;
    const minima = await Promise.all([before, own, after].map(async (topic) => (await world.partition(topic)).minIsr));
    expect(minima).toEqual([2, 1, 2]);
    expect(await brokerConfigs(world, ALL_BROKERS)).toEqual({ 'min.insync.replicas': '2' });
    await world.until(admin(world, 1).alterBrokers(null, () => ({}), LIMIT));
    expect((await world.partition(after)).minIsr).toBe(1);
  });

  it('empties the eligible leaders in the same write', async () => {
    const { world, topic } = await started({ minIsr: 2 });
    const key = KEYS.partition(topic.topicId, 0);
    const seen: { minIsr: number; elr: number }[] = [];
    world.store.watch(KEYS.prefix, 1, {
      onRevision: (_revision, events) => {
        for (const event of events) {
          if (event.type !== 'put' || event.kv.key !== key) continue;
          const { minIsr, elr } = partitionRecordCodec.decode(event.kv.value, key);
          seen.push({ minIsr, elr: elr.length });
        }
      },
      onCompacted: () => {},
    });
    world.processes[2]!.kill();
    world.processes[1]!.kill();
    await world.untilTrue(async () => (await world.partition(topic)).elr.length > 0);
    const { minIsr, elr } = await world.partition(topic);
    await world.until(admin(world, 1).alterTopic('t', set('min.insync.replicas', '3'), LIMIT));
    await world.run(50);
    expect(seen).toContainEqual({ minIsr, elr: elr.length });
    expect(seen.at(-1)).toEqual({ minIsr: 3, elr: 0 });
    expect(seen.filter((state) => state.minIsr === 3 && state.elr > 0)).toEqual([]);
  });

  it('without a controller: the change is stored, and does not wait for ever', async () => {
    const { world } = await started();
    world.processes[0]!.pause();
    await world.until(admin(world, 2).alterTopic('t', set('min.insync.replicas', '3'), LIMIT), 10_000);
    expect(await configsOf(world, 't')).toMatchObject({ 'min.insync.replicas': '3' });
  });
});

it('unclean.leader.election.enable of all brokers: a partition that nobody may lead is led at once', async () => {
  const { world, topic } = await started({ minIsr: 1 });
  const record = await world.partition(topic);
  const nobody = { leader: null, lastKnownLeader: null, isr: [{ broker: 3, logId: 'lost' }], elr: [] };
  const value = partitionRecordCodec.encode({ ...record, ...nobody, leaderEpoch: record.leaderEpoch + 1 });
  const key = KEYS.partition(topic.topicId, 0);
  await world.store.txn({ compare: [], success: [{ type: 'put', key, value }] });
  await world.run(10_000, 50);
  expect((await world.partition(topic)).leader).toBeNull();
  await world.until(admin(world, 1).alterBrokers(null, set('unclean.leader.election.enable', 'true'), LIMIT));
  await world.untilTrue(async () => (await world.partition(topic)).leader?.broker === 1, 2_000);
  expect((await world.partition(topic)).unclean).toBe(true);
});
