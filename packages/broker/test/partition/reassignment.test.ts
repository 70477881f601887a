import { PartitionAdmin } from '@ottla/controller';
import { partitionRecordCodec } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import { nodeClock, silentLogger } from '@ottla/runtime';
import { Removals } from '../../src/partition/removals';
import { eventually } from '../support/eventually';
import { PartitionController } from '../support/partition-controller';
import { keys, produce, ReplicaWorld, TOPIC, TOPIC_ID, valuesOf, type WorldBroker } from '../support/replica-world';

const DEFAULTS = { partitions: 1, replicationFactor: 1, minInsyncReplicas: 1, uncleanLeaderElection: false };

let world: ReplicaWorld;
let controller: PartitionController | null;
const removals = new Map<number, Removals>();

beforeEach(async () => {
  world = new ReplicaWorld();
  await world.create();
});

afterEach(async () => {
  for (const removal of removals.values()) await removal.close();
  removals.clear();
  await controller?.close();
  controller = null;
  await world.closeAll();
});

/** Brokers 1 to 4, of which those named hold the topic; the first leads. */
async function clusterHolding(...ids: number[]): Promise<void> {
  for (const id of [1, 2, 3, 4]) removeOn(await world.start(id));
  await world.createTopic(...ids);
  for (let n = 0; n < 20; n++) await produce(world.brokers.get(ids[0]!)!.partition(), `record ${n}`);
  controller = new PartitionController(world.brokers.get(1)!.tracker);
}

const RECORDS = Array.from({ length: 20 }, (_, n) => `record ${n}`);

function removeOn({ id, tracker, directory, replicas }: WorldBroker): void {
  const shared = { clusterId: 'world', clock: nodeClock, logger: silentLogger };
  const removal = new Removals({
    ...{ ...shared, broker: id, tracker, directory },
    discard: (replica, remove) => replicas.discard(replica, remove),
  });
  removals.set(id, removal);
  removal.start();
}

async function stopRemovingOn(id: number): Promise<void> {
  await removals.get(id)!.close();
  removals.delete(id);
}

async function reassign(target: number[] | null): Promise<void> {
  const { tracker } = world.brokers.get(1)!;
  const admin = new PartitionAdmin({ view: tracker, clock: nodeClock, logger: silentLogger, defaults: DEFAULTS });
  const [result] = await admin.reassign([{ topic: TOPIC, partition: 0, replicas: target }], { timeoutMs: 5_000 });
  if (result?.error) throw result.error;
}

/** The record as broker 1 sees it, once the condition holds. */
async function recordWhen(condition: (record: PartitionRecord) => boolean, what: string): Promise<PartitionRecord> {
  const { tracker } = world.brokers.get(1)!;
  const record = (): PartitionRecord => tracker.image.partitions.get(TOPIC_ID)!.get(0)!.value;
  await eventually(() => condition(record()), what);
  return record();
}

const isSettledOn = (replicas: number[]) => (record: PartitionRecord) =>
  record.replicas.join() === replicas.join() &&
  record.adding.length + record.removing.length === 0 &&
  record.removed === undefined;

const folders = async (id: number): Promise<number> =>
  (await world.brokers.get(id)!.directory.partitionsOnDisk()).length;

