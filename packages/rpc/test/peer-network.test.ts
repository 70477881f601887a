import { OttlaError } from '@ottla/protocol';
import type { FollowerMessage, LeaderMessage } from '@ottla/replication';
import type { PeerStream, SessionReply, SessionRequest } from '@ottla/runtime';
import type { MessageStream } from '../src';
import {
  HOST,
  hello,
  leaderProcess,
  memberProcess,
  openPair,
  peerNetwork,
  pushOf,
  Recorder,
  silentServer,
  TOPIC_ID,
} from './streams';

const target = { topicId: TOPIC_ID, partition: 3, leaderEpoch: 5, subscription: 7 };

const fromFollower: FollowerMessage[] = [
  { type: 'subscribe', ...target, logId: 'log', endOffset: 12, lastEpoch: -1, logStart: 2 ** 34, windowBytes: 1 << 20 },
  { type: 'report', ...target, endOffset: 2 ** 40, logStart: 5, grantedBytes: 77 },
  { type: 'unsubscribe', ...target },
];
const fromLeader: LeaderMessage[] = [
  pushOf(Buffer.from('batches'), 2 ** 40),
  pushOf(Buffer.alloc(0)),
  { type: 'diverged', ...target, epoch: -1, endOffset: 0 },
  { type: 'start-anew', ...target, firstBatchOffset: 44 },
  { type: 'refused', ...target, error: 'FENCED_LEADER_EPOCH', currentEpoch: 6 },
];

let network = peerNetwork();

beforeEach(() => {
  network = peerNetwork();
});

afterEach(() => network.close());

describe('replication streams', () => {
  it('every message arrives as it was sent, in order, both ways', async () => {
    const { client, server, opened } = await openPair(network);
    const [atFollower, atLeader] = [new Recorder(client), new Recorder(server)];
    for (const message of fromFollower) client.send(message);
    for (const message of fromLeader) server.send(message);
    expect(await atLeader.received(fromFollower.length)).toEqual(fromFollower);
    expect(await atFollower.received(fromLeader.length)).toEqual(fromLeader);
    expect(opened).toEqual(hello(2));
  });

  it('a push of 20 MB arrives whole', async () => {
    const { client, server } = await openPair(network);
    const atFollower = new Recorder(client);
    const records = Buffer.alloc(20_000_000, 'abcdefg');
    server.send(pushOf(records));
    const [push] = await atFollower.received(1);
    expect(push?.type === 'push' && records.equals(push.records)).toBe(true);
  });

  it('the sender is told to wait while the follower does not read, and to go on when it does', async () => {
    const { client, server } = await openPair(network);
    const [atFollower, atLeader] = [new Recorder(client), new Recorder(server)];
    (client as MessageStream<FollowerMessage, LeaderMessage>).pause();
    const records = Buffer.alloc(1 << 20);
    let sent = 0;
    const congestion = Array.from({ length: 30 }, () => {
      sent += 1;
      return server.send(pushOf(records, sent));
    });
    expect(congestion.slice(0, 4)).toEqual([true, true, true, false]);
    const { queuedBytes } = server as MessageStream<LeaderMessage, FollowerMessage>;
    expect(queuedBytes).toBeGreaterThan(25 << 20);
    expect(atLeader.drains).toBe(0);
    (client as MessageStream<FollowerMessage, LeaderMessage>).resume();
    const received = await atFollower.received(sent);
    expect(received.map((message) => message.type === 'push' && message.baseOffset)).toEqual(
      Array.from({ length: sent }, (_, index) => index + 1),
    );
    expect(atLeader.drains).toBe(1);
  });

  it('a sender that respects backpressure holds little memory for a follower that reads nothing', async () => {
    const { client, server } = await openPair(network);
    (client as MessageStream<FollowerMessage, LeaderMessage>).pause();
    const records = Buffer.alloc(256 << 10);
    let accepted = 0;
    let rounds = 0;
    const fill = (): void => {
      while (server.send(pushOf(records))) accepted += 1;
    };
    server.onDrain(() => {
      rounds += 1;
      fill();
    });
    fill();
    await expectStill(() => accepted);
    const megabytes = (accepted * records.length) / 2 ** 20;
    expect({ megabytes: megabytes < 40, rounds: rounds < 100 }).toEqual({ megabytes: true, rounds: true });
  });

  it('a sender that ignores backpressure beyond the limit loses the stream, with the reason', async () => {
    const small = peerNetwork({ limits: { batchBytes: 1_000, highWaterBytes: 10_000, maxBytes: 1_000_000 } });
    const { client, server } = await openPair(small);
    (client as MessageStream<FollowerMessage, LeaderMessage>).pause();
    const atLeader = new Recorder(server);
    for (let i = 0; i < 11; i++) server.send(pushOf(Buffer.alloc(100_000)));
    expect(await atLeader.closed).toMatchObject({ code: 'NETWORK_EXCEPTION', message: /over its limit of 1000000/ });
    await small.close();
  });
});

