import { OttlaError } from '@ottla/protocol';
import { Deferred } from '@ottla/runtime';
import type { door, Produced } from '../src';
import { DoorFixture, everything, MAX_UNANSWERED, nothing, still, TIMEOUT } from './door-fixture';
import { HOST, Recorder } from './streams';

let fixture: DoorFixture;

beforeEach(async () => {
  fixture = await DoorFixture.open();
});

afterEach(() => fixture.close());

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
    fixture.handlers.createTopics = async (received) => {
      seen.push(received);
      return {
        topics: [
          { name: 't', topicId: 'id', errorCode: 36, errorMessage: 'exists', partitions: 0, replicationFactor: 0 },
        ],
      };
    };
    const response = await fixture.client.createTopics(request, TIMEOUT);
    expect(seen).toMatchObject([request]);
    expect(response.topics).toMatchObject([{ name: 't', errorCode: 36, errorMessage: 'exists' }]);
    expect(fixture.calls[0]).toMatchObject({
      local: { host: HOST, port: fixture.port },
      remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
  });

  it('an error keeps its Kafka code and its words', async () => {
    fixture.handlers.metadata = () =>
      Promise.reject(new OttlaError('INVALID_TOPIC_EXCEPTION', 'the name „ä" is taken: 100 %'));
    await expect(fixture.client.metadata(everything, TIMEOUT)).rejects.toMatchObject({
      code: 'INVALID_TOPIC_EXCEPTION',
      message: 'the name „ä" is taken: 100 %',
      retriable: false,
    });
  });

  it('a call that is not answered in time fails, retriable, and the handler is told', async () => {
    fixture.handlers.metadata = (_request, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(nothing)));
    // On a loaded machine the first ones may run out of time before they reach the handler.
    for (let timeoutMs = 50; fixture.calls.length === 0; timeoutMs *= 2) {
      await expect(fixture.client.metadata(everything, { timeoutMs })).rejects.toMatchObject({
        code: 'REQUEST_TIMED_OUT',
        retriable: true,
      });
    }
    while (!fixture.calls[0]!.signal.aborted) await new Promise(setImmediate);
  });

  it('an aborted call rejects with the reason, and the handler is told', async () => {
    const abort = new AbortController();
    fixture.handlers.metadata = (_request, { signal }) => {
      abort.abort(new Error('enough'));
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(nothing)));
    };
    await expect(fixture.client.metadata(everything, { timeoutMs: 5_000, signal: abort.signal })).rejects.toThrow(
      'enough',
    );
    while (!fixture.calls[0]!.signal.aborted) await new Promise(setImmediate);
    await expect(fixture.client.metadata(everything, { timeoutMs: 5_000, signal: abort.signal })).rejects.toThrow(
      'enough',
    );
  });

  it('a broker that is not there: a retriable error that names the address', async () => {
    await fixture.server.close();
    await expect(fixture.client.metadata(everything, TIMEOUT)).rejects.toMatchObject({
      code: 'NETWORK_EXCEPTION',
      message: expect.stringContaining(`${HOST}:${fixture.port}`),
    });
  });
});

describe('produce streams', () => {
  it('entries are handed on in order, without waiting for one another, and answered as they are done', async () => {
    const order: number[] = [];
    const answers = new Map<number, Deferred<Produced>>();
    fixture.handlers.produce = ({ id }) => {
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
    const stream = fixture.client.produce();
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
    fixture.handlers.produce = () => Promise.reject(new OttlaError(code || 'UNKNOWN_SERVER_ERROR', 'too few'));
    const stream = fixture.client.produce();
    const recorder = new Recorder(stream);
    stream.send(sent);
    expect(await recorder.received(1)).toMatchObject([{ id: 1, errorCode, baseOffset: -1 }]);
  });

  it('an entry sent to another broker than the leader is answered with who leads', async () => {
    fixture.handlers.produce = () => Promise.reject(new OttlaError('NOT_LEADER_OR_FOLLOWER', 'elsewhere'));
    const stream = fixture.client.produce();
    const recorder = new Recorder(stream);
    stream.send(entry(1));
    expect(await recorder.received(1)).toMatchObject([{ errorCode: 6, currentLeader: { leader: 3, leaderEpoch: 8 } }]);
  });

  it('acks=0 is answered only when it fails', async () => {
    fixture.handlers.produce = ({ id }) =>
      id === 1
        ? Promise.resolve({ baseOffset: 5, logStartOffset: 0 })
        : Promise.reject(new OttlaError('CORRUPT_MESSAGE', 'no'));
    const stream = fixture.client.produce();
    const recorder = new Recorder(stream);
    stream.send(entry(1, 100, 0));
    stream.send(entry(2, 100, 0));
    expect(await recorder.received(1)).toMatchObject([{ id: 2, errorCode: 2 }]);
  });

  it('the door stops reading while too much is unanswered, and reads on when it is answered', async () => {
    const unanswered: Deferred<Produced>[] = [];
    fixture.handlers.produce = () => {
      const answer = new Deferred<Produced>();
      unanswered.push(answer);
      return answer.promise;
    };
    const stream = fixture.client.produce();
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
    fixture.handlers.produce = () => answer.promise;
    const call = fixture.rawStream<door.ProduceRequest, door.ProduceResponse>('Produce');
    call.end({ entries: [entry(1), entry(2)] });
    while (fixture.calls.length < 2) await new Promise(setImmediate);
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
    fixture.handlers.produce = () => answer.promise;
    const stream = fixture.client.produce();
    const recorder = new Recorder(stream);
    stream.send(entry(1));
    while (fixture.calls.length < 1) await new Promise(setImmediate);
    const closed = fixture.server.close(30_000);
    answer.resolve({ baseOffset: 7, logStartOffset: 0 });
    expect(await recorder.received(1)).toMatchObject([{ id: 1, baseOffset: 7 }]);
    expect(await recorder.closed).toBeNull();
    await closed;
  });
});
