import { type BatchInput, checkProducedBatches } from '@ottla/protocol';
import type { LocalPartition } from '../../src/services';
import { batchOf } from '../support/batches';
import { eventually } from '../support/eventually';
import { keys, produce, ReplicaWorld, TOPIC_ID, valuesOf } from '../support/replica-world';

let world: ReplicaWorld;

beforeEach(async () => {
  world = new ReplicaWorld();
  await world.create();
});

afterEach(() => world.closeAll());

async function threeBrokers() {
  const brokers = [await world.start(1), await world.start(2), await world.start(3)] as const;
  await world.createTopic(1, 2, 3);
  return brokers;
}

function produceBatch(partition: LocalPartition, producer: Partial<BatchInput>): Promise<{ baseOffset: number }> {
  const records = batchOf(['once'], producer);
  const headers = checkProducedBatches(records, { maxMessageBytes: 1_000_000 });
  return partition.produce(records, headers, { acks: -1, timeoutMs: 2_000 });
}

describe('replicas on three brokers', () => {
  it('an acks=all produce is on every member of the ISR when it is acknowledged', async () => {
    const brokers = await threeBrokers();
    expect(await produce(brokers[0].partition(), 'first')).toMatchObject({ baseOffset: 0 });
    for (const broker of brokers) expect(broker.partition().logEnd).toBe(1);
  });

  it('a new leader serves what was acknowledged, and its followers go on from there', async () => {
    const [, two, three] = await threeBrokers();
    await produce(world.brokers.get(1)!.partition(), 'before');
    await world.kill(1);
    await world.elect(2, [2, 3]);
    await produce(two.partition(), 'after');
    expect(await valuesOf(two.partition())).toEqual(['before', 'after']);
    expect(three.partition().logEnd).toBe(2);
  });

  it('a produce to a broker that lost its leadership answers NOT_LEADER_OR_FOLLOWER', async () => {
    const [one] = await threeBrokers();
    await world.elect(2, [1, 2, 3]);
    await eventually(() => !one.partition().isLeader, 'broker 1 to follow');
    await expect(produce(one.partition(), 'late')).rejects.toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' });
  });

  it('a follower that dies leaves the ISR after the lag time, and comes back on its old disk with all records', async () => {
    const [one] = await threeBrokers();
    await produce(one.partition(), 'with three');
    const disk = await world.kill(3);
    await produce(one.partition(), 'with two');
    expect(world.isr()).toEqual([1, 2]);
    const three = await world.start(3, disk);
    await eventually(() => world.isr().length === 3, 'broker 3 to be in the ISR again');
    expect(three.partition().logEnd).toBe(2);
  });

  it('a follower that comes back with an empty disk is another replica: it leaves the ISR, is filled, and joins', async () => {
    const [one] = await threeBrokers();
    await produce(one.partition(), 'kept');
    await world.kill(3);
    const three = await world.start(3);
    await eventually(() => three.partition()?.logEnd === 1, 'broker 3 to be filled');
    await eventually(
      () =>
        one.tracker.image.partitions
          .get(TOPIC_ID)!
          .get(0)!
          .value.isr.some(({ logId }) => logId === three.logId),
      'the new replica of broker 3 to be in the ISR',
    );
    expect((await world.record()).value.isr).toHaveLength(3);
  });

  it('a leader whose registration is gone cannot change the ISR', async () => {
    const [one] = await threeBrokers();
    await world.store.txn({ compare: [], success: [{ type: 'delete', key: keys.broker(1) }] });
    await world.kill(3);
    const before = await world.record();
    await expect(produce(one.partition(), 'stuck', 1_200)).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' });
    expect((await world.record()).modRevision).toBe(before.modRevision);
  });

  it('a leader that cannot write fails the produce, gives up its leadership and leaves the ISR', async () => {
    const [one] = await threeBrokers();
    await produce(one.partition(), 'fine');
    one.disk.failNext('write', { errno: 'ENOSPC', pathEndsWith: '.log', times: 3 });
    await expect(produce(one.partition(), 'lost')).rejects.toMatchObject({ retriable: true });
    await eventually(
      () => world.brokers.get(2)!.tracker.image.partitions.get(TOPIC_ID)!.get(0)!.value.leader === null,
      'resignation',
    );
    expect((await world.record()).value.isr.map(({ broker }) => broker)).toEqual([2, 3]);
  });

  it('an idempotent batch that could not be written is no duplicate when it is sent again', async () => {
    const [one] = await threeBrokers();
    const send = (baseSequence: number) =>
      produceBatch(one.partition(), { producerId: 7, producerEpoch: 0, baseSequence });
    expect(await send(0)).toMatchObject({ baseOffset: 0 });
    one.disk.failNext('write', { errno: 'ENOSPC', pathEndsWith: '.log' });
    await expect(send(1)).rejects.toMatchObject({ retriable: true });
    await eventually(() => one.tracker.image.partitions.get(TOPIC_ID)!.get(0)!.value.leader === null, 'resignation');
    await world.elect(1, [1, 2, 3]);
    expect(await send(1)).toMatchObject({ baseOffset: 1 });
    expect(await send(1)).toMatchObject({ baseOffset: 1 });
    expect(one.partition().logEnd).toBe(2);
  });
});
