import { Kafka, logLevel } from 'kafkajs';
import { waitFor } from './wait';

/** Every value of partition 0 of a topic from its start to its present end, by kafkajs. */
export async function readAll(brokers: string[], topic: string): Promise<string[]> {
  const kafka = new Kafka({ clientId: 'read-back', brokers, logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const [offsets] = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const end = Number(offsets!.high);
  const consumer = kafka.consumer({ groupId: `read-back-${topic}-${process.pid}` });
  const values: string[] = [];
  let next = 0;
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value!.toString());
        next = Number(message.offset) + 1;
      },
    });
    await waitFor(`${topic} to be read up to offset ${end}`, () => next >= end, 60_000);
  } finally {
    await consumer.disconnect();
  }
  return values;
}
