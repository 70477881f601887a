import { Client, credentials } from '@grpc/grpc-js';
import { encodeBatch, OttlaError } from '@ottla/protocol';
import { Deferred, nodeClock, silentLogger } from '@ottla/runtime';
import {
  createGrpcServer,
  type DoorCall,
  type DoorClient,
  type DoorHandlers,
  type door,
  doorClient,
  type FetchedRecords,
  type FetchRead,
  type GrpcServer,
  type Produced,
  serveDoor,
} from '../src';
import { brokerService } from '../src/door/services';
import { HOST, Recorder } from './streams';

const TIMEOUT = { timeoutMs: 5_000 };
const MAX_UNANSWERED = 1_000_000;

let server: GrpcServer;
let client: DoorClient;
let port: number;
let handlers: Partial<DoorHandlers>;
const calls: DoorCall[] = [];

beforeEach(async () => {
  calls.length = 0;
  handlers = { currentLeader: () => ({ leader: 3, leaderEpoch: 8 }) };
  server = createGrpcServer({ clock: nodeClock, logger: silentLogger });
  const byName: ProxyHandler<object> = {
    get: (_target, name) => (request: never, call: DoorCall) => {
      if (call !== undefined) calls.push(call);
      const handler = handlers[name as keyof DoorHandlers] as ((request: never, call: DoorCall) => unknown) | undefined;
      if (handler === undefined) throw new Error(`${String(name)} is not expected`);
      return handler(request, call);
    },
  };
  serveDoor(server, new Proxy({}, byName) as DoorHandlers, { clock: nodeClock, maxUnansweredBytes: MAX_UNANSWERED });
  ({ port } = await server.listen({ host: HOST, port: 0 }));
  client = doorClient(`${HOST}:${port}`, { clock: nodeClock });
});

afterEach(async () => {
  client.close();
  await server.close();
});

const entry = (id: number, bytes = 100, acks = -1): door.ProduceEntry => ({
  id,
  topic: 't',
  partition: 0,
  acks,
  timeoutMs: 1_000,
  records: Buffer.alloc(bytes, 1),
});

describe('unary calls', () => {
  it('request and response arrive whole, with the address that the client used', async () => {
    const request: door.CreateTopicsRequest = {
      topics: [{ name: 't', partitions: 3, replicationFactor: -1, assignments: [], configs: { 'retention.ms': '5' } }],
      timeoutMs: 10,
      validateOnly: true,
    };
    const seen: object[] = [];
    handlers.createTopics = async (received) => {
      seen.push(received);
      return {
        topics: [
          { name: 't', topicId: 'id', errorCode: 36, errorMessage: 'exists', partitions: 0, replicationFactor: 0 },
        ],
      };
    };
    const response = await client.createTopics(request, TIMEOUT);
    expect(seen).toMatchObject([request]);
    expect(response.topics).toMatchObject([{ name: 't', errorCode: 36, errorMessage: 'exists' }]);
    expect(calls[0]).toMatchObject({
      local: { host: HOST, port },
      remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
  });

  it('an error keeps its Kafka code and its words', async () => {
    handlers.metadata = () => Promise.reject(new OttlaError('INVALID_TOPIC_EXCEPTION', 'the name „ä" is taken: 100 %'));
    await expect(client.metadata(everything, TIMEOUT)).rejects.toMatchObject({
      code: 'INVALID_TOPIC_EXCEPTION',
      message: 'the name „ä" is taken: 100 %',
      retriable: false,
    });
  });

  it('a call that is not answered in time fails, retriable, and the handler is told', async () => {
    handlers.metadata = (_request, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(nothing)));
    // On a loaded machine the first ones may run out of time before they reach the handler.
    for (let timeoutMs = 50; calls.length === 0; timeoutMs *= 2) {
      await expect(client.metadata(everything, { timeoutMs })).rejects.toMatchObject({
        code: 'REQUEST_TIMED_OUT',
        retriable: true,
      });
    }
    while (!calls[0]!.signal.aborted) await new Promise(setImmediate);
  });

  it('an aborted call rejects with the reason, and the handler is told', async () => {
    const abort = new AbortController();
    handlers.metadata = (_request, { signal }) => {
      abort.abort(new Error('enough'));
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(nothing)));
    };
    await expect(client.metadata(everything, { timeoutMs: 5_000, signal: abort.signal })).rejects.toThrow('enough');
    while (!calls[0]!.signal.aborted) await new Promise(setImmediate);
    await expect(client.metadata(everything, { timeoutMs: 5_000, signal: abort.signal })).rejects.toThrow('enough');
  });

  it('a broker that is not there: a retriable error that names the address', async () => {
    await server.close();
    await expect(client.metadata(everything, TIMEOUT)).rejects.toMatchObject({
      code: 'NETWORK_EXCEPTION',
      message: expect.stringContaining(`${HOST}:${port}`),
    });
  });
});

