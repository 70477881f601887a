import { deletionRecordCodec } from '@ottla/metadata';
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
  const { tracker, directory, replicas } = broker;
  deletions = new Deletions({
    ...{ broker: 1, clusterId: 'world', clock: nodeClock, logger: silentLogger, tracker, directory },
    release: (topicId, partition) => replicas.release(topicId, partition),
  });
  deletions.start();
});

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
});
