import { encodeBatch, OttlaError } from '@ottla/protocol';
import { nodeCodecs } from '@ottla/runtime';
import { type ClusterClient, type ConsumedRecords, type Consumer, connect } from '../src';
import { FakeCluster } from './fake-cluster';
import type { FakeLog } from './fake-log';

let cluster: FakeCluster;
let client: ClusterClient;

beforeEach(async () => {
  cluster = await FakeCluster.start(2);
  client = await connect({ bootstrap: cluster.bootstrap, retryBackoffMs: 5, retryBackoffMaxMs: 20 });
});

afterEach(async () => {
  client.close();
  await cluster.close();
});

const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `${from + index}`);

/** Appends in batches of `perBatch` records. */
function append(log: FakeLog, values: string[], perBatch = 3, compression: 'none' | 'gzip' | 'zstd' = 'none'): void {
  for (let at = 0; at < values.length; at += perBatch) {
    const records = values
      .slice(at, at + perBatch)
      .map((value) => ({ timestamp: 1, key: null, value: Buffer.from(value) }));
    const compress = (payload: Uint8Array): Uint8Array => nodeCodecs.compress(compression, payload);
    log.append(
      encodeBatch({ records, ...(compression !== 'none' && { compression: { name: compression, compress } }) }),
      0,
    );
  }
}

const valuesOf = (records: ConsumedRecords): string[] =>
  [...records].map(({ value }) => Buffer.from(value!).toString());

async function readAll(consumer: Consumer): Promise<string[]> {
  const values: string[] = [];
  for await (const records of consumer) values.push(...valuesOf(records));
  return values;
}

/** Reads until so many values have come. */
async function read(consumer: AsyncIterator<ConsumedRecords>, count: number): Promise<string[]> {
  const values: string[] = [];
  while (values.length < count) values.push(...valuesOf((await consumer.next()).value));
  return values;
}

const t0 = { topic: 't', partition: 0 };

describe('reading', () => {
  it('from the first record to the last that is there', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(10));
    expect(await readAll(client.consumer({ partitions: [t0], untilEnd: true }))).toEqual(numbers(10));
  });

  it.each(['none', 'gzip', 'zstd'] as const)('batches compressed by %s', async (compression) => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(100), 50, compression);
    expect(await readAll(client.consumer({ partitions: [t0], untilEnd: true }))).toEqual(numbers(100));
  });

  it('from an offset inside a batch, only the records from there', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(10));
    const consumer = client.consumer({ partitions: [{ ...t0, offset: 4 }], untilEnd: true });
    expect(await readAll(consumer)).toEqual(numbers(6, 4));
  });

  it('from the latest offset, only what comes later', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(10));
    const consumer = client.consumer({ partitions: [{ ...t0, offset: 'latest' }] });
    const iterator = consumer[Symbol.asyncIterator]();
    const first = iterator.next();
    while (consumer.position('t', 0) === null) await new Promise(setImmediate);
    append(partition!.log, ['new']);
    expect(valuesOf((await first).value!)).toEqual(['new']);
    consumer.close();
  });

  it('from a time after all records, only what comes later', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(10));
    const consumer = client.consumer({ partitions: [{ ...t0, offset: { timestamp: 5_000 } }] });
    const iterator = consumer[Symbol.asyncIterator]();
    const first = iterator.next();
    while (consumer.position('t', 0) === null) await new Promise(setImmediate);
    expect(consumer.position('t', 0)).toBe(10);
    append(partition!.log, ['new']);
    expect(valuesOf((await first).value!)).toEqual(['new']);
    consumer.close();
  });

  it('an empty partition read until its end gives nothing, and ends', async () => {
    cluster.createTopic('t', 3);
    const partitions = [0, 1, 2].map((partition) => ({ topic: 't', partition }));
    expect(await readAll(client.consumer({ partitions, untilEnd: true }))).toEqual([]);
  });

  it('the end is where the log stood at the beginning, not where it grows to', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(9));
    const consumer = client.consumer({ partitions: [t0], untilEnd: true, prefetchBytes: 1 });
    const iterator = consumer[Symbol.asyncIterator]();
    const values = await read(iterator, 3);
    append(partition!.log, numbers(9, 9));
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      values.push(...valuesOf(next.value));
    expect(values).toEqual(numbers(9));
  });

  it('records above the high watermark are not read before it reaches them', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(6));
    partition!.log.heldAt = 3;
    const iterator = client.consumer({ partitions: [t0] })[Symbol.asyncIterator]();
    expect(await read(iterator, 3)).toEqual(numbers(3));
    const rest = read(iterator, 3);
    partition!.log.heldAt = null;
    partition!.log.wake();
    expect(await rest).toEqual(numbers(3, 3));
    await iterator.return!();
  });

  it('several partitions on several brokers', async () => {
    const partitions = cluster.createTopic('t', 4);
    for (const [number, { log }] of partitions.entries()) append(log, numbers(50, number * 50));
    const assigned = partitions.map((_, partition) => ({ topic: 't', partition }));
    const values = await readAll(client.consumer({ partitions: assigned, untilEnd: true }));
    expect(values.map(Number).sort((a, b) => a - b)).toEqual(numbers(200).map(Number));
  });

  it('what is fetched ahead of a slow reader is bounded', async () => {
    const [partition] = cluster.createTopic('t');
    append(
      partition!.log,
      numbers(300).map((value) => value.padEnd(1_000)),
      1,
    );
    const consumer = client.consumer({
      partitions: [t0],
      prefetchBytes: 20_000,
      maxPartitionFetchBytes: 5_000,
      untilEnd: true,
    });
    const iterator = consumer[Symbol.asyncIterator]();
    const values = await read(iterator, 1);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(consumer.position('t', 0)).toBeLessThan(40);
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      values.push(...valuesOf(next.value));
    expect(values.map((value) => value.trim())).toEqual(numbers(300));
  });

  it('a consumer that follows gets each batch as it comes', async () => {
    const [partition] = cluster.createTopic('t');
    const iterator = client.consumer({ partitions: [t0] })[Symbol.asyncIterator]();
    const values = read(iterator, 100);
    for (const value of numbers(100)) {
      append(partition!.log, [value]);
      await new Promise(setImmediate);
    }
    expect(await values).toEqual(numbers(100));
    await iterator.return!();
  });
});

