import { compressionOf, decodeBatch, type KafkaRecord, OttlaError, readBatchHeader } from '@ottla/protocol';
import { Deferred, ManualClock, nodeCodecs } from '@ottla/runtime';
import { type ClusterClient, connect, type ProducerOptions, type RecordMetadata } from '../src';
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

function recordsOf(log: FakeLog): KafkaRecord[] {
  return log.batches.flatMap(({ bytes }) =>
    decodeBatch(bytes, 0, readBatchHeader(bytes), (name, payload) => nodeCodecs.decompress(name, payload)),
  );
}

const valuesOf = (log: FakeLog): string[] => recordsOf(log).map(({ value }) => Buffer.from(value!).toString());

/** Small batches, sent one by one. */
const ONE_BY_ONE: ProducerOptions = { batchSize: 1, lingerMs: 0 };

describe('delivery', () => {
  it('records are in the log in order, and each is told its offset', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer();
    const sent = numbers(100).map((value) => producer.send({ topic: 't', value }));
    const delivered = await Promise.all(sent);
    expect(valuesOf(partition!.log)).toEqual(numbers(100));
    expect(delivered.map(({ offset }) => offset)).toEqual(numbers(100).map(Number));
    expect(cluster.calls.filter((call) => call === 'produce')).toHaveLength(1);
    await producer.close();
  });

  it('key, headers, timestamp and null values arrive', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer();
    const headers = { trace: 'abc', none: null };
    await producer.send({ topic: 't', key: 'k', value: null, headers, timestamp: 1_234 });
    expect(recordsOf(partition!.log)).toMatchObject([
      {
        offset: 0,
        timestamp: 1_234,
        key: Buffer.from('k'),
        value: null,
        headers: [
          { key: 'trace', value: Buffer.from('abc') },
          { key: 'none', value: null },
        ],
      },
    ]);
    await producer.close();
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('compression %s', async (compression) => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer({ compression });
    await Promise.all(numbers(500).map((value) => producer.send({ topic: 't', value })));
    expect(compressionOf(readBatchHeader(partition!.log.batches[0]!.bytes))).toBe(compression);
    expect(valuesOf(partition!.log)).toEqual(numbers(500));
    await producer.close();
  });

  it('a key goes to the partition that Kafka chooses, a given partition is kept', async () => {
    cluster.createTopic('t', 5);
    const producer = client.producer();
    const byKey = await Promise.all(
      ['21', 'abc', 'foobar'].map((key) => producer.send({ topic: 't', key, value: 'v' })),
    );
    expect(byKey.map(({ partition }) => partition)).toEqual([0, 2, 1]);
    expect(await producer.send({ topic: 't', partition: 4, key: '21', value: 'v' })).toMatchObject({ partition: 4 });
    await expect(producer.send({ topic: 't', partition: 5, value: 'v' })).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: 'topic t has no partition 5: it has 5',
    });
    await producer.close();
  });

  it.each([0, 1, 'all'] as const)('acks %s', async (acks) => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer({ acks });
    const delivered = await Promise.all(numbers(10).map((value) => producer.send({ topic: 't', value })));
    expect(delivered.at(-1)).toMatchObject({ topic: 't', partition: 0, offset: acks === 0 ? -1 : 9 });
    await producer.close();
    while (partition!.log.logEnd < 10) await new Promise(setImmediate);
    expect(valuesOf(partition!.log)).toEqual(numbers(10));
    expect(readBatchHeader(partition!.log.batches[0]!.bytes).producerId >= 0).toBe(acks === 'all');
  });

  it('a topic that is created by the first record is waited for', async () => {
    cluster.autoCreate = true;
    const producer = client.producer();
    await Promise.all(numbers(3).map((value) => producer.send({ topic: 'new', value })));
    expect(valuesOf(cluster.topics.get('new')!.partitions[0]!.log)).toEqual(numbers(3));
    await producer.close();
  });

  it('a topic that never comes fails at the delivery timeout', async () => {
    const producer = client.producer({ deliveryTimeoutMs: 50 });
    await expect(producer.send({ topic: 'nowhere', value: 'v' })).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: "topic nowhere doesn't exist",
    });
    expect(producer.bufferedBytes).toBe(0);
    await producer.close();
  });
});

