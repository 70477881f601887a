import { Kafka, logLevel } from 'kafkajs';
import { registerCodecs } from '../../harness/kafkajs-codecs';
import { waitFor } from '../../harness/wait';
import { command } from '../machine/commands';
import type { Read } from './journal';
import { sequenceOf } from './values';

const DEADLINE_MS = 600_000;

/** A whole partition from its beginning, by kcat without a group. */
export async function readByKcat(bootstrap: string, topic: string, partition: number): Promise<Read[]> {
  const where = ['-b', bootstrap, '-t', topic, '-p', String(partition), '-o', 'beginning', '-e', '-q'];
  const text = await command('kcat', ['-C', ...where, '-f', '%o %s\\n'], DEADLINE_MS);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const space = line.indexOf(' ');
    return { offset: Number(line.slice(0, space)), sequence: sequenceOf(line.slice(space + 1)) };
  });
}

/** Whole topics from their beginning to their present end, by a new group of kafkajs; by `topic-partition`. */
export async function readByKafkajs(bootstrap: string, topics: readonly string[]): Promise<Map<string, Read[]>> {
  registerCodecs();
  const kafka = new Kafka({ clientId: 'read-back', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING });
  const ends = await endsOf(kafka, topics);
  const records = new Map<string, Read[]>([...ends.keys()].map((name) => [name, []]));
  const consumer = kafka.consumer({ groupId: `read-back-${process.pid}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ topic, partition, message }) => {
        const read = { offset: Number(message.offset), sequence: sequenceOf(message.value) };
        records.get(`${topic}-${partition}`)!.push(read);
      },
    });
    const isComplete = (): boolean =>
      [...ends].every(([name, end]) => end === 0 || (records.get(name)!.at(-1)?.offset ?? -1) >= end - 1);
    await waitFor('kafkajs to read everything back', isComplete, DEADLINE_MS, 50);
  } finally {
    await consumer.disconnect();
  }
  return records;
}

async function endsOf(kafka: Kafka, topics: readonly string[]): Promise<Map<string, number>> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = new Map<string, number>();
  for (const topic of topics) {
    for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
      ends.set(`${topic}-${partition}`, Number(high));
    }
  }
  await admin.disconnect();
  return ends;
}
