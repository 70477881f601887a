// Produces 0, 1, 2, ... to partition 0 of a topic by kafkajs's idempotent producer until its standard input ends. Each
// send is awaited before the next, since kafkajs keeps the order of an idempotent producer's records only so. Lines on
// standard output as of load-librdkafka.py.
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';

const job = JSON.parse(process.argv[2]);
const now = () => (Number(process.hrtime.bigint()) / 1e6).toFixed(3);
const say = (line) => process.stdout.write(`${line}\n`);
const clean = (text) => String(text).replaceAll('\n', ' ');

const { producer: producerSettings = {}, ...clientSettings } = job.settings;
const kafka = new kafkajs.Kafka({
  clientId: 'bench',
  brokers: job.bootstrap.split(','),
  logLevel: kafkajs.logLevel.ERROR,
  logCreator:
    () =>
    ({ log }) =>
      say(`~ ${now()} ${clean(log.error ?? log.message)}`),
  ...clientSettings,
});
const producer = kafka.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  ...producerSettings,
});

let stopping = false;
process.stdin.on('end', () => {
  stopping = true;
});
process.stdin.resume();

await producer.connect();
let sequence = 0;
while (!stopping) {
  const value = String(sequence++);
  try {
    await producer.send({ topic: job.topic, acks: -1, messages: [{ partition: 0, value }] });
    say(`+ ${value} ${now()}`);
  } catch (error) {
    say(`! ${value} ${now()} ${clean(error.message)}`);
  }
  await sleep(job.intervalMs);
}
await producer.disconnect();
say(`= ${sequence}`);
process.exit(0);