describe('produce streams', () => {
  it('entries are handed on in order, without waiting for one another, and answered as they are done', async () => {
    const order: number[] = [];
    const answers = new Map<number, Deferred<Produced>>();
    handlers.produce = ({ id }) => {
      order.push(id);
      const answer = new Deferred<Produced>();
      answers.set(id, answer);
      if (order.length === 3) {
        setImmediate(() => {
          for (const last of [3, 2, 1]) answers.get(last)!.resolve({ baseOffset: last * 10, logStartOffset: 0 });
        });
      }
      return answer.promise;
    };
    const stream = client.produce();
    const recorder = new Recorder(stream);
    for (const id of [1, 2, 3]) stream.send(entry(id));
    const results = await recorder.received(3);
    expect(order).toEqual([1, 2, 3]);
    expect(results.map(({ id, baseOffset, logAppendTime }) => [id, baseOffset, logAppendTime])).toEqual([
      [3, 30, -1],
      [2, 20, -1],
      [1, 10, -1],
    ]);
  });

  it.each([
    ['a handler that rejects', entry(1), 'NOT_ENOUGH_REPLICAS', 19],
    ['acks that do not exist', entry(1, 100, 2), '', 21],
    ['no records', entry(1, 0), '', 87],
  ] as const)('%s: the entry is answered with the error', async (_name, sent, code, errorCode) => {
    handlers.produce = () => Promise.reject(new OttlaError(code || 'UNKNOWN_SERVER_ERROR', 'too few'));
    const stream = client.produce();
    const recorder = new Recorder(stream);
    stream.send(sent);
    expect(await recorder.received(1)).toMatchObject([{ id: 1, errorCode, baseOffset: -1 }]);
  });

  it('an entry sent to another broker than the leader is answered with who leads', async () => {
    handlers.produce = () => Promise.reject(new OttlaError('NOT_LEADER_OR_FOLLOWER', 'elsewhere'));
    const stream = client.produce();
    const recorder = new Recorder(stream);
    stream.send(entry(1));
    expect(await recorder.received(1)).toMatchObject([{ errorCode: 6, currentLeader: { leader: 3, leaderEpoch: 8 } }]);
  });

  it('acks=0 is answered only when it fails', async () => {
    handlers.produce = ({ id }) =>
      id === 1
        ? Promise.resolve({ baseOffset: 5, logStartOffset: 0 })
        : Promise.reject(new OttlaError('CORRUPT_MESSAGE', 'no'));
    const stream = client.produce();
    const recorder = new Recorder(stream);
    stream.send(entry(1, 100, 0));
    stream.send(entry(2, 100, 0));
    expect(await recorder.received(1)).toMatchObject([{ id: 2, errorCode: 2 }]);
  });

  it('the door stops reading while too much is unanswered, and reads on when it is answered', async () => {
    const unanswered: Deferred<Produced>[] = [];
    handlers.produce = () => {
      const answer = new Deferred<Produced>();
      unanswered.push(answer);
      return answer.promise;
    };
    const stream = client.produce();
    const recorder = new Recorder(stream);
    const count = 200;
    for (let id = 0; id < count; id++) stream.send(entry(id, 200_000));
    await still(() => unanswered.length);
    // What one gRPC message brought when the limit was reached may lie above it.
    expect(unanswered.length * 200_000).toBeLessThan(MAX_UNANSWERED + 2_000_000);
    let answered = 0;
    while (recorder.messages.length < count) {
      while (answered < unanswered.length) unanswered[answered++]!.resolve({ baseOffset: 0, logStartOffset: 0 });
      await new Promise(setImmediate);
    }
    expect(answered).toBe(count);
  });
});