describe('the end of a stream', () => {
  it('closed by the follower: what it sent before arrives, and both see an end in good order', async () => {
    const { client, server } = await openPair(network);
    const [atFollower, atLeader] = [new Recorder(client), new Recorder(server)];
    for (const message of fromFollower) client.send(message);
    client.close();
    expect(await atLeader.closed).toBeNull();
    expect(atLeader.messages).toEqual(fromFollower);
    expect(await atFollower.closed).toBeNull();
    expect(client.send(fromFollower[0]!)).toBe(false);
  });

  it('closed by the leader: what it sent before arrives, and both see an end in good order', async () => {
    const { client, server } = await openPair(network);
    const [atFollower, atLeader] = [new Recorder(client), new Recorder(server)];
    for (const message of fromLeader) server.send(message);
    server.close();
    expect(await atFollower.closed).toBeNull();
    expect(atFollower.messages).toEqual(fromLeader);
    expect(await atLeader.closed).toBeNull();
  });

  it.each(['client', 'server'] as const)('closed by the %s with an error: the other end is given it', async (side) => {
    const pair = await openPair(network);
    const recorders = { client: new Recorder(pair.client), server: new Recorder(pair.server) };
    pair[side].close(new OttlaError('NOT_LEADER_OR_FOLLOWER', 'größer als gedacht: 100 %'));
    const other = side === 'client' ? 'server' : 'client';
    expect(await recorders[other].closed).toMatchObject({
      code: 'NOT_LEADER_OR_FOLLOWER',
      message: 'größer als gedacht: 100 %',
      retriable: true,
    });
  });

  it('nothing is delivered after close', async () => {
    const { client, server } = await openPair(network);
    const [atFollower, atLeader] = [new Recorder(client), new Recorder(server)];
    client.close();
    server.send(fromLeader[0]!);
    await atLeader.closed;
    expect(atFollower.messages).toEqual([]);
  });

  it('the death of the leader is noticed at once', async () => {
    const { port, kill } = await leaderProcess();
    const stream = network.openReplication({ host: HOST, port }, hello(2));
    const recorder = new Recorder(stream);
    stream.send(fromFollower[0]!);
    await recorder.received(1);
    const killedAt = performance.now();
    kill();
    expect(await recorder.closed).toMatchObject({ code: 'NETWORK_EXCEPTION', retriable: true });
    expect(performance.now() - killedAt).toBeLessThan(3_000);
  });

  it('the death of a broker that has a session is noticed at once as a failure, not as an orderly end', async () => {
    const opened = new Promise<PeerStream<SessionReply, SessionRequest>>((resolve) => {
      const handlers = {
        onReplication: () => {},
        onSession: (_hello: unknown, stream: PeerStream<SessionReply, SessionRequest>) => resolve(stream),
      };
      network.serve({ host: HOST, port: 0 }, handlers, hello(1)).then(({ port }) => {
        member = memberProcess(port);
      });
    });
    let member: ReturnType<typeof memberProcess> | undefined;
    const closed = new Promise<OttlaError | null>((resolve) => {
      opened.then((stream) => stream.onClose(resolve));
    });
    await opened;
    const killedAt = performance.now();
    member!.kill();
    expect(await closed).toMatchObject({ code: 'NETWORK_EXCEPTION', retriable: true });
    expect(performance.now() - killedAt).toBeLessThan(3_000);
  });

  it('close during the connect gives up, and no callback but onClose comes', async () => {
    const silent = await silentServer();
    const stream = network.openReplication({ host: HOST, port: silent.port }, hello(2));
    const recorder = new Recorder(stream);
    stream.close();
    expect(await recorder.closed).toBeNull();
    silent.close();
  });
});

