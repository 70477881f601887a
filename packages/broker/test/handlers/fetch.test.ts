import { apis, ErrorCode, type InputOf, OttlaError } from '@ottla/protocol';
import { ask, FakeConnection } from '../support/ask';
import { batchOf } from '../support/batches';
import { eventually } from '../support/eventually';
import { FakeCluster, topicIdOf } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';

type Body = InputOf<typeof apis.Fetch.request>;
type Partition = Body['topics'][number]['partitions'][number];

const BY_NAME = 12;
const LATEST = apis.Fetch.maxVersion;

function part(over: Partial<Partition> = {}): Partition {
  return { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20, ...over };
}

function body(partitions: Partition[] = [part()], over: Partial<Body> = {}): Body {
  return { maxWaitMs: 500, minBytes: 1, maxBytes: 1 << 20, topics: [{ topic: 't', partitions }], ...over };
}

async function append(services: FakeServices, value: string, partition = 0): Promise<number> {
  const batch = batchOf([value]);
  const header = (await import('@ottla/protocol')).readBatchHeader(batch);
  await services.cluster.partition('t', partition).produce(batch, [header], { acks: 0, timeoutMs: 0 });
  return batch.length;
}

async function withRecords(values: string[][], config = {}): Promise<FakeServices> {
  const services = fakeServices({ config });
  services.cluster.addTopic(
    't',
    values.map(() => 1),
  );
  for (const [partition, each] of values.entries()) for (const value of each) await append(services, value, partition);
  return services;
}

async function read(services: FakeServices, request = body(), version = BY_NAME, connection = new FakeConnection()) {
  const response = await ask(apis.Fetch, version, request, services, connection);
  return response.responses.flatMap((topic) => topic.partitions);
}

/** Begins a fetch and waits until it waits. */
async function polling(services: FakeServices, request = body(), connection = new FakeConnection()) {
  const state = { answered: false, response: null as Awaited<ReturnType<typeof read>> | null };
  const answer = read(services, request, BY_NAME, connection).then((response) => {
    state.answered = true;
    state.response = response;
    return response;
  });
  await eventually(() => connection.listenerCount > 0, 'the fetch waits');
  return { state, answer };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Fetch', () => {
  it.each([4, 7, 11, BY_NAME])('version %i: whole batches, offsets and the watermark', async (version) => {
    const services = await withRecords([['a', 'b']]);
    const [partition] = await read(services, body(), version);
    expect(partition).toMatchObject({ partitionIndex: 0, errorCode: 0, highWatermark: 2, lastStableOffset: 2 });
    expect(partition!.records).toHaveLength(2 * batchOf(['a']).length);
  });

  it('by topic id: the records; an unknown id: UNKNOWN_TOPIC_ID for that topic only', async () => {
    const services = await withRecords([['a']]);
    const topics = [topicIdOf(1), topicIdOf(8)].map((topicId) => ({ topicId, partitions: [part()] }));
    const partitions = await read(services, body([], { topics }), LATEST);
    expect(partitions.map((partition) => partition.errorCode)).toEqual([0, ErrorCode.UNKNOWN_TOPIC_ID]);
  });

  it('every answer: session id 0, so that clients go on naming all partitions', async () => {
    const services = await withRecords([['a']]);
    const response = await ask(apis.Fetch, BY_NAME, body([part()], { sessionId: 0, sessionEpoch: 0 }), services);
    expect([response.errorCode, response.sessionId]).toEqual([0, 0]);
  });

  it('a session that does not exist: FETCH_SESSION_ID_NOT_FOUND', async () => {
    const services = await withRecords([['a']]);
    const response = await ask(apis.Fetch, BY_NAME, body([part()], { sessionId: 9, sessionEpoch: 3 }), services);
    expect(response).toMatchObject({ errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] });
  });

  it.each([
    [0, null],
    [1, []],
  ])('isolation level %i: aborted transactions are %j', async (isolationLevel, aborted) => {
    const services = await withRecords([['a']]);
    const [partition] = await read(services, body([part()], { isolationLevel }));
    expect(partition!.abortedTransactions).toEqual(aborted);
  });

  const errors: [string, Partial<Partition>, keyof typeof ErrorCode][] = [
    ['a partition that does not exist', { partition: 5 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['an offset after the end', { fetchOffset: 3 }, 'OFFSET_OUT_OF_RANGE'],
    ['a negative offset', { fetchOffset: -1 }, 'OFFSET_OUT_OF_RANGE'],
    ['an older leader epoch', { currentLeaderEpoch: 3 }, 'FENCED_LEADER_EPOCH'],
    ['a later leader epoch', { currentLeaderEpoch: 5 }, 'UNKNOWN_LEADER_EPOCH'],
  ];
  it.each(errors)('%s: %s %s at once, the others are read', async (_, wrong, code) => {
    const services = await withRecords([['a', 'b'], ['c']]);
    services.cluster.partition('t').leaderEpoch = 4;
    const partitions = await read(services, body([part(wrong), part({ partition: 1 })]));
    expect(partitions[0]).toMatchObject({ errorCode: ErrorCode[code], highWatermark: -1, lastStableOffset: -1 });
    expect(partitions[0]!.records).toHaveLength(0);
    expect(partitions[1]).toMatchObject({ errorCode: 0, highWatermark: 1 });
  });

  it('a partition led elsewhere: the leader and its address', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    const topic = services.cluster.addTopic('t', [2]);
    services.cluster.setLeader(topic, 0, 2, 6);
    const request = body([], { topics: [{ topicId: topic.topicId, partitions: [part()] }] });
    const response = await ask(apis.Fetch, 16, request, services);
    expect(response.responses[0]!.partitions[0]).toMatchObject({
      errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
      currentLeader: { leaderId: 2, leaderEpoch: 6 },
    });
    expect(response.nodeEndpoints).toEqual([{ nodeId: 2, host: '10.0.0.2', port: 9092, rack: null }]);
  });

  it('an unexpected error in one partition: UNKNOWN_SERVER_ERROR for it and a log line, the other is read', async () => {
    const services = await withRecords([['a'], ['b']]);
    services.cluster.partition('t', 0).readError = new TypeError('oops');
    const partitions = await read(services, body([part(), part({ partition: 1 })]));
    expect(partitions.map((partition) => partition.errorCode)).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR, 0]);
    expect(services.logger.matching(/fetch from t-0 failed: oops/)).toHaveLength(1);
  });
});

