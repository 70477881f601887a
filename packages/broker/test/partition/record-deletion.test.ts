import { checkProducedBatches } from '@ottla/protocol';
import { batchOf } from '../support/batches';
import { eventually } from '../support/eventually';
import { produce, ReplicaWorld, valuesOf, type WorldBroker } from '../support/replica-world';

let world: ReplicaWorld;

beforeEach(async () => {
  world = new ReplicaWorld();
  await world.create();
});

afterEach(() => world.closeAll());

async function twoBrokers(): Promise<[WorldBroker, WorldBroker]> {
  const brokers: [WorldBroker, WorldBroker] = [await world.start(1), await world.start(2)];
  await world.createTopic(1, 2);
  return brokers;
}

function produceAll(broker: WorldBroker, values: string[]): Promise<unknown> {
  const records = batchOf(values);
  const headers = checkProducedBatches(records, { maxMessageBytes: 1_000_000 });
  return broker.partition().produce(records, headers, { acks: -1, timeoutMs: 2_000 });
}

describe('deleting records', () => {
  it('is done on every replica when it is answered, and outlives a kill of both', async () => {
    const [one, two] = await twoBrokers();
    for (const value of ['a', 'b', 'c']) await produce(one.partition(), value);
    expect(await one.partition().deleteRecords(2, 2_000)).toEqual({ lowWatermark: 2 });
    expect([one.partition().logStart, two.partition().logStart]).toEqual([2, 2]);
    expect(await valuesOf(one.partition())).toEqual(['c']);
    await expect(
      one.partition().read(1, { maxBytes: 1, isolation: 'read_uncommitted', atLeastOne: true }),
    ).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
    });
    const disks = [await world.kill(1), await world.kill(2)];
    await world.start(1, disks[0]);
    await world.start(2, disks[1]);
    await world.elect(2, [1, 2]);
    await eventually(() => world.brokers.get(1)!.partition() !== null, 'broker 1 to open its replica');
    for (const broker of world.brokers.values()) expect(broker.partition().logStart).toBe(2);
  });

  it('an offset inside a batch: the batch stays, for consumers from there on, and for a replica on a new disk', async () => {
    const [one] = await twoBrokers();
    await produceAll(one, ['a', 'b', 'c']);
    await produceAll(one, ['d', 'e', 'f']);
    expect(await one.partition().deleteRecords(4, 2_000)).toEqual({ lowWatermark: 4 });
    await world.kill(2);
    const two = await world.start(2);
    await eventually(
      () => two.partition()?.logEnd === 6 && two.partition().logStart === 4,
      'the new disk to be filled',
    );
    await eventually(() => world.isr().length === 2, 'it to be in the ISR');
    await world.elect(2, [1, 2]);
    await eventually(() => two.partition().highWatermark === 6, 'all of it to be readable');
    expect(await valuesOf(two.partition())).toEqual(['d', 'e', 'f']);
  });

  it('a follower that was away meanwhile starts anew, and its leader goes on leading', async () => {
    const [one] = await twoBrokers();
    await produce(one.partition(), 'a');
    const disk = await world.kill(2);
    await produce(one.partition(), 'b');
    await one.partition().deleteRecords(-1, 2_000);
    await produce(one.partition(), 'c');
    const two = await world.start(2, disk);
    await eventually(() => two.partition()?.logEnd === 3, 'broker 2 to be filled');
    expect(two.partition().logStart).toBe(2);
    expect(one.partition().isLeader).toBe(true);
  });

  it('on a full disk it fails, the replica goes on, and it works once there is room', async () => {
    const [one] = await twoBrokers();
    await produce(one.partition(), 'a');
    one.disk.failNext('rename', { errno: 'ENOSPC', pathEndsWith: 'log-start-offsets', times: 1 });
    await expect(one.partition().deleteRecords(1, 2_000)).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    expect(one.partition().logStart).toBe(0);
    await produce(one.partition(), 'b');
    expect(await one.partition().deleteRecords(1, 2_000)).toEqual({ lowWatermark: 1 });
  });

  it('out of range behind the high watermark, and on a follower not at all', async () => {
    const [one, two] = await twoBrokers();
    await produce(one.partition(), 'a');
    await expect(one.partition().deleteRecords(2, 2_000)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    await expect(two.partition().deleteRecords(1, 2_000)).rejects.toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' });
  });
});
