import { ImageTracker } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import { MemoryDisk, nodeClock, nodeRandom, silentLogger } from '@ottla/runtime';
import { eventually } from '../support/eventually';
import { PartitionController } from '../support/partition-controller';
import { produce, ReplicaWorld, TOPIC_ID, valuesOf } from '../support/replica-world';

let world: ReplicaWorld;
let tracker: ImageTracker;
let controller: PartitionController;

beforeEach(async () => {
  world = new ReplicaWorld();
  await world.create();
  tracker = new ImageTracker({
    ...{ clock: nodeClock, random: nodeRandom, logger: silentLogger },
    ...{ store: world.store, clusterId: 'world' },
  });
  await tracker.start();
  for (const id of [1, 2, 3]) await world.start(id);
  await world.createTopic(1, 2, 3);
  controller = new PartitionController(tracker, 2);
  await recordWhen(({ minIsr }) => minIsr === 2, 'the minimum to be 2');
});

afterEach(async () => {
  await controller.close();
  tracker.close();
  await world.closeAll();
});

const record = (): PartitionRecord => tracker.image.partitions.get(TOPIC_ID)!.get(0)!.value;
const ids = (members: readonly { broker: number }[]): number[] => members.map(({ broker }) => broker).sort();
const partitionOn = (id: number) => world.brokers.get(id)!.partition();

function recordWhen(condition: (now: PartitionRecord) => boolean, what: string): Promise<void> {
  return eventually(() => condition(record()), what, 5_000);
}

describe('a partition with a minimum of two in sync', () => {
  /** Only broker 1 is left, then nobody. Answers the disks. */
  async function loseAll(): Promise<{ disks: Map<number, MemoryDisk>; acknowledged: string[] }> {
    const acknowledged = ['a', 'b', 'c'];
    const disks = new Map<number, MemoryDisk>();
    await produce(partitionOn(1), 'a');
    disks.set(3, await world.kill(3));
    await recordWhen(({ isr }) => ids(isr).join() === '1,2', 'broker 3 to leave the ISR');
    await produce(partitionOn(1), 'b');
    await produce(partitionOn(1), 'c');
    disks.set(2, await world.kill(2));
    await recordWhen(({ isr, elr }) => ids(isr).join() === '1' && ids(elr).join() === '2', 'broker 2 to be eligible');
    await eventually(() => world.brokers.get(1)!.tracker.image.revision >= tracker.image.revision, 'broker 1 to know');
    await expect(produce(partitionOn(1), 'too few')).rejects.toMatchObject({ code: 'NOT_ENOUGH_REPLICAS' });
    disks.set(1, await world.kill(1));
    await recordWhen(({ leader, elr }) => leader === null && ids(elr).join() === '1,2', 'nobody to lead');
    return { disks, acknowledged };
  }

  it('loses nothing that was acknowledged when the last member lost its disk: who is eligible is waited for', async () => {
    const { disks, acknowledged } = await loseAll();
    await world.start(1, new MemoryDisk());
    await recordWhen(({ elr }) => ids(elr).join() === '2', 'broker 1, whose log is gone, to be eligible no longer');
    await world.start(3, disks.get(3)!);
    expect(record().leader).toBeNull();

    await world.start(2, disks.get(2)!);
    await recordWhen(({ leader }) => leader?.broker === 2, 'broker 2 to lead');
    expect(record().unclean).toBe(false);
    await recordWhen(({ isr }) => isr.length === 3, 'the others to be in sync, the empty disk too');
    await produce(partitionOn(2), 'd');
    expect(await valuesOf(partitionOn(2))).toEqual([...acknowledged, 'd']);
    for (const id of [1, 3]) expect(partitionOn(id).logEnd).toBe(4);
  });

  it('loses nothing when the minimum is changed while nobody leads: the eligible are not forgotten', async () => {
    const { disks, acknowledged } = await loseAll();
    await controller.close();
    controller = new PartitionController(tracker, 1);
    await world.start(1, new MemoryDisk());
    await world.start(3, disks.get(3)!);
    await recordWhen(({ elr }) => ids(elr).join() === '2', 'broker 1, whose log is gone, to be eligible no longer');
    expect(record()).toMatchObject({ leader: null, minIsr: 2 });
    await world.start(2, disks.get(2)!);
    await recordWhen(
      ({ leader, minIsr }) => leader?.broker === 2 && minIsr === 1,
      'broker 2 to lead, by the new minimum',
    );
    expect(record().unclean).toBe(false);
    await recordWhen(({ isr }) => isr.length === 3, 'the others to be in sync');
    expect(await valuesOf(partitionOn(2))).toEqual(acknowledged);
  });
});
