import { apis, ErrorCode, encodeRequest, OttlaError, readResponse } from '@ottla/protocol';
import { nodeTcp } from '@ottla/runtime';
import { KafkaDoor } from '../../src/doors/kafka/kafka-door';
import { defineHandler } from '../../src/handlers/handler';
import { eventually } from '../support/eventually';
import { Gate, HEARTBEAT, heartbeat, LISTENER, OpenDoor } from '../support/open-door';
import { correlationIdOf } from '../support/raw-client';

let opened: OpenDoor;

async function open(...given: Parameters<typeof OpenDoor.open>): Promise<OpenDoor> {
  opened = await OpenDoor.open(...given);
  return opened;
}

const client = () => opened.client();

afterEach(() => opened.close());

describe('what is no request', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    [
      'an unknown API key',
      Buffer.from('0000000a03e7000000000001ffff', 'hex'),
      /API key 999 \(version 0\) is not served/,
    ],
    [
      'a version that is not served',
      Buffer.from('0000000a000c006300000001ffff', 'hex'),
      /Heartbeat version 99 is not served, only 0 to 4/,
    ],
    ['a body of another shape', Buffer.from('0000000c000c000300000001ffff0005', 'hex'), /Heartbeat version 3: /],
    [
      'bytes after the body',
      Buffer.concat([Buffer.from('0000002a', 'hex'), heartbeat(1, 'a').subarray(4), Buffer.alloc(20)]),
      /Heartbeat version 3: /,
    ],
    ['a negative length', Buffer.from('ffffffff', 'hex'), /-1 is not the length/],
    [
      'a length over the limit',
      Buffer.from('15000000', 'hex'),
      /over the limit of 104857600 \(socket\.request\.max\.bytes\)/,
    ],
    ['TLS', Buffer.from('1603010200010001fc0303', 'hex'), /speaks TLS, this listener is plain text/],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /speaks HTTP\/2, this is a Kafka port/],
  ];
  it.each(cases)(
    '%s: the connection is closed with one sentence in the log, others go on',
    async (_, bytes, sentence) => {
      const gate = new Gate();
      await open([gate.handler]);
      const [bad, good] = [await client(), await client()];
      bad.send(bytes);
      await bad.untilEnd();
      expect(bad.received).toHaveLength(0);
      expect(opened.services.logger.matching(sentence)).toHaveLength(1);
      expect(opened.services.logger.lines.filter((line) => !line.startsWith('debug'))).toHaveLength(1);
      good.send(heartbeat(1, 'a'));
      gate.of('a').resolve(0);
      expect(correlationIdOf(await good.next())).toBe(1);
    },
  );

  it('garbage after two good requests: both are answered before the connection is closed', async () => {
    const gate = new Gate();
    await open([gate.handler]);
    const raw = await client();
    raw.send(heartbeat(1, 'a'), heartbeat(2, 'b'), Buffer.from('ffffffff', 'hex'));
    await eventually(() => gate.begun.length === 2, 'both requests begun');
    gate.of('b').resolve(0);
    gate.of('a').resolve(0);
    expect([correlationIdOf(await raw.next()), correlationIdOf(await raw.next())]).toEqual([1, 2]);
    expect(await raw.next()).toBeNull();
  });

  it('an HTTP request: is told in HTTP that this is a Kafka port', async () => {
    await open([]);
    const raw = await client();
    raw.send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    await raw.untilEnd();
    expect(raw.received.toString()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*This is a Kafka port/);
  });

  it("HTTP/2's preface with a taker: the connection and all its bytes are handed over", async () => {
    const taken: Buffer[] = [];
    await open(
      [],
      {},
      {
        onForeignConnection: (connection) => {
          connection.handle({ data: (bytes) => taken.push(Buffer.from(bytes)), close: () => {} });
          connection.write([Buffer.from('mine now')]);
        },
      },
    );
    const raw = await client();
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    raw.send(Buffer.from(preface));
    await eventually(() => raw.received.toString() === 'mine now', 'the taker speaks');
    raw.send(Buffer.from('more'));
    await eventually(() => Buffer.concat(taken).toString() === `${preface}more`, 'all bytes arrive');
    raw.close();
  });

  it('ApiVersions in a version of the future: is answered in version 0 with UNSUPPORTED_VERSION and the versions served', async () => {
    const gate = new Gate();
    await open([gate.handler]);
    const raw = await client();
    raw.send(Buffer.from('0000000a0012006300000005ffff', 'hex'));
    const frame = (await raw.next())!;
    expect(correlationIdOf(frame)).toBe(5);
    const { body } = readResponse(apis.ApiVersions, 0, frame);
    expect(body.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(body.apiKeys).toEqual([
      { apiKey: 12, minVersion: 0, maxVersion: 4 },
      { apiKey: 18, minVersion: 0, maxVersion: 4 },
    ]);
    const again = await raw.ask(apis.ApiVersions, 4, { clientSoftwareName: 'raw', clientSoftwareVersion: '1.0' });
    expect(again.errorCode).toBe(0);
  });
});

