import type { Disk } from '@ottla/runtime';
import { damaged, decodeCheckpoint, encodeCheckpoint, parseNumbers } from './text-checkpoint';

/** An offset a partition, by `topic-partition`; Kafka's format, a line `topic partition offset` each. */
export type PartitionOffsets = Map<string, { topic: string; partition: number; offset: number }>;

export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** Empty when there is no file. Throws `KAFKA_STORAGE_ERROR` when it is damaged. */
export async function readPartitionOffsets(disk: Disk, path: string): Promise<PartitionOffsets> {
  const offsets: PartitionOffsets = new Map();
  const bytes = await disk.readFile(path);
  if (bytes === null) return offsets;
  for (const line of decodeCheckpoint(path, bytes)) {
    const [topic, ...fields] = line.split(' ');
    const [partition, offset] = parseNumbers(path, line, fields);
    if (topic === undefined || fields.length !== 2) throw damaged(path, `the line '${line}' makes no sense`);
    const entry = { topic, partition: partition as number, offset: offset as number };
    offsets.set(partitionKey(topic, entry.partition), entry);
  }
  return offsets;
}

export function encodePartitionOffsets(offsets: PartitionOffsets): Uint8Array {
  const lines = [...offsets.values()].map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`);
  return encodeCheckpoint(lines.sort());
}