describe('when things fail', () => {
  const refuse = (code: ConstructorParameters<typeof OttlaError>[0]) => () =>
    Promise.reject(new OttlaError(code, 'fault'));

  it('the leader moves: records go on to the new one, each once and in order', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer(ONE_BY_ONE);
    const sent: Promise<RecordMetadata>[] = [];
    for (const value of numbers(60)) {
      sent.push(producer.send({ topic: 't', value }));
      if (value === '20' || value === '40') cluster.moveLeader('t', 0, value === '20' ? 2 : 1);
      if (Number(value) % 10 === 0) await new Promise(setImmediate);
    }
    await Promise.all(sent);
    expect(valuesOf(partition!.log)).toEqual(numbers(60));
    await producer.close();
  });

  it('a leader named in the refusal is followed without asking for metadata', async () => {
    cluster.createTopic('t');
    const producer = client.producer();
    await producer.send({ topic: 't', value: '1' });
    cluster.moveLeader('t', 0, 2);
    const asked = cluster.calls.filter((call) => call === 'metadata').length;
    expect(await producer.send({ topic: 't', value: '2' })).toMatchObject({ offset: 1 });
    expect(cluster.calls.filter((call) => call === 'metadata')).toHaveLength(asked);
    await producer.close();
  });

  it('the leader dies and another is elected: nothing is lost or doubled', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer(ONE_BY_ONE);
    // Appended, and the answer never comes.
    cluster.produceFaults.push((_entry, append) => {
      append();
      return new Promise(() => {});
    });
    const sent = numbers(5).map((value) => producer.send({ topic: 't', value }));
    while (partition!.log.logEnd < 1) await new Promise(setImmediate);
    await cluster.killBroker(1);
    cluster.moveLeader('t', 0, 2);
    const delivered = await Promise.all(sent);
    expect(valuesOf(partition!.log)).toEqual(numbers(5));
    expect(delivered.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
    await producer.close();
  });

  it('the leader dies and comes back at the same address', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer();
    await producer.send({ topic: 't', value: '0' });
    await cluster.killBroker(1);
    const sent = producer.send({ topic: 't', value: '1' });
    await cluster.startBroker(1);
    expect(await sent).toMatchObject({ offset: 1 });
    expect(valuesOf(partition!.log)).toEqual(['0', '1']);
    await producer.close();
  });

  it.each(['NOT_ENOUGH_REPLICAS', 'LEADER_NOT_AVAILABLE', 'REQUEST_TIMED_OUT'] as const)(
    '%s is tried again',
    async (code) => {
      const [partition] = cluster.createTopic('t');
      cluster.produceFaults.push(refuse(code), refuse(code));
      const producer = client.producer(ONE_BY_ONE);
      await Promise.all(numbers(10).map((value) => producer.send({ topic: 't', value })));
      expect(valuesOf(partition!.log)).toEqual(numbers(10));
      await producer.close();
    },
  );

  it('a batch that fails for good fails alone: those behind it follow under another producer id', async () => {
    const [partition] = cluster.createTopic('t');
    cluster.produceFaults.push(refuse('MESSAGE_TOO_LARGE'));
    const producer = client.producer(ONE_BY_ONE);
    const outcomes = await Promise.allSettled(numbers(8).map((value) => producer.send({ topic: 't', value })));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', ...Array(7).fill('fulfilled')]);
    expect(valuesOf(partition!.log)).toEqual(numbers(7, 1));
    const ids = new Set(partition!.log.batches.map(({ bytes }) => readBatchHeader(bytes).producerId));
    expect([...ids]).toEqual([1_001]);
    await producer.close();
  });

  it('a broker that has forgotten the producer: it goes on under another id', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer();
    await producer.send({ topic: 't', value: '0' });
    partition!.log.forgetProducers();
    await producer.send({ topic: 't', value: '1' });
    expect(valuesOf(partition!.log)).toEqual(['0', '1']);
    await producer.close();
  });

  it('records that can not be delivered in time fail with the reason, and those after the fault arrive', async () => {
    const [partition] = cluster.createTopic('t');
    const clock = new ManualClock();
    const timed = await connect({ bootstrap: cluster.bootstrap, clock });
    const producer = timed.producer({ deliveryTimeoutMs: 10_000 });
    const send = (value: string): Promise<RecordMetadata> => {
      const sent = producer.send({ topic: 't', value });
      producer.flush().catch(() => {});
      return sent;
    };
    await send('0');
    cluster.moveLeader('t', 0, -1);
    const late = expect(send('1')).rejects.toMatchObject({
      code: 'REQUEST_TIMED_OUT',
      message: expect.stringMatching(/records for t-0 were not delivered within 10000 ms/),
    });
    // The broker has refused it: it can't turn up in the log later.
    while (cluster.calls.filter((call) => call === 'produce').length < 2) await new Promise(setImmediate);
    clock.advance(10_000);
    await late;
    cluster.moveLeader('t', 0, 1);
    let delivered = false;
    const after = send('2').then(() => {
      delivered = true;
    });
    // Time for the back-off, not for the delivery timeout.
    for (let spent = 0; !delivered && spent < 9_000; spent += 5) {
      clock.advance(5);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await after;
    expect(valuesOf(partition!.log)).toEqual(['0', '2']);
    timed.close();
  });

  it('metadata of a broker that lags behind does not bring the old leader back', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer();
    await producer.send({ topic: 't', value: '0' });
    cluster.moveLeader('t', 0, 2);
    cluster.staleMetadata = (topic) => ({
      ...topic,
      partitions: topic.partitions.map((told) => ({ ...told, leader: 1, leaderEpoch: 0 })),
    });
    await producer.send({ topic: 't', value: '1' });
    await producer.send({ topic: 't', value: '2' });
    expect(valuesOf(partition!.log)).toEqual(['0', '1', '2']);
    await producer.close();
  });
});

