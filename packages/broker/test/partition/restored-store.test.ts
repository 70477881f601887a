import { partitionFolder } from '../support/folders';
import { eventually, MemberWorld } from '../support/member-world';
import { produce, valuesOf } from '../support/replica-world';

let world: MemberWorld;

beforeEach(() => {
  world = new MemberWorld();
});

afterEach(() => world.closeAll());

jest.setTimeout(20_000);

async function threeBrokers(): Promise<void> {
  for (const id of [1, 2, 3]) await world.start(id);
}

/** With its replicas in this order. */
async function createTopic(name: string, replicas: number[]): Promise<void> {
  const [broker] = world.brokers.values();
  const assignments = [replicas];
  const request = { name, partitions: -1, replicationFactor: -1, assignments, configs: {} };
  await broker!.topics.createTopic(request as never, { timeoutMs: 5_000, validateOnly: false } as never);
  await eventually(() => world.leader(name) !== null, `${name} to be led`);
}

const isr = (topic: string) => world.record(topic)?.isr.map(({ broker }) => broker) ?? [];
const isHealed = (generation: number, topic: string) => () =>
  world.generation() === generation && world.leader(topic) !== null && isr(topic).length === 3;

/** Produces, wherever the topic is led, until it's acknowledged. */
async function send(topic: string, value: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    await eventually(() => world.leader(topic) !== null, `${topic} to be led`);
    try {
      await produce(world.leader(topic)!, value);
      return;
    } catch (error) {
      if (attempt === 50 || !(error as { retriable?: boolean }).retriable) throw error;
    }
  }
}

/** What consumers read, once so many are there. */
async function readable(topic: string, count: number): Promise<string[]> {
  await eventually(() => (world.leader(topic)?.highWatermark ?? 0) >= count, `${count} records of ${topic}`);
  return valuesOf(world.leader(topic)!);
}

