// Reads partition 0 of a topic from its start to its present end by @platformatic/kafka, in a process of its own: it is
// ESM, and wants a newer Node for zstd. Usage: node read-values.mjs BOOTSTRAP TOPIC; writes each value and a newline.
import { Consumer, ListOffsetTimestamps, MessagesStreamModes } from '@platformatic/kafka';

const [bootstrap, topic] = process.argv.slice(2);
const consumer = new Consumer({
  clientId: 'read-values',
  groupId: `read-values-${process.pid}`,
  bootstrapBrokers: bootstrap.split(','),
});
const ends = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.LATEST });
const end = ends.get(topic)[0];
const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: false });

const newline = Buffer.from('\n');
for await (const message of stream) {
  if (!process.stdout.write(Buffer.concat([message.value, newline]))) {
    await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
  if (message.offset + 1n >= end) break;
}
await consumer.close(true);