describe('a reassignment', () => {
  it('brings in the new replica with all records, and the old one deletes its folder', async () => {
    await clusterHolding(1, 2);
    await reassign([1, 3]);
    const record = await recordWhen(
      isSettledOn([1, 3]),
      'the reassignment to complete and broker 2 to strike itself off',
    );
    expect(record.isr.map(({ broker }) => broker).sort()).toEqual([1, 3]);
    expect([await folders(1), await folders(2), await folders(3)]).toEqual([1, 0, 1]);
    expect(world.brokers.get(2)!.replicas.get(TOPIC_ID, 0)).toBeNull();
    expect(world.brokers.get(3)!.partition().logEnd).toBe(20);
  });

  it('of all replicas hands the leadership over; what is produced meanwhile is neither lost nor doubled', async () => {
    await clusterHolding(1, 2);
    const written: string[] = [];
    let stop = false;
    const producing = (async () => {
      for (let n = 20; !stop; n++) {
        const leader = [...world.brokers.values()].find((broker) => broker.replicas.get(TOPIC_ID, 0)?.isLeader);
        const done = leader && (await produce(leader.partition(), `record ${n}`).catch(() => null));
        if (done) written.push(`record ${n}`);
        await nodeClock.sleep(1);
      }
    })();
    await reassign([3, 4]);
    const { leader } = await recordWhen(isSettledOn([3, 4]), 'the reassignment to complete');
    await eventually(() => world.brokers.get(leader!.broker)!.partition().isLeader, 'the new leader to lead');
    const soFar = written.length;
    await eventually(() => written.length > soFar, 'a record to be acknowledged by the new leader');
    stop = true;
    await producing;
    expect([3, 4]).toContain(leader!.broker);
    const values = await valuesOf(world.brokers.get(leader!.broker)!.partition());
    expect(values.filter((value) => written.includes(value) || RECORDS.includes(value))).toEqual([
      ...RECORDS,
      ...written,
    ]);
    expect([await folders(1), await folders(2)]).toEqual([0, 0]);
  });

  it('cancelled while a new replica can not be reached: goes back, and the new one deletes what it had', async () => {
    await clusterHolding(1, 2);
    await world.kill(3);
    await world.register(3, 'run-3', 'log-3', 999);
    await eventually(() => world.brokers.get(1)!.tracker.image.brokers.has(3), 'broker 3 to be registered');
    await reassign([3, 4]);
    await recordWhen(({ isr }) => isr.some(({ broker }) => broker === 4), 'broker 4 to be in sync');
    await reassign(null);
    const record = await recordWhen(({ removed }) => removed?.join() === '3', 'broker 4 to strike itself off');
    expect(record).toMatchObject({ replicas: [1, 2], adding: [], removing: [] });
    expect(record).not.toHaveProperty('original');
    expect(await folders(4)).toBe(0);
    await produce(world.brokers.get(1)!.partition(), 'after');
    expect(await valuesOf(world.brokers.get(1)!.partition())).toEqual([...RECORDS, 'after']);
  });

  it('a broker that was away when its replica was removed deletes the folder when it is back', async () => {
    await clusterHolding(1, 2, 3);
    await stopRemovingOn(2);
    const disk = await world.kill(2);
    await reassign([1, 3]);
    await recordWhen(({ replicas, removed }) => replicas.join() === '1,3' && removed?.join() === '2', 'it to complete');
    removeOn(await world.start(2, disk));
    await recordWhen(isSettledOn([1, 3]), 'broker 2 to strike itself off');
    expect(await folders(2)).toBe(0);
  });

  it('back to a broker that has not deleted its folder yet: it keeps the folder and goes on from it', async () => {
    await clusterHolding(1, 2);
    await stopRemovingOn(2);
    await reassign([1, 3]);
    await recordWhen(({ removed }) => removed?.join() === '2', 'broker 2 to be removed');
    await reassign([1, 2]);
    await recordWhen(
      ({ replicas, isr }) => replicas.length === 2 && isr.some(({ broker }) => broker === 2),
      'it to be back',
    );
    removeOn(world.brokers.get(2)!);
    await produce(world.brokers.get(1)!.partition(), 'after');
    await recordWhen(isSettledOn([1, 2]), 'broker 3 to strike itself off');
    expect([await folders(2), await folders(3)]).toEqual([1, 0]);
    expect(world.brokers.get(2)!.partition().logEnd).toBe(21);
  });

  it('to and fro, without waiting: ends with every record on those asked for last', async () => {
    await clusterHolding(1, 2);
    for (const target of [
      [1, 3],
      [2, 1],
      [3, 1],
      [1, 2],
      [4, 1],
      [1, 3, 2],
    ]) {
      await reassign(target);
      await produce(world.brokers.get(1)!.partition(), 'on the way').catch(() => {});
    }
    await recordWhen(isSettledOn([1, 3, 2]), 'the last one to complete');
    const ends = [1, 2, 3].map((id) => world.brokers.get(id)!.partition().logEnd);
    expect(new Set(ends).size).toBe(1);
    expect((await valuesOf(world.brokers.get(1)!.partition())).slice(0, 20)).toEqual(RECORDS);
    expect(await folders(4)).toBe(0);
  });

  it('never lets a folder go without a record that says so, although the broker is not among the replicas', async () => {
    await clusterHolding(1, 2);
    const { value, modRevision } = await world.record();
    const only = { ...value, replicas: [1], isr: value.isr.filter(({ broker }) => broker === 1), leaderEpoch: 1 };
    const key = keys.partition(TOPIC_ID, 0);
    await world.store.txn({
      compare: [{ key, target: 'mod', equals: modRevision }],
      success: [{ type: 'put', key, value: partitionRecordCodec.encode(only) }],
    });
    await produce(world.brokers.get(1)!.partition(), 'alone').catch(() => {});
    await eventually(
      () => world.brokers.get(2)!.tracker.image.partitions.get(TOPIC_ID)!.get(0)!.value.leaderEpoch === 1,
      'seen',
    );
    expect(await folders(2)).toBe(1);
  });
});