describe('a store restored from a backup under running brokers', () => {
  it('a new generation begins: nothing acknowledged is lost, epochs go above all that were, and life goes on', async () => {
    await threeBrokers();
    await createTopic('letters', [1, 2, 3]);
    await send('letters', 'before');
    const backup = world.backup();
    const disk = await world.kill(1);
    await eventually(() => world.leader('letters') !== null, 'another leader');
    await send('letters', 'between');
    await world.start(1, disk);
    await eventually(() => isr('letters').length === 3, 'all in sync');
    const { leaderEpoch } = world.record('letters')!;

    world.restore(backup);
    await eventually(isHealed(2, 'letters'), 'a second generation, with all in sync');
    expect(world.record('letters')!.leaderEpoch).toBeGreaterThan(leaderEpoch);
    expect(world.record('letters')!.unclean).toBe(false);
    await send('letters', 'after');
    expect(await readable('letters', 3)).toEqual(['before', 'between', 'after']);
  });

  it('who was in the ISR of the backup and missed records since does not lead over one that has them', async () => {
    await threeBrokers();
    await createTopic('letters', [3, 1, 2]);
    await send('letters', 'before');
    const backup = world.backup();
    const disk = await world.kill(3);
    await eventually(() => world.leader('letters') !== null, 'another leader');
    await eventually(() => !isr('letters').includes(3), 'broker 3 to leave the ISR');
    await send('letters', 'acknowledged without broker 3');
    // Its disk as it was then, so that it couldn't catch up before the restore.
    world.restore(backup);
    await world.start(3, disk);
    await eventually(isHealed(2, 'letters'), 'a second generation, with all in sync');
    expect(await readable('letters', 2)).toEqual(['before', 'acknowledged without broker 3']);
  });

  it('a broker that stays away is not waited for for ever; what it may have had is reported as doubtful', async () => {
    await threeBrokers();
    await createTopic('letters', [1, 2, 3]);
    await send('letters', 'before');
    const backup = world.backup();
    await world.kill(3);
    await send('letters', 'after');
    world.restore(backup);
    await eventually(() => world.generation() === 2 && world.leader('letters') !== null, 'a second generation');
    expect(world.record('letters')).toMatchObject({ unclean: true });
    expect(await readable('letters', 2)).toEqual(['before', 'after']);
  });

  it('all brokers start only after the restore: their logs know better than the store', async () => {
    await threeBrokers();
    await createTopic('letters', [1, 2, 3]);
    const backup = world.backup();
    await world.kill(1);
    await eventually(() => world.leader('letters') !== null, 'another leader');
    await send('letters', 'in a later epoch');
    const disks = [await world.kill(2), await world.kill(3)];
    world.restore(backup);
    await world.start(2, disks[0]);
    await world.start(3, disks[1]);
    await eventually(() => world.generation() === 2 && world.leader('letters') !== null, 'a second generation');
    expect(await readable('letters', 1)).toEqual(['in a later epoch']);
  });

  it('all brokers start only after the restore, with logs of no later epoch: what they had seen of the store tells', async () => {
    await threeBrokers();
    await createTopic('letters', [3, 1, 2]);
    await createTopic('others', [1, 2, 3]);
    const backup = world.backup();
    // Broker 2 falls behind; the leader epoch stays the same.
    const disks = [await world.kill(2)];
    await eventually(() => isr('letters').length === 2, 'broker 2 to leave the ISR');
    await send('letters', 'acknowledged without broker 2');
    await world.checkpoint(1);
    disks.push(await world.kill(1), await world.kill(3));
    world.restore(backup);
    await world.start(2, disks[0]);
    await world.start(1, disks[1]);
    await world.start(3, disks[2]);
    await eventually(isHealed(2, 'letters'), 'a second generation, with all in sync');
    expect(await readable('letters', 1)).toEqual(['acknowledged without broker 2']);
  });

  it('a topic that the backup does not know: its replicas stop, its folders stay, and its name may be used again', async () => {
    await threeBrokers();
    await createTopic('letters', [1, 2, 3]);
    const backup = world.backup();
    await createTopic('unknown', [1, 2, 3]);
    await send('unknown', 'kept on disk');
    world.restore(backup);
    await eventually(isHealed(2, 'letters'), 'a second generation');
    await eventually(() => world.leader('unknown') === null, 'nobody to lead it');
    const [one] = world.brokers.values();
    expect(one!.warnings.filter((line) => /unknown-0: .* its folder stays/.test(line))).toHaveLength(1);
    await createTopic('unknown', [1, 2, 3]);
    await send('unknown', 'another topic');
    expect(await readable('unknown', 1)).toEqual(['another topic']);
    const folders = await partitionFolder(one!.disk.mount(), '/data', 'unknown-0');
    expect(folders).toHaveLength(2);
  });

  it('a topic that was deleted since comes back empty', async () => {
    await threeBrokers();
    await createTopic('letters', [1, 2, 3]);
    await createTopic('deleted', [1, 2, 3]);
    await send('deleted', 'gone');
    const backup = world.backup();
    const [one] = world.brokers.values();
    await one!.topics.deleteTopic({ name: 'deleted' } as never, { timeoutMs: 5_000, validateOnly: false } as never);
    await eventually(
      () => [...world.brokers.values()].every(({ replicas }) => [...replicas.hosts()].length === 1),
      'its end',
    );
    world.restore(backup);
    await eventually(isHealed(2, 'deleted'), 'a second generation');
    await send('deleted', 'again');
  });

  it('producer ids are not given out again', async () => {
    await threeBrokers();
    await createTopic('letters', [1, 2, 3]);
    const [one, two] = [...world.brokers.values()];
    const given = [(await one!.producerIds.next()).producerId];
    const backup = world.backup();
    given.push((await two!.producerIds.next()).producerId);
    world.restore(backup);
    await eventually(isHealed(2, 'letters'), 'a second generation');
    for (const { producerIds } of world.brokers.values()) given.push((await producerIds.next()).producerId);
    expect(new Set(given).size).toBe(given.length);
    const third = (await [...world.brokers.values()][2]!.producerIds.next()).producerId;
    expect(third).toBeGreaterThan(1_000_000);
  });
});
