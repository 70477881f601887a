import type { AssignedPartition, ClusterClient, ConsumedRecords, TopicInfo } from '@ottla/client';
import type { KafkaRecord } from '@ottla/protocol';
import { CommandError } from '../command-error';
import { Output, OutputClosedError } from '../stdio/output';
import { jsonRecord, lineOf } from '../stdio/record-format';
import { withClient } from './with-client';

export interface ConsumeFlags {
  readonly topic: string;
  readonly bootstrap?: string;
  readonly partition?: number;
  /** `earliest`, `latest` or an offset. */
  readonly from: string;
  readonly max?: number;
  readonly exitAtEnd?: boolean;
  readonly keySeparator?: string;
  readonly json?: boolean;
}

/** Writes records to standard output until the end, so many, or nobody reads them any more. */
export async function consume(flags: ConsumeFlags): Promise<number> {
  const output = new Output();
  try {
    await withClient(flags.bootstrap, async (client) => {
      const partitions = await partitionsOf(client, flags);
      const consumer = client.consumer({ partitions, untilEnd: flags.exitAtEnd ?? false });
      await writeRecords(consumer, output, flags);
    });
  } catch (error) {
    if (!(error instanceof OutputClosedError)) throw error;
  }
  return 0;
}

const NEW_TOPIC_TRIES = 5;
const NEW_TOPIC_DELAY_MS = 100;

async function partitionsOf(client: ClusterClient, flags: ConsumeFlags): Promise<AssignedPartition[]> {
  const topic = await findTopic(client, flags.topic);
  const offset = flags.from === 'earliest' || flags.from === 'latest' ? flags.from : Number(flags.from);
  const all = topic.partitions.map(({ partition }) => partition);
  const chosen = flags.partition === undefined ? all : all.filter((partition) => partition === flags.partition);
  if (chosen.length === 0) {
    throw new CommandError(`topic ${flags.topic} has no partition ${flags.partition}: it has 0 to ${all.length - 1}`);
  }
  return chosen.map((partition) => ({ topic: flags.topic, partition, offset }));
}

/** A topic that has just been made may not be known everywhere yet. */
async function findTopic({ admin }: ClusterClient, name: string): Promise<TopicInfo> {
  for (let attempt = 1; ; attempt++) {
    const topic = (await admin.listTopics({ internal: true })).find((known) => known.name === name);
    if (topic !== undefined) return topic;
    if (attempt === NEW_TOPIC_TRIES) {
      throw new CommandError(`topic ${name} doesn't exist: \`ottla topics create ${name}\` makes it`);
    }
    await new Promise((resolve) => setTimeout(resolve, NEW_TOPIC_DELAY_MS));
  }
}

/** Writes what the consumer gives, at the pace of whoever reads the output. */
export async function writeRecords(
  consumer: AsyncIterable<ConsumedRecords>,
  output: Pick<Output, 'write' | 'flush'>,
  { max, json, keySeparator }: Pick<ConsumeFlags, 'max' | 'json' | 'keySeparator'>,
): Promise<void> {
  const separator = keySeparator === undefined ? null : new TextEncoder().encode(keySeparator);
  const format = (records: ConsumedRecords, record: KafkaRecord): Uint8Array[] =>
    json ? [jsonRecord(records.topic, records.partition, record)] : lineOf(record, separator);
  let left = max ?? Number.POSITIVE_INFINITY;
  for await (const records of consumer) {
    const parts: Uint8Array[] = [];
    for (const record of records) {
      parts.push(...format(records, record));
      if (--left === 0) break;
    }
    const room = output.write(Buffer.concat(parts));
    if (room !== null) await room;
    if (left === 0) break;
  }
  await output.flush();
}