describe('divergence (KIP-595)', () => {
  async function diverged(over: Partial<Partition>) {
    const services = await withRecords([['a', 'b', 'c', 'd']]);
    const partition = services.cluster.partition('t');
    partition.leaderEpoch = 5;
    partition.epochs = [
      { epoch: 1, startOffset: 0 },
      { epoch: 3, startOffset: 2 },
      { epoch: 5, startOffset: 3 },
    ];
    return (await read(services, body([part({ currentLeaderEpoch: 5, ...over })])))[0]!;
  }

  it.each([
    ['the same history: no divergence', { fetchOffset: 3, lastFetchedEpoch: 3 }, { epoch: -1, endOffset: -1 }],
    ['an epoch that ended earlier here', { fetchOffset: 3, lastFetchedEpoch: 1 }, { epoch: 1, endOffset: 2 }],
    ['an epoch that this log never had', { fetchOffset: 4, lastFetchedEpoch: 4 }, { epoch: 3, endOffset: 3 }],
  ])('%s', async (_, over, divergingEpoch) => {
    const partition = await diverged(over);
    expect(partition).toMatchObject({ errorCode: 0, divergingEpoch });
    expect(partition.records!.length > 0).toBe(divergingEpoch.epoch === -1);
  });

  it('an epoch before all that is left: OFFSET_OUT_OF_RANGE', async () => {
    expect((await diverged({ fetchOffset: 1, lastFetchedEpoch: 0 })).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  });
});

describe('limits', () => {
  const size = batchOf(['a']).length;

  it.each([
    ['partitionMaxBytes of two batches', { partitionMaxBytes: 2 * size }, {}, 2],
    ['maxBytes of two batches', {}, { maxBytes: 2 * size }, 2],
    ['maxBytes of less than one batch: one all the same', {}, { maxBytes: 1 }, 1],
    ['maxBytes 0: one all the same', {}, { maxBytes: 0 }, 1],
    ['partitionMaxBytes 0: one all the same', { partitionMaxBytes: 0 }, {}, 1],
    ['negative limits: one all the same', { partitionMaxBytes: -5 }, { maxBytes: -5 }, 1],
  ])('%s', async (_, partition, over, batches) => {
    const services = await withRecords([['a', 'b', 'c']]);
    const [first] = await read(services, body([part(partition)], over));
    expect(first!.records).toHaveLength(batches * size);
  });

  it('several partitions: maxBytes is shared in the order asked, and only the first may exceed it', async () => {
    const services = await withRecords([['a', 'b'], ['c'], ['d']]);
    const asked = [part(), part({ partition: 1 }), part({ partition: 2 })];
    const sizes = async (maxBytes: number) =>
      (await read(services, body(asked, { maxBytes }))).map((partition) => partition.records!.length / size);
    expect(await sizes(3 * size)).toEqual([2, 1, 0]);
    expect(await sizes(1)).toEqual([1, 0, 0]);
  });

  it('fetch.max.bytes of the broker: is the limit whatever the client asks', async () => {
    const services = await withRecords([Array<string>(30).fill('x'.repeat(100))], { 'fetch.max.bytes': 1024 });
    const [first] = await read(services, body([part({ partitionMaxBytes: 1 << 30 })], { maxBytes: 1 << 30 }));
    expect(first!.records!.length).toBeLessThanOrEqual(1024);
  });
});

describe('long poll', () => {
  it('nothing to read: waits, and the append itself wakes it', async () => {
    const services = await withRecords([[]]);
    const { state, answer } = await polling(services);
    await turn();
    expect(state.answered).toBe(false);
    await append(services, 'a');
    expect((await answer)[0]!.records!.length).toBeGreaterThan(0);
    expect([services.clock.pendingTimers, services.cluster.partition('t').listenerCount]).toEqual([0, 0]);
  });

  it('nothing to read: an empty answer when the time is up, with nothing left behind', async () => {
    const services = await withRecords([[]]);
    const connection = new FakeConnection();
    const { state, answer } = await polling(services, body(), connection);
    services.clock.advance(499);
    await turn();
    expect(state.answered).toBe(false);
    services.clock.advance(1);
    expect((await answer)[0]).toMatchObject({ errorCode: 0, highWatermark: 0 });
    expect(connection.listenerCount).toBe(0);
    expect([services.clock.pendingTimers, services.cluster.partition('t').listenerCount]).toEqual([0, 0]);
  });

  it.each([
    ['maxWaitMs 0', { maxWaitMs: 0 }],
    ['a negative maxWaitMs', { maxWaitMs: -5 }],
    ['minBytes 0', { minBytes: 0 }],
    ['no partition', { topics: [] }],
  ])('%s: is answered at once', async (_, over) => {
    const services = await withRecords([[]]);
    await read(services, body([part()], over));
    expect(services.clock.pendingTimers).toBe(0);
  });

  it('records above the high watermark: are not given until it passes them', async () => {
    const services = await withRecords([[]]);
    const partition = services.cluster.partition('t');
    partition.commitAtOnce = false;
    await append(services, 'a');
    const { state, answer } = await polling(services);
    partition.notify();
    await turn();
    expect(state.answered).toBe(false);
    partition.commit(1);
    expect((await answer)[0]!.highWatermark).toBe(1);
  });

  it('an advance between the first read and the wait: is not missed', async () => {
    const services = await withRecords([['a']]);
    const partition = services.cluster.partition('t');
    const size = batchOf(['a']).length;
    const original = partition.read.bind(partition);
    let appended = false;
    partition.read = async (from, options) => {
      const result = await original(from, options);
      if (!appended) {
        appended = true;
        await append(services, 'b');
      }
      return result;
    };
    const [first] = await read(services, body([part()], { minBytes: 2 * size }));
    expect(first!.records).toHaveLength(2 * size);
  });

  it('minBytes of three batches: waits for the third, without reading again for what cannot be enough', async () => {
    const size = batchOf(['a']).length;
    const services = await withRecords([['a']]);
    const partition = services.cluster.partition('t');
    const { state, answer } = await polling(services, body([part()], { minBytes: 3 * size }));
    expect(partition.reads).toBe(1);
    await append(services, 'b');
    await turn();
    expect([state.answered, partition.reads]).toEqual([false, 1]);
    await append(services, 'c');
    expect((await answer)[0]!.records).toHaveLength(3 * size);
    expect(partition.reads).toBe(2);
  });

  it('minBytes not reached in time: what there is', async () => {
    const size = batchOf(['a']).length;
    const services = await withRecords([['a']]);
    const { answer } = await polling(services, body([part()], { minBytes: 10 * size }));
    await append(services, 'b');
    services.clock.advance(500);
    expect((await answer)[0]!.records).toHaveLength(2 * size);
  });

  it('minBytes above maxBytes: maxBytes is enough', async () => {
    const size = batchOf(['a']).length;
    const services = await withRecords([['a', 'b']]);
    const [first] = await read(services, body([part()], { minBytes: 1 << 20, maxBytes: 2 * size }));
    expect(first!.records).toHaveLength(2 * size);
  });

  it('leadership lost meanwhile: NOT_LEADER_OR_FOLLOWER at once', async () => {
    const services = await withRecords([[]]);
    const { answer } = await polling(services);
    services.cluster.partition('t').resign();
    expect((await answer)[0]!.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it('the client disconnects, or the broker drains: ends at once', async () => {
    const services = await withRecords([[]]);
    const connection = new FakeConnection();
    const { answer } = await polling(services, body(), connection);
    connection.end();
    await answer;
    expect([services.clock.pendingTimers, services.cluster.partition('t').listenerCount]).toEqual([0, 0]);
  });

  it('one of many partitions advances: only that one is read', async () => {
    const services = await withRecords([[], [], []]);
    const asked = [0, 1, 2].map((partition) => part({ partition }));
    const { answer } = await polling(services, body(asked));
    await append(services, 'a', 1);
    const partitions = await answer;
    expect(partitions.map((partition) => partition.records!.length > 0)).toEqual([false, true, false]);
    expect([0, 1, 2].map((partition) => services.cluster.partition('t', partition).reads)).toEqual([0, 1, 0]);
  });

  it('an error on one partition while the others have nothing: is answered at once', async () => {
    const services = await withRecords([[]]);
    const partitions = await read(services, body([part(), part({ partition: 7 })]));
    expect(partitions.map((partition) => partition.errorCode)).toEqual([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
  });

  it('an OttlaError from the log: its own code', async () => {
    const services = await withRecords([['a']]);
    services.cluster.partition('t').readError = new OttlaError('KAFKA_STORAGE_ERROR', 'the disk is gone');
    expect((await read(services))[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});
