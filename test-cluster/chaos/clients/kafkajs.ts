import { setTimeout as sleep } from 'node:timers/promises';
import {
  CompressionTypes,
  type Consumer,
  type EachBatchHandler,
  Kafka,
  type LogEntry,
  logLevel,
  type Producer,
  type RetryOptions,
} from 'kafkajs';
import { registerCodecs } from '../../harness/kafkajs-codecs';
import { type Journal, monotonicMs } from './journal';
import type { Client } from './librdkafka';
import { recordValue, sequenceOf } from './values';

const CLIENT = 'kafkajs';
const RETRY = { initialRetryTime: 50, maxRetryTime: 1_000, multiplier: 1.5, retries: 600 };
/** A consumer looks for its coordinator again only when it has given up, and is started again. */
const CONSUMER_RETRY = { ...RETRY, retries: 4, restartOnFailure: async () => true };
const COMMIT_MS = 500;
const RECORDS_AT_ONCE = 3;

function connectTo(bootstrap: string, journal: Journal, retry: RetryOptions): Kafka {
  const logCreator =
    () =>
    ({ log }: LogEntry): void =>
      journal.complain(CLIENT, `${log.message} ${log.error ?? ''}`);
  return new Kafka({
    clientId: 'chaos',
    brokers: bootstrap.split(','),
    logLevel: logLevel.ERROR,
    logCreator,
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry,
  });
}

/**
 * Idempotent acks=all producers, one for each partition of a topic. Each send is awaited before the next, since kafkajs
 * keeps the order of an idempotent producer's records only so.
 */
export function kafkajsProducer(
  journal: Journal,
  target: { bootstrap: string; topic: string; partitions: number; intervalMs: number },
): Client {
  const kafka = connectTo(target.bootstrap, journal, RETRY);
  const partitions = Array.from({ length: target.partitions }, (_, partition) => partition);
  let stopping = false;
  const producing = partitions.map((partition) => produceTo(partition));
  const done = Promise.all(producing);
  done.catch(() => {});

  async function produceTo(partition: number): Promise<void> {
    const stream = journal.producedTo(CLIENT, target.topic, partition);
    let producer: Producer | null = null;
    for (let sequence = 0; !stopping; ) {
      const count = 1 + (sequence % RECORDS_AT_ONCE);
      const sequences = Array.from({ length: count }, (_, index) => sequence + index);
      sequence += count;
      try {
        producer ??= await newProducer();
        const messages = sequences.map((each) => ({ partition, value: recordValue(each) }));
        const compression = CompressionTypes.GZIP;
        const [sent] = await producer.send({ topic: target.topic, acks: -1, compression, messages });
        const at = monotonicMs();
        // A duplicate of what had been written may be answered without saying where.
        const base = Number(sent?.baseOffset ?? -1);
        sequences.forEach((each, index) => {
          stream.acknowledge({ sequence: each, offset: base < 0 ? -1 : base + index, at });
        });
      } catch (error) {
        for (const each of sequences) stream.failed.push({ sequence: each, error: String(error) });
        // What is in flight may still be written: a producer that gave up is replaced by a new one.
        await producer?.disconnect().catch(() => {});
        producer = null;
      }
      await sleep(target.intervalMs);
    }
    await producer?.disconnect();
  }

  async function newProducer(): Promise<Producer> {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry: RETRY });
    await producer.connect();
    return producer;
  }

  return {
    close: async () => {
      stopping = true;
      await done;
    },
    killNow: () => {
      stopping = true;
    },
  };
}

/** A member of a group of its own that reads topics from the beginning, and commits. */
export async function kafkajsConsumer(
  journal: Journal,
  source: { bootstrap: string; topics: readonly string[] },
): Promise<Client> {
  registerCodecs();
  const kafka = connectTo(source.bootstrap, journal, CONSUMER_RETRY);
  let closing = false;
  let consumer = await join();

  async function join(): Promise<Consumer> {
    const member = kafka.consumer({
      groupId: `${CLIENT}-readers`,
      maxWaitTimeInMs: 500,
      // One that starts again waits until its former self has expired.
      sessionTimeout: 10_000,
      retry: CONSUMER_RETRY,
    });
    member.on(member.events.CRASH, ({ payload }) => {
      if (!payload.restart && !closing) void joinAgain();
    });
    await member.connect();
    await member.subscribe({ topics: [...source.topics], fromBeginning: true });
    await member.run({ autoCommit: false, eachBatch: readerFor(member, journal) });
    return member;
  }

  /** After an error with which kafkajs leaves it to the application to start again. */
  async function joinAgain(): Promise<void> {
    while (!closing) {
      await sleep(RETRY.maxRetryTime);
      try {
        await consumer.disconnect();
        consumer = await join();
        return;
      } catch (error) {
        journal.complain(CLIENT, `joining again: ${String(error)}`);
      }
    }
  }

  const close = async (): Promise<void> => {
    closing = true;
    await consumer.disconnect();
  };
  return { close, killNow: () => void close().catch(() => {}) };
}

function readerFor(member: Consumer, journal: Journal): EachBatchHandler {
  let commitAt = 0;
  return async ({ batch, isRunning, isStale, resolveOffset, heartbeat }) => {
    const stream = journal.consumedFrom(CLIENT, batch.topic, batch.partition);
    for (const { offset, value } of batch.messages) {
      if (!isRunning() || isStale()) return;
      stream.read({ offset: Number(offset), sequence: sequenceOf(value) }, monotonicMs());
      resolveOffset(offset);
    }
    await heartbeat();
    if (monotonicMs() < commitAt) return;
    commitAt = monotonicMs() + COMMIT_MS;
    const next = Number(batch.lastOffset()) + 1;
    await member.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: String(next) }]);
    stream.commit(next);
  };
}