describe('the end of a produce stream', () => {
  it('a client that ends its side is given the results still due', async () => {
    const answer = new Deferred<Produced>();
    handlers.produce = () => answer.promise;
    const call = rawStream<door.ProduceRequest, door.ProduceResponse>('Produce');
    call.end({ entries: [entry(1), entry(2)] });
    while (calls.length < 2) await new Promise(setImmediate);
    answer.resolve({ baseOffset: 7, logStartOffset: 0 });
    const results: door.ProduceResult[] = [];
    for await (const response of call as AsyncIterable<door.ProduceResponse>) results.push(...response.results);
    expect(results.map(({ id, baseOffset }) => [id, baseOffset])).toEqual([
      [1, 7],
      [2, 7],
    ]);
  });

  it('a server that closes with grace answers what it has taken, and ends the streams', async () => {
    const answer = new Deferred<Produced>();
    handlers.produce = () => answer.promise;
    const stream = client.produce();
    const recorder = new Recorder(stream);
    stream.send(entry(1));
    while (calls.length < 1) await new Promise(setImmediate);
    const closed = server.close(30_000);
    answer.resolve({ baseOffset: 7, logStartOffset: 0 });
    expect(await recorder.received(1)).toMatchObject([{ id: 1, baseOffset: 7 }]);
    expect(await recorder.closed).toBeNull();
    await closed;
  });
});

/** A stream as a client has it that isn't this project's. */
function rawStream<Request, Response>(name: 'Produce' | 'Fetch') {
  const { path, requestSerialize, responseDeserialize } = brokerService[name]!;
  const raw = new Client(`${HOST}:${port}`, credentials.createInsecure());
  const call = raw.makeBidiStreamRequest<Request, Response>(path, requestSerialize, responseDeserialize);
  call.on('status', () => raw.close());
  return call;
}