describe('failures', () => {
  it('a handler that throws what nobody expected: UNKNOWN_SERVER_ERROR, a line in the log, and the connection lives', async () => {
    let broken = true;
    const handler = defineHandler(apis.Heartbeat, {
      handle: () => {
        if (broken) throw new TypeError('undefined is not a function');
        return { errorCode: 0 };
      },
      failure: (_request, error) => ({ errorCode: error.errorCode }),
    });
    await open([handler]);
    const raw = await client();
    expect((await raw.ask(apis.Heartbeat, 3, HEARTBEAT)).errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(opened.services.logger.matching(/^error: Heartbeat failed: undefined is not a function/)).toHaveLength(1);
    broken = false;
    expect((await raw.ask(apis.Heartbeat, 3, HEARTBEAT)).errorCode).toBe(0);
  });

  it('a response that the version can not carry: closes that connection only, and says so', async () => {
    const handler = defineHandler(apis.Heartbeat, {
      handle: () => ({ errorCode: 'nonsense' as unknown as number }),
      failure: () => null,
    });
    await open([handler]);
    const raw = await client();
    raw.send(heartbeat(1, 'a'));
    await raw.untilEnd();
    expect(opened.services.logger.matching(/Heartbeat version 3: /)).toHaveLength(1);
  });

  it('a produce without acknowledgement that failed: the connection is closed, as Kafka does', async () => {
    const handler = defineHandler(apis.Produce, {
      handle: async () => {
        throw new OttlaError('NOT_LEADER_OR_FOLLOWER', 'broker 1 does not lead t-0');
      },
      failure: () => null,
    });
    await open([handler]);
    const raw = await client();
    raw.send(encodeRequest(apis.Produce, 9, 2, 'raw', { acks: 0, timeoutMs: 1, topicData: [] }));
    expect(await raw.next()).toBeNull();
    expect(opened.services.logger.matching(/does not lead t-0/)).toHaveLength(1);
  });

  it('a client that disconnects in the middle of a request: nothing but a debug line', async () => {
    await open([]);
    const raw = await client();
    raw.send(heartbeat(1, 'a').subarray(0, 9));
    await eventually(() => opened.door.connections === 1, 'it is connected');
    raw.close();
    await eventually(() => opened.door.connections === 0, 'it is gone');
    expect(opened.services.logger.lines.filter((line) => !line.startsWith('debug'))).toEqual([]);
  });

  it('a client that half-closes after its request: is still answered', async () => {
    const gate = new Gate();
    await open([gate.handler]);
    const raw = await client();
    raw.socket.end(Buffer.from(heartbeat(4, 'a')));
    await eventually(() => gate.begun.length === 1, 'the request has begun');
    gate.of('a').resolve(0);
    expect(correlationIdOf(await raw.next())).toBe(4);
    expect(await raw.next()).toBeNull();
  });

  it('a port in use: rejects with INVALID_CONFIG and a sentence', async () => {
    await open([]);
    const again = KafkaDoor.open({
      network: nodeTcp,
      listener: { ...LISTENER, port: opened.door.port },
      services: opened.services,
    });
    await expect(again).rejects.toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringMatching(/in use/) });
  });

  it('the name and version of a client: appear in later log lines about it', async () => {
    await open([]);
    const raw = await client();
    await raw.ask(apis.ApiVersions, 3, { clientSoftwareName: 'librdkafka', clientSoftwareVersion: '2.3.0' });
    raw.send(Buffer.from('ffffffff', 'hex'));
    await raw.untilEnd();
    expect(
      opened.services.logger.matching(/127\.0\.0\.1:\d+ \(librdkafka 2\.3\.0, client id raw\): -1 is not/),
    ).toHaveLength(1);
  });
});

describe('shutdown', () => {
  it('requests under way: are answered, long polls end early, then connections close', async () => {
    const gate = new Gate();
    let ended = 0;
    const poll = defineHandler(apis.Fetch, {
      handle: ({ connection }) =>
        new Promise((resolve) => {
          connection.onEnding(() => {
            ended += 1;
            resolve({ errorCode: 0, responses: [] });
          });
        }),
      failure: () => null,
    });
    await open([gate.handler, poll]);
    const [waiting, polling, idle] = [await client(), await client(), await client()];
    waiting.send(heartbeat(1, 'a'));
    polling.send(encodeRequest(apis.Fetch, 12, 2, 'raw', { maxWaitMs: 60_000, minBytes: 1, topics: [] }));
    await eventually(() => gate.begun.length === 1 && opened.door.connections === 3, 'all are at work');
    const closing = opened.door.close(5_000);
    expect(correlationIdOf(await polling.next())).toBe(2);
    expect(ended).toBe(1);
    await Promise.all([polling.untilEnd(), idle.untilEnd()]);
    expect(waiting.ended).toBe(false);
    gate.of('a').resolve(0);
    expect(correlationIdOf(await waiting.next())).toBe(1);
    await closing;
    expect(opened.door.connections).toBe(0);
  });

  it('a request that is never answered: is given up after the time allowed', async () => {
    const gate = new Gate();
    await open([gate.handler]);
    const raw = await client();
    raw.send(heartbeat(1, 'a'));
    await eventually(() => gate.begun.length === 1, 'the request has begun');
    const closing = opened.door.close(5_000);
    opened.services.clock.advance(5_000);
    await closing;
    await raw.untilEnd();
  });

  it('a connection that comes while the door closes: is closed at once', async () => {
    const gate = new Gate();
    await open([gate.handler]);
    const raw = await client();
    raw.send(heartbeat(1, 'a'));
    await eventually(() => gate.begun.length === 1, 'the request has begun');
    const closing = opened.door.close(5_000);
    await (await client()).untilEnd();
    gate.of('a').resolve(0);
    await closing;
  });
});
