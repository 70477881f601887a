import type { Disk } from '@ottla/runtime';

export const PARTITION_METADATA = 'partition.metadata';

const FORMAT = /^version: 0\ntopic_id: ([A-Za-z0-9_-]{22})\s*$/;

/** A UUID as Kafka prints it: base64url of its 16 bytes, without padding. */
export function toKafkaUuid(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');
}

export function fromKafkaUuid(text: string): string {
  const hex = Buffer.from(text, 'base64url').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The topic id that a partition's folder belongs to; null when the file is missing or not whole. */
export async function readTopicId(disk: Disk, dir: string): Promise<string | null> {
  const bytes = await disk.readFile(`${dir}/${PARTITION_METADATA}`);
  const match = bytes === null ? null : FORMAT.exec(new TextDecoder().decode(bytes));
  return match === null ? null : fromKafkaUuid(match[1] as string);
}

/** Not durable before the file and its folder are synced. */
export async function writeTopicId(disk: Disk, dir: string, topicId: string): Promise<void> {
  const file = await disk.open(`${dir}/${PARTITION_METADATA}`, 'create');
  try {
    const bytes = new TextEncoder().encode(`version: 0\ntopic_id: ${toKafkaUuid(topicId)}`);
    await file.write([bytes], 0);
    await file.truncate(bytes.length);
  } finally {
    await file.close();
  }
}

export async function syncTopicId(disk: Disk, dir: string): Promise<void> {
  const file = await disk.open(`${dir}/${PARTITION_METADATA}`, 'read-write');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