describe('fetch streams', () => {
  const batch = (baseOffset: number, count: number): Uint8Array =>
    encodeBatch({
      baseOffset,
      records: Array.from({ length: count }, () => ({ timestamp: 1, key: null, value: Buffer.alloc(10) })),
    });
  const BATCH_BYTES = batch(0, 2).length;

  /** A log of batches of two records, as far as `end`. */
  function logTo(end: number): (read: FetchRead) => Promise<FetchedRecords> {
    return async ({ offset, maxBytes }) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for (let at = offset - (offset % 2); at < end && (bytes === 0 || bytes + BATCH_BYTES <= maxBytes); at += 2) {
        chunks.push(batch(at, 2));
        bytes += BATCH_BYTES;
      }
      return { chunks, highWatermark: end, lastStableOffset: end, logStartOffset: 0 };
    };
  }

  /** As `logTo`, but waits at the end as a broker does. */
  function waitingLog(end: number) {
    const read = logTo(end);
    return async (request: FetchRead, { signal }: DoorCall): Promise<FetchedRecords> => {
      const fetched = await read(request);
      if (fetched.chunks.length > 0 || request.maxWaitMs === 0) return fetched;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(fetched)));
    };
  }

  const subscribe = (over: Partial<door.FetchSubscribe> = {}): door.FetchRequest => ({
    subscribe: [
      {
        subscription: 1,
        topic: 't',
        partition: 0,
        offset: 0,
        currentLeaderEpoch: -1,
        maxBytes: 1 << 20,
        creditBytes: 1 << 20,
        readCommitted: false,
        ...over,
      },
    ],
    credit: [],
    unsubscribe: [],
  });
  const credit = (subscription: number, bytes: number): door.FetchRequest => ({
    subscribe: [],
    credit: [{ subscription, bytes }],
    unsubscribe: [],
  });

  it('a subscription is given the log from its offset on, and told where it stands', async () => {
    handlers.fetch = waitingLog(10);
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe({ offset: 3 }));
    const [first] = await recorder.received(1);
    expect(first).toMatchObject({
      subscription: 1,
      errorCode: 0,
      highWatermark: 10,
      nextOffset: 10,
      logStartOffset: 0,
    });
    expect(first?.records.length).toBe(4 * BATCH_BYTES);
  });

  it('at the end of the log the first answer comes at once, without records', async () => {
    handlers.fetch = waitingLog(10);
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe({ offset: 10 }));
    expect(await recorder.received(1)).toMatchObject([{ highWatermark: 10, nextOffset: 10, records: { length: 0 } }]);
  });

  it('no more is sent than the credit allows; more credit, more records', async () => {
    handlers.fetch = waitingLog(100);
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe({ creditBytes: 3 * BATCH_BYTES, maxBytes: BATCH_BYTES }));
    await recorder.received(3);
    await still(() => recorder.messages.length);
    expect(recorder.messages.map(({ nextOffset }) => nextOffset)).toEqual([2, 4, 6]);
    stream.send(credit(1, 1));
    await recorder.received(4);
    stream.send(credit(1, BATCH_BYTES));
    await recorder.received(5);
    await still(() => recorder.messages.length);
    expect(recorder.messages.map(({ nextOffset }) => nextOffset)).toEqual([2, 4, 6, 8, 10]);
  });

  it('an error ends its subscription, not the stream', async () => {
    handlers.fetch = (read, call) =>
      read.partition === 1
        ? Promise.reject(new OttlaError('OFFSET_OUT_OF_RANGE', 'it has 0 to 9'))
        : waitingLog(4)(read, call);
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe({ subscription: 7, partition: 1 }));
    await recorder.received(1);
    stream.send(subscribe({ subscription: 8 }));
    const results = await recorder.received(2);
    expect(results).toMatchObject([
      { subscription: 7, errorCode: 1, errorMessage: 'it has 0 to 9' },
      { subscription: 8, errorCode: 0, nextOffset: 4 },
    ]);
  });

  it('a client that ends its side is given what is there, and the end', async () => {
    handlers.fetch = waitingLog(10);
    const call = rawStream<door.FetchRequest, door.FetchResponse>('Fetch');
    call.end(subscribe({ maxBytes: 2 * BATCH_BYTES }));
    const results: door.FetchResult[] = [];
    for await (const response of call as AsyncIterable<door.FetchResponse>) results.push(...response.results);
    expect(results.map(({ nextOffset }) => nextOffset)).toEqual([4, 8, 10]);
  });

  it('a client that ends its side is given no more than its credit', async () => {
    handlers.fetch = waitingLog(100);
    const call = rawStream<door.FetchRequest, door.FetchResponse>('Fetch');
    call.end(subscribe({ maxBytes: BATCH_BYTES, creditBytes: 2 * BATCH_BYTES }));
    const results: door.FetchResult[] = [];
    for await (const response of call as AsyncIterable<door.FetchResponse>) results.push(...response.results);
    expect(results.map(({ nextOffset }) => nextOffset)).toEqual([2, 4]);
  });

  it('a client that ends its side while a read waits is sent the end at once', async () => {
    handlers.fetch = waitingLog(10);
    const call = rawStream<door.FetchRequest, door.FetchResponse>('Fetch');
    call.write(subscribe({ offset: 10 }));
    const results: door.FetchResult[] = [];
    for await (const response of call as AsyncIterable<door.FetchResponse>) {
      results.push(...response.results);
      call.end();
    }
    expect(results.every(({ nextOffset }) => nextOffset === 10)).toBe(true);
  });

  it('a server that closes with grace ends the streams', async () => {
    handlers.fetch = waitingLog(10);
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    await recorder.received(1);
    await server.close(30_000);
    expect(await recorder.closed).toBeNull();
  });

  it('unsubscribing ends the read that waits', async () => {
    let aborted = 0;
    handlers.fetch = (read, call) => {
      call.signal.addEventListener('abort', () => {
        aborted += 1;
      });
      return waitingLog(4)(read, call);
    };
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    await recorder.received(1);
    stream.send({ subscribe: [], credit: [], unsubscribe: [1] });
    while (aborted === 0) await new Promise(setImmediate);
  });

  it('a client that goes away ends the reads that wait', async () => {
    let aborted = 0;
    handlers.fetch = (read, call) => {
      call.signal.addEventListener('abort', () => {
        aborted += 1;
      });
      return waitingLog(4)(read, call);
    };
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    await recorder.received(1);
    client.close();
    while (aborted === 0) await new Promise(setImmediate);
  });

  it('a read that answers at once with nothing, over and over, leaves time for everything else', async () => {
    handlers.fetch = logTo(4);
    handlers.metadata = async () => nothing;
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    await recorder.received(1);
    expect(await client.metadata(everything, TIMEOUT)).toMatchObject({ clusterId: '' });
  });

  it('a subscription number used twice closes the stream with a sentence', async () => {
    handlers.fetch = waitingLog(4);
    const stream = client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    stream.send(subscribe());
    expect(await recorder.closed).toMatchObject({
      code: 'INVALID_REQUEST',
      message: 'subscription 1 exists already: number each anew',
    });
  });
});

const everything: door.MetadataRequest = { topics: [], allTopics: true, allowAutoTopicCreation: false };
const nothing: door.MetadataResponse = { clusterId: '', controllerId: -1, brokers: [], topics: [] };

/** Resolves when the value was the same over some turns of the event loop with I/O. */
async function still(value: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 10; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    same = value() === last ? same + 1 : 0;
    last = value();
  }
}
