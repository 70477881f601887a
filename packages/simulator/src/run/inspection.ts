import type { KeyValue } from '@ottla/metadata';
import type { SimDisk } from '../disk/sim-disk';
import type { Inspection, ReplicaOnDisk } from './workload-world';
import type { World } from './world';

const DATA = '/data';
const PARTITION_FOLDER = /^(.+)-(\d+)$/;
const OUT_OF_USE = /-(delete|stray)$/;
const LOG_FILE = /^(\d{20})\.log$/;
const TOPIC_ID = /topic_id: ([A-Za-z0-9_-]{22})/;

/** What is true, whatever brokers believe. */
export function inspectionOf(world: World): Inspection {
  const diskOf = (broker: number): SimDisk => world.brokers.get(broker)!.disk;
  return {
    store: (): { revision: number; entries: readonly KeyValue[] } => world.store.contents(),
    onStore: (listener) => world.store.listen(listener),
    live: (broker) => world.live(broker),
    replicas: (broker) => replicasOn(broker, diskOf(broker)),
    dataLosses: (broker) => diskOf(broker).losses,
  };
}

function replicasOn(broker: number, { memory }: SimDisk): ReplicaOnDisk[] {
  return memory.names(DATA).flatMap((name): ReplicaOnDisk[] => {
    const match = PARTITION_FOLDER.exec(name);
    if (match === null || OUT_OF_USE.test(name)) return [];
    const folder = `${DATA}/${name}`;
    const segments = memory.names(folder).flatMap((file) => {
      const log = LOG_FILE.exec(file);
      return log === null ? [] : [{ baseOffset: Number(log[1]), bytes: memory.peek(`${folder}/${file}`)! }];
    });
    const topicId = topicIdIn(memory.peek(`${folder}/partition.metadata`));
    return [{ broker, topicId, topic: match[1]!, partition: Number(match[2]), folder, segments }];
  });
}

function topicIdIn(bytes: Uint8Array | null): string | null {
  const match = bytes === null ? null : TOPIC_ID.exec(Buffer.from(bytes).toString('latin1'));
  if (match === null) return null;
  const hex = Buffer.from(match[1]!, 'base64url').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