describe('connecting', () => {
  it('a port where nobody listens: onClose says so', async () => {
    const silent = await silentServer();
    silent.close();
    const recorder = new Recorder(network.openReplication({ host: HOST, port: silent.port }, hello(2)));
    expect(await recorder.closed).toMatchObject({
      code: 'NETWORK_EXCEPTION',
      message: expect.stringMatching(/can't connect to 127\.0\.0\.1:\d+.*ECONNREFUSED/),
    });
  });

  it('a server that accepts and says nothing: given up at the deadline', async () => {
    const silent = await silentServer();
    const impatient = peerNetwork({ connectTimeoutMs: 100 });
    const recorder = new Recorder(impatient.openReplication({ host: HOST, port: silent.port }, hello(2)));
    expect(await recorder.closed).toMatchObject({
      code: 'NETWORK_EXCEPTION',
      message: expect.stringMatching(/did not answer within 100 ms/),
    });
    silent.close();
    await impatient.close();
  });

  it('a hello of another cluster is refused, naming both', async () => {
    const { port } = await network.serve({ host: HOST, port: 0 }, refuseAll, hello(1));
    const recorder = new Recorder(network.openReplication({ host: HOST, port }, hello(2, 'c2')));
    expect(await recorder.closed).toMatchObject({
      code: 'INCONSISTENT_CLUSTER_ID',
      message: expect.stringMatching(/broker 2 belongs to cluster c2, broker 1 to cluster c1/),
    });
  });

  it('a port in use is refused with what to do', async () => {
    const silent = await silentServer();
    await expect(network.serve({ host: HOST, port: silent.port }, refuseAll, hello(1))).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/the port is in use: stop what listens there, or choose another port/),
    });
    silent.close();
  });

  it('probe tells an open port from a refused one', async () => {
    const silent = await silentServer();
    const address = { host: HOST, port: silent.port };
    expect(await network.probe(address, 1_000)).toBe('open');
    silent.close();
    expect(await network.probe(address, 1_000)).toBe('refused');
  });
});

describe('sessions', () => {
  it('heartbeats and reports go out, acks, questions and the refusal of one who is no controller come back', async () => {
    const accepted = new Promise<PeerStream<SessionReply, SessionRequest>>((resolve) => {
      network
        .serve({ host: HOST, port: 0 }, { ...refuseAll, onSession: (_hello, stream) => resolve(stream) }, hello(1))
        .then(({ port }) => {
          const stream = network.openSession({ host: HOST, port }, hello(2));
          atBroker = new Recorder(stream);
          broker = stream;
          stream.send(heartbeat);
        });
    });
    let atBroker: Recorder<SessionReply> | undefined;
    let broker: PeerStream<SessionRequest, SessionReply> | undefined;
    const heartbeat: SessionRequest = {
      type: 'heartbeat',
      broker: 2,
      run: 'run-2',
      sequence: 0,
      imageRevision: 99,
      exceededGeneration: 7,
    };
    const replica = {
      topicId: TOPIC_ID,
      partition: 3,
      logId: 'log-2',
      highestEpoch: 5,
      lastEpoch: -1,
      logEnd: 2 ** 40,
    };
    const report: SessionRequest = {
      type: 'replicas',
      generation: 8,
      replicas: [replica],
      nextProducerId: 2 ** 41,
      last: true,
    };
    const controller = await accepted;
    const atController = new Recorder(controller);
    expect(await atController.received(1)).toEqual([heartbeat]);
    broker!.send(report);
    expect(await atController.received(2)).toEqual([heartbeat, report]);
    controller.send({ type: 'heartbeat-ack', sequence: 0, controllerEpoch: 4 });
    controller.send({ type: 'report-replicas', generation: 8 });
    controller.send({ type: 'not-controller' });
    controller.close();
    expect(await atBroker!.closed).toBeNull();
    expect(atBroker!.messages).toEqual([
      { type: 'heartbeat-ack', sequence: 0, controllerEpoch: 4 },
      { type: 'report-replicas', generation: 8 },
      { type: 'not-controller' },
    ]);
  });
});

const refuseAll = { onReplication: () => {}, onSession: () => {} };

/** Resolves when the value was the same over some turns of the event loop with I/O. */
async function expectStill(value: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 20; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    same = value() === last ? same + 1 : 0;
    last = value();
  }
}
