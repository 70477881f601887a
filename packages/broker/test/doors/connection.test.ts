import { apis, encodeRequest, readResponse } from '@ottla/protocol';
import { Deferred } from '@ottla/runtime';
import { defineHandler } from '../../src/handlers/handler';
import { eventually } from '../support/eventually';
import { Gate, heartbeat, OpenDoor } from '../support/open-door';
import { correlationIdOf } from '../support/raw-client';

let opened: OpenDoor;

async function open(...given: Parameters<typeof OpenDoor.open>): Promise<OpenDoor> {
  opened = await OpenDoor.open(...given);
  return opened;
}

const client = () => opened.client();

afterEach(() => opened.close());

describe('order', () => {
  it('three requests answered in reverse: begun at once, and their replies leave in request order', async () => {
    const gate = new Gate();
    await open([gate.handler]);
    const raw = await client();
    raw.send(heartbeat(1, 'a'), heartbeat(2, 'b'), heartbeat(3, 'c'));
    await eventually(() => gate.begun.length === 3, 'three requests begun');
    expect(gate.begun).toEqual(['a', 'b', 'c']);
    gate.of('c').resolve(3);
    gate.of('b').resolve(2);
    gate.of('a').resolve(1);
    const codes: number[] = [];
    for (const correlationId of [1, 2, 3]) {
      const frame = await raw.next();
      expect(correlationIdOf(frame)).toBe(correlationId);
      codes.push(readResponse(apis.Heartbeat, 3, frame!).body.errorCode);
    }
    expect(codes).toEqual([1, 2, 3]);
  });

  it('a request without a response between two others: leaves no gap', async () => {
    const gate = new Gate();
    const silent = defineHandler(apis.Produce, { handle: async () => null, failure: () => null });
    await open([gate.handler, silent]);
    const raw = await client();
    const produce = encodeRequest(apis.Produce, 9, 2, 'raw', { acks: 0, timeoutMs: 1, topicData: [] });
    raw.send(heartbeat(1, 'a'), produce, heartbeat(3, 'c'));
    gate.of('a').resolve(0);
    gate.of('c').resolve(0);
    expect([correlationIdOf(await raw.next()), correlationIdOf(await raw.next())]).toEqual([1, 3]);
  });

  it('another connection: does not wait for the first', async () => {
    const gate = new Gate();
    await open([gate.handler]);
    const [first, second] = [await client(), await client()];
    first.send(heartbeat(1, 'a'));
    second.send(heartbeat(2, 'b'));
    gate.of('b').resolve(0);
    expect(correlationIdOf(await second.next())).toBe(2);
    expect(first.frames).toEqual([]);
    gate.of('a').resolve(0);
    expect(correlationIdOf(await first.next())).toBe(1);
  });

  it('two fetches on one connection: the second begins when the first is answered', async () => {
    const begun: number[] = [];
    const gates = [new Deferred<void>(), new Deferred<void>()];
    const fetch = defineHandler(apis.Fetch, {
      handle: async ({ header }) => {
        begun.push(header.correlationId);
        await gates[begun.length - 1]!.promise;
        return { errorCode: 0, responses: [] };
      },
      failure: () => null,
    });
    await open([fetch]);
    const raw = await client();
    const request = (correlationId: number) =>
      encodeRequest(apis.Fetch, 12, correlationId, 'raw', { maxWaitMs: 0, minBytes: 1, topics: [] });
    raw.send(request(1), request(2));
    await eventually(() => begun.length === 1, 'the first fetch begun');
    gates[0]!.resolve();
    expect(correlationIdOf(await raw.next())).toBe(1);
    await eventually(() => begun.length === 2, 'the second fetch begun');
    gates[1]!.resolve();
    expect(correlationIdOf(await raw.next())).toBe(2);
  });
});