describe('when things fail', () => {
  it('the leader moves: the consumer follows, losing and repeating nothing', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(30));
    const iterator = client.consumer({ partitions: [t0] })[Symbol.asyncIterator]();
    const values = await read(iterator, 30);
    cluster.moveLeader('t', 0, 2);
    append(partition!.log, numbers(30, 30));
    values.push(...(await read(iterator, 30)));
    expect(values).toEqual(numbers(60));
    await iterator.return!();
  });

  it('the leader dies, another is elected', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(30));
    const iterator = client.consumer({ partitions: [t0] })[Symbol.asyncIterator]();
    const values = await read(iterator, 30);
    await cluster.killBroker(1);
    cluster.moveLeader('t', 0, 2);
    append(partition!.log, numbers(30, 30));
    values.push(...(await read(iterator, 30)));
    expect(values).toEqual(numbers(60));
    await iterator.return!();
  });

  it('a partition without a leader for too long fails the iteration, after what was fetched', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(3));
    const iterator = client.consumer({ partitions: [t0], retryTimeoutMs: 50 })[Symbol.asyncIterator]();
    const values = await read(iterator, 3);
    cluster.moveLeader('t', 0, -1);
    expect(values).toEqual(numbers(3));
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LEADER_NOT_AVAILABLE', retriable: true });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it.each([
    ['a topic', { topic: 'nowhere', partition: 0 }, /topic nowhere doesn't exist/],
    ['a partition', { topic: 't', partition: 9 }, /topic t has no partition 9: it has 1, counted from 0/],
  ])('%s that does not exist fails at once', async (_name, assigned, message) => {
    cluster.createTopic('t');
    await expect(readAll(client.consumer({ partitions: [assigned] }))).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: expect.stringMatching(message),
    });
  });

  it('an offset out of range fails the iteration, or starts over where it is told to', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(10));
    const partitions = [{ ...t0, offset: 99 }];
    await expect(readAll(client.consumer({ partitions }))).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    const again = client.consumer({ partitions, autoOffsetReset: 'earliest', untilEnd: true });
    expect(await readAll(again)).toEqual(numbers(10));
  });

  it('a damaged batch fails the reading of its records', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(3));
    partition!.log.batches[0]!.bytes[70]! ^= 0xff;
    await expect(readAll(client.consumer({ partitions: [t0], untilEnd: true }))).rejects.toMatchObject({
      code: 'CORRUPT_MESSAGE',
    });
  });

  it('an aborted signal ends the iteration with its reason', async () => {
    cluster.createTopic('t');
    const abort = new AbortController();
    const reading = readAll(client.consumer({ partitions: [t0], signal: abort.signal }));
    abort.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });

  it('close ends an iteration that waits', async () => {
    cluster.createTopic('t');
    const consumer = client.consumer({ partitions: [t0] });
    const reading = readAll(consumer);
    consumer.close();
    expect(await reading).toEqual([]);
  });

  it('leaving the iteration closes the consumer', async () => {
    const [partition] = cluster.createTopic('t');
    append(partition!.log, numbers(10));
    const consumer = client.consumer({ partitions: [t0] });
    for await (const records of consumer) {
      expect(valuesOf(records)[0]).toBe('0');
      break;
    }
    expect(() => consumer[Symbol.asyncIterator]()).toThrow(OttlaError);
  });
});
