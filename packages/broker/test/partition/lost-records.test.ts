import type { MemoryDisk } from '@ottla/runtime';
import { eventually, MemberWorld } from '../support/member-world';
import { produce, valuesOf } from '../support/replica-world';

let world: MemberWorld;

beforeEach(() => {
  world = new MemberWorld();
});

afterEach(() => world.closeAll());

jest.setTimeout(20_000);

async function createTopic(name: string, replicas: number[]): Promise<void> {
  const request = { name, partitions: -1, replicationFactor: -1, assignments: new Map([[0, replicas]]), configs: {} };
  const [broker] = world.brokers.values();
  await broker!.topics.createTopic(request as never, { timeoutMs: 5_000, validateOnly: false } as never);
  await eventually(() => world.leader(name) !== null, `${name} to be led`);
}

async function send(topic: string, value: string): Promise<void> {
  await eventually(() => world.leader(topic) !== null, `${topic} to be led`);
  await produce(world.leader(topic)!, value);
}

const isr = (topic: string) => world.record(topic)?.isr.map(({ broker }) => broker) ?? [];
const inSyncAs = (topic: string, id: number) => world.record(topic)?.isr.find(({ broker }) => broker === id)?.logId;
const logIdOf = (id: number) => world.brokers.get(id)!.directory.logId;

/** Broker 1 alone holds the topic, which it may lead at once, but not cleanly when it has lost something. */
async function alone(): Promise<void> {
  await world.start(1);
  await createTopic('letters', [1]);
  for (const value of ['a', 'b', 'c']) await send('letters', value);
}

it('an older copy of a data directory is not taken for what was acknowledged since, on the same boot either', async () => {
  await alone();
  const { logId } = world.brokers.get(1)!.directory;
  const disk = await world.kill(1);
  const copy = disk.image();
  await world.start(1, disk);
  expect(logIdOf(1)).toBe(logId);
  await send('letters', 'acknowledged later');
  await world.kill(1);
  disk.restore(copy);
  await world.start(1, disk);
  expect(logIdOf(1)).not.toBe(logId);
  await eventually(() => world.leader('letters') !== null, 'a leader');
  expect(world.record('letters')?.unclean).toBe(true);
});

it('a replica of an older copy follows, and joins the ISR when it has what it lacks', async () => {
  for (const id of [1, 2, 3]) await world.start(id);
  await createTopic('letters', [1, 2, 3]);
  await send('letters', 'a');
  await eventually(() => isr('letters').length === 3, 'three in sync');
  const disk = await world.kill(1);
  const copy = disk.image();
  await world.start(1, disk);
  await eventually(() => isr('letters').length === 3, 'three in sync again');
  await send('letters', 'b');
  await world.kill(1);
  disk.restore(copy);
  await world.start(1, disk);
  await eventually(() => inSyncAs('letters', 1) === logIdOf(1), 'the copy in sync');
  expect(await valuesOf(world.leader('letters')!)).toEqual(expect.arrayContaining(['a', 'b']));
});

it('a log that recovery has to cut behind damage does not lead under the log id that says it is whole', async () => {
  await alone();
  const { logId } = world.brokers.get(1)!.directory;
  const disk = await world.kill(1);
  await damage(disk, 'letters-0');
  await world.start(1, disk);
  expect(logIdOf(1)).not.toBe(logId);
  await eventually(() => world.leader('letters') !== null, 'a leader');
  expect(world.record('letters')?.unclean).toBe(true);
});

it('damage in one log is told of with the log id that all replicas of the broker have', async () => {
  for (const id of [1, 2, 3]) await world.start(id);
  for (const topic of ['letters', 'parcels']) {
    await createTopic(topic, [1, 2, 3]);
    for (const value of ['a', 'b', 'c']) await send(topic, value);
    await eventually(() => isr(topic).length === 3, 'three in sync');
  }
  const disk = await world.kill(1);
  await damage(disk, 'letters-0');
  await world.start(1, disk);
  for (const topic of ['letters', 'parcels']) {
    await eventually(() => inSyncAs(topic, 1) === logIdOf(1), 'three in sync again');
    expect(await valuesOf(world.leader(topic)!)).toEqual(['a', 'b', 'c']);
  }
});

/** The second batch of a partition's log changes by itself. */
async function damage(disk: MemoryDisk, folder: string): Promise<void> {
  const file = await disk.open(`/data/${folder}/00000000000000000000.log`, 'read-write');
  await file.write([Uint8Array.of(0x55)], Math.trunc((await file.size()) / 2));
  await file.close();
}