describe('bounds', () => {
  it('more requests than may be in flight: the rest begin as the first are answered', async () => {
    const gate = new Gate();
    await open([gate.handler], { 'socket.inflight.max.requests': 2 });
    const raw = await client();
    const names = Array.from({ length: 50 }, (_, index) => `m${index}`);
    raw.send(...names.map((name, index) => heartbeat(index, name)));
    await eventually(() => gate.begun.length === 2, 'two requests begun');
    await new Promise((resolve) => setImmediate(resolve));
    expect(gate.begun).toEqual(['m0', 'm1']);
    for (const name of names) gate.of(name).resolve(0);
    for (const index of names.keys()) expect(correlationIdOf(await raw.next())).toBe(index);
    expect(gate.begun).toEqual(names);
  });

  it('more bytes than may be in flight: the next request waits, but one always goes', async () => {
    const gate = new Gate();
    await open([gate.handler], { 'socket.inflight.max.bytes': 1024 });
    const raw = await client();
    const large = 'x'.repeat(4000);
    raw.send(heartbeat(1, 'a', large), heartbeat(2, 'b'));
    await eventually(() => gate.begun.length === 1, 'the large request begun');
    expect(gate.begun).toEqual(['a']);
    gate.of('a').resolve(0);
    gate.of('b').resolve(0);
    expect(correlationIdOf(await raw.next())).toBe(1);
    expect(correlationIdOf(await raw.next())).toBe(2);
  });

  it('a client that does not read its responses: is read no further until it does', async () => {
    let answered = 0;
    const big = Buffer.alloc(1 << 20, 1);
    const join = defineHandler(apis.SyncGroup, {
      handle: () => {
        answered += 1;
        return { errorCode: 0, assignment: big };
      },
      failure: () => null,
    });
    await open([join], { 'socket.send.backlog.max.bytes': 2 << 20 });
    const raw = await client();
    raw.socket.pause();
    const total = 60;
    for (let index = 0; index < total; index++) {
      raw.send(
        encodeRequest(apis.SyncGroup, 3, index, 'raw', {
          groupId: 'g',
          generationId: 1,
          memberId: 'm',
          assignments: [],
        }),
      );
    }
    await eventually(() => answered > 2, 'some are answered');
    for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBeLessThan(total);
    raw.socket.resume();
    for (let index = 0; index < total; index++) expect(correlationIdOf(await raw.next())).toBe(index);
    expect(answered).toBe(total);
  });

  it('more connections than allowed: the surplus is closed, with one line in the log', async () => {
    const gate = new Gate();
    await open([gate.handler], { 'max.connections': 1 });
    const first = await client();
    await eventually(() => opened.door.connections === 1, 'the first is connected');
    await (await client()).untilEnd();
    await (await client()).untilEnd();
    expect(opened.services.logger.matching(/max\.connections, 1, are open/)).toHaveLength(1);
    first.send(heartbeat(1, 'a'));
    gate.of('a').resolve(0);
    expect(correlationIdOf(await first.next())).toBe(1);
  });

  it('a connection without traffic: is closed after connections.max.idle.ms, one with traffic is not', async () => {
    const gate = new Gate();
    await open([gate.handler], { 'connections.max.idle.ms': 10_000 });
    const [idle, busy] = [await client(), await client()];
    await eventually(() => opened.door.connections === 2, 'both are connected');
    for (let round = 0; round < 4; round++) {
      opened.services.clock.advance(3_000);
      busy.send(heartbeat(round, `m${round}`));
      gate.of(`m${round}`).resolve(0);
      expect(correlationIdOf(await busy.next())).toBe(round);
    }
    await idle.untilEnd();
    expect(busy.ended).toBe(false);
  });

  it('a request that takes longer than connections.max.idle.ms: is not idleness', async () => {
    const gate = new Gate();
    await open([gate.handler], { 'connections.max.idle.ms': 10_000 });
    const raw = await client();
    raw.send(heartbeat(1, 'a'));
    await eventually(() => gate.begun.length === 1, 'the request has begun');
    opened.services.clock.advance(60_000);
    gate.of('a').resolve(0);
    expect(correlationIdOf(await raw.next())).toBe(1);
  });
});