describe('buffering', () => {
  it('records given within the linger go in one batch; flush does not linger', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer({ lingerMs: 60_000 });
    for (const value of numbers(3)) producer.enqueue({ topic: 't', value });
    await producer.flush();
    expect(partition!.log.batches).toHaveLength(1);
    await producer.close();
  });

  it('a full batch does not linger', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer({ lingerMs: 60_000, batchSize: 1_000 });
    for (const value of numbers(10)) producer.enqueue({ topic: 't', value: value.padEnd(200) });
    while (partition!.log.batches.length < 2) await new Promise(setImmediate);
    expect(partition!.log.logEnd).toBe(8);
    await producer.close();
    expect(partition!.log.logEnd).toBe(10);
  });

  it('a sender that waits for room never holds more than the buffer and a record', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer({ bufferMemory: 50_000, batchSize: 10_000, lingerMs: 0 });
    let most = 0;
    for (const value of numbers(300)) {
      await producer.enqueue({ topic: 't', value: value.padEnd(1_000) });
      most = Math.max(most, producer.bufferedBytes);
    }
    await producer.flush();
    expect(most).toBeLessThan(52_000);
    expect(valuesOf(partition!.log).map((value) => value.trim())).toEqual(numbers(300));
    await producer.close();
  });

  it('one that does not wait is refused at twice the buffer', async () => {
    cluster.createTopic('t');
    const gate = new Deferred<void>();
    cluster.produceFaults.push(async (_entry, append) => {
      await gate.promise;
      return append();
    });
    const producer = client.producer({ bufferMemory: 50_000 });
    const fill = (): void => {
      for (;;) producer.enqueue({ topic: 't', value: 'x'.repeat(1_000) })?.catch(() => {});
    };
    expect(fill).toThrow(/wait for the promise that enqueue answers with/);
    gate.resolve();
    await producer.close();
  });

  it('a failure that nobody was told of rejects the flush, once', async () => {
    cluster.createTopic('t');
    cluster.produceFaults.push(() => Promise.reject(new OttlaError('MESSAGE_TOO_LARGE', 'over the limit')));
    const producer = client.producer();
    producer.enqueue({ topic: 't', value: 'v' });
    await expect(producer.flush()).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE', message: 'over the limit' });
    await producer.flush();
    await producer.close();
  });

  it('close delivers what was taken, and takes no more', async () => {
    const [partition] = cluster.createTopic('t');
    const producer = client.producer({ lingerMs: 60_000 });
    for (const value of numbers(20)) producer.enqueue({ topic: 't', value });
    await producer.close();
    expect(valuesOf(partition!.log)).toEqual(numbers(20));
    expect(() => producer.enqueue({ topic: 't', value: 'late' })).toThrow(/the producer is closed/);
  });

  it('closing the client fails what was not delivered', async () => {
    cluster.createTopic('t');
    const producer = client.producer({ lingerMs: 60_000 });
    const sent = producer.send({ topic: 't', value: 'v' });
    client.close();
    await expect(sent).rejects.toMatchObject({ code: 'NETWORK_EXCEPTION' });
  });
});

describe('settings', () => {
  it.each([
    [{ acks: 1, idempotent: true }, /needs acks 'all'/],
    [{ batchSize: 0 }, /batchSize is 0/],
    [{ lingerMs: -1 }, /lingerMs is -1/],
  ] as const)('%j is refused', (options, message) => {
    expect(() => client.producer(options)).toThrow(message);
  });
});
