import { deletionRecordCodec, partitionRecordCodec, topicRecordCodec } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import { nodeClock, silentLogger } from '@ottla/runtime';
import { Deletions } from '../../src/partition/deletions';
import { eventually } from '../support/eventually';
import { keys, produce, ReplicaWorld, TOPIC, TOPIC_ID, type WorldBroker } from '../support/replica-world';

let world: ReplicaWorld;
let broker: WorldBroker;
let deletions: Deletions;

beforeEach(async () => {
  world = new ReplicaWorld();
  await world.create();
  broker = await world.start(1);
  await world.createTopic(1);
  await produce(broker.partition(), 'to be forgotten');
  deletions = deletionsOn(broker);
});

function deletionsOn({ tracker, directory, replicas }: WorldBroker): Deletions {
  const made = new Deletions({
    ...{ broker: 1, clusterId: 'world', clock: nodeClock, logger: silentLogger, tracker, directory },
    release: (topicId, partition) => replicas.release(topicId, partition),
  });
  made.start();
  return made;
}

afterEach(async () => {
  await deletions.close();
  await world.closeAll();
});

const folders = async (): Promise<number> => (await broker.directory.partitionsOnDisk()).length;
const pending = (): number[] | undefined => broker.tracker.image.deletions.get(TOPIC_ID)?.value.brokers;

/** What deleting a topic writes, for the brokers that hold it. */
function recordDeletion(topicId: string, brokers: number[]): Promise<unknown> {
  const value = deletionRecordCodec.encode({ version: 1, topicId, name: TOPIC, partitions: 1, brokers });
  return world.store.txn({
    compare: [],
    success: [
      { type: 'delete', key: keys.topic(TOPIC) },
      { type: 'delete-prefix', prefix: keys.partitions(TOPIC_ID) },
      { type: 'put', key: keys.deletion(topicId), value },
    ],
  });
}

describe('a deleted topic', () => {
  it('loses its folders where a deletion record names its id, and the broker strikes itself off the record', async () => {
    await recordDeletion(TOPIC_ID, [1, 2]);
    await eventually(() => pending()?.join() === '2', 'broker 1 to strike itself off');
    expect(await folders()).toBe(0);
    expect(broker.replicas.get(TOPIC_ID, 0)).toBeNull();
  });

  it('keeps its folders where no deletion record names its id', async () => {
    const another = '99999999-2222-4333-8444-555555555555';
    await recordDeletion(another, [1]);
    await eventually(
      () => broker.tracker.image.deletions.get(another)?.value.brokers.length === 0,
      'the other record to be answered',
    );
    expect(await folders()).toBe(1);
  });

  it('and one of its name created at once: the new one is served, the old folder is gone', async () => {
    await recordDeletion(TOPIC_ID, [1, 2]);
    await createAgain();
    await eventually(() => broker.replicas.get(AGAIN, 0)?.isLeader === true, 'the new topic to be led');
    await produce(broker.replicas.get(AGAIN, 0)!, 'first of the new topic');
    await eventually(() => pending()?.join() === '2', 'broker 1 to strike itself off');
    expect(await broker.directory.partitionsOnDisk()).toEqual([{ topic: TOPIC, partition: 0, topicId: AGAIN }]);
    expect(await broker.disk.list('/data')).not.toContainEqual(expect.stringMatching(/stray/));
    expect(broker.replicas.get(AGAIN, 0)!.logEnd).toBe(1);
  });

  it('while its broker is away, and one of its name created: when the broker is back the old folder goes', async () => {
    await deletions.close();
    const disk = await world.kill(1);
    await recordDeletion(TOPIC_ID, [1, 2]);
    await createAgain();
    broker = await world.start(1, disk);
    deletions = deletionsOn(broker);
    await eventually(() => pending()?.join() === '2', 'broker 1 to strike itself off');
    await eventually(() => broker.replicas.get(AGAIN, 0) !== null, 'the new replica to be opened');
    expect(await broker.directory.partitionsOnDisk()).toEqual([{ topic: TOPIC, partition: 0, topicId: AGAIN }]);
    expect(await broker.disk.list('/data')).not.toContainEqual(expect.stringMatching(/stray/));
  });
});

const AGAIN = '22222222-2222-4333-8444-555555555555';

/** A topic of the same name, led by broker 1. */
async function createAgain(): Promise<void> {
  const record: PartitionRecord = {
    ...{ version: 1, replicas: [1], adding: [], removing: [], leaderEpoch: 0, elr: [], minIsr: 1, unclean: false },
    leader: { broker: 1, run: broker.run },
    isr: [{ broker: 1, logId: broker.logId }],
    lastKnownLeader: null,
  };
  const topic = { version: 1 as const, name: TOPIC, topicId: AGAIN, partitions: 1, configs: {}, internal: false };
  await world.store.txn({
    compare: [],
    success: [
      { type: 'put', key: keys.partition(AGAIN, 0), value: partitionRecordCodec.encode(record) },
      { type: 'put', key: keys.topic(TOPIC), value: topicRecordCodec.encode(topic) },
    ],
  });
}
