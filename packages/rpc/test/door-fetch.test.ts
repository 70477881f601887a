import { encodeBatch, OttlaError } from '@ottla/protocol';
import type { DoorCall, door, FetchedRecords, FetchRead } from '../src';
import { DoorFixture, everything, nothing, still, TIMEOUT } from './door-fixture';
import { Recorder } from './streams';

let fixture: DoorFixture;

beforeEach(async () => {
  fixture = await DoorFixture.open();
});

afterEach(() => fixture.close());

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
    fixture.handlers.fetch = waitingLog(10);
    const stream = fixture.client.fetch();
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
    fixture.handlers.fetch = waitingLog(10);
    const stream = fixture.client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe({ offset: 10 }));
    expect(await recorder.received(1)).toMatchObject([{ highWatermark: 10, nextOffset: 10, records: { length: 0 } }]);
  });

  it('no more is sent than the credit allows; more credit, more records', async () => {
    fixture.handlers.fetch = waitingLog(100);
    const stream = fixture.client.fetch();
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
    fixture.handlers.fetch = (read, call) =>
      read.partition === 1
        ? Promise.reject(new OttlaError('OFFSET_OUT_OF_RANGE', 'it has 0 to 9'))
        : waitingLog(4)(read, call);
    const stream = fixture.client.fetch();
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
    fixture.handlers.fetch = waitingLog(10);
    const call = fixture.rawStream<door.FetchRequest, door.FetchResponse>('Fetch');
    call.end(subscribe({ maxBytes: 2 * BATCH_BYTES }));
    const results: door.FetchResult[] = [];
    for await (const response of call as AsyncIterable<door.FetchResponse>) results.push(...response.results);
    expect(results.map(({ nextOffset }) => nextOffset)).toEqual([4, 8, 10]);
  });

  it('a client that ends its side is given no more than its credit', async () => {
    fixture.handlers.fetch = waitingLog(100);
    const call = fixture.rawStream<door.FetchRequest, door.FetchResponse>('Fetch');
    call.end(subscribe({ maxBytes: BATCH_BYTES, creditBytes: 2 * BATCH_BYTES }));
    const results: door.FetchResult[] = [];
    for await (const response of call as AsyncIterable<door.FetchResponse>) results.push(...response.results);
    expect(results.map(({ nextOffset }) => nextOffset)).toEqual([2, 4]);
  });

  it('a client that ends its side while a read waits is sent the end at once', async () => {
    fixture.handlers.fetch = waitingLog(10);
    const call = fixture.rawStream<door.FetchRequest, door.FetchResponse>('Fetch');
    call.write(subscribe({ offset: 10 }));
    const results: door.FetchResult[] = [];
    for await (const response of call as AsyncIterable<door.FetchResponse>) {
      results.push(...response.results);
      call.end();
    }
    expect(results.every(({ nextOffset }) => nextOffset === 10)).toBe(true);
  });

  it('a server that closes with grace ends the streams', async () => {
    fixture.handlers.fetch = waitingLog(10);
    const stream = fixture.client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    await recorder.received(1);
    await fixture.server.close(30_000);
    expect(await recorder.closed).toBeNull();
  });

  it('unsubscribing ends the read that waits', async () => {
    let aborted = 0;
    fixture.handlers.fetch = (read, call) => {
      call.signal.addEventListener('abort', () => {
        aborted += 1;
      });
      return waitingLog(4)(read, call);
    };
    const stream = fixture.client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    await recorder.received(1);
    stream.send({ subscribe: [], credit: [], unsubscribe: [1] });
    while (aborted === 0) await new Promise(setImmediate);
  });

  it('a client that goes away ends the reads that wait', async () => {
    let aborted = 0;
    fixture.handlers.fetch = (read, call) => {
      call.signal.addEventListener('abort', () => {
        aborted += 1;
      });
      return waitingLog(4)(read, call);
    };
    const stream = fixture.client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    await recorder.received(1);
    fixture.client.close();
    while (aborted === 0) await new Promise(setImmediate);
  });

  it('a read that answers at once with nothing, over and over, leaves time for everything else', async () => {
    fixture.handlers.fetch = logTo(4);
    fixture.handlers.metadata = async () => nothing;
    const stream = fixture.client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    await recorder.received(1);
    expect(await fixture.client.metadata(everything, TIMEOUT)).toMatchObject({ clusterId: '' });
  });

  it('a subscription number used twice closes the stream with a sentence', async () => {
    fixture.handlers.fetch = waitingLog(4);
    const stream = fixture.client.fetch();
    const recorder = new Recorder(stream);
    stream.send(subscribe());
    stream.send(subscribe());
    expect(await recorder.closed).toMatchObject({
      code: 'INVALID_REQUEST',
      message: 'subscription 1 exists already: number each anew',
    });
  });
});
