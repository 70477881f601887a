import { apis, encodeResponse, readRequest } from '@ottla/protocol';
import { ManualClock } from '@ottla/runtime';
import { ProduceForwarder } from '../../src/peers/produce-forwarder';
import { batchOf } from '../support/batches';
import { MemoryTcp } from '../support/memory-tcp';

const ADDRESS = { host: 'h', port: 7 };
const settle = () => new Promise((resolve) => setImmediate(resolve));

function forwarder(connect?: () => Promise<MemoryTcp>) {
  const clock = new ManualClock();
  const connections: MemoryTcp[] = [];
  const tcp = {
    connect:
      connect ??
      (async () => {
        connections.push(new MemoryTcp());
        return connections.at(-1)!;
      }),
  };
  const subject = new ProduceForwarder({ tcp, clock });
  const forward = (value: string, timeoutMs = 1_000) =>
    subject.forward(ADDRESS, {
      ...{ clientId: 'c', topic: 't', partition: 3, acks: -1 as const, timeoutMs },
      records: batchOf([value]),
    });
  /** Lets the link be connected, and its grace pass. */
  const connected = async (): Promise<void> => {
    await settle();
    clock.advance(10);
    await settle();
  };
  return { subject, clock, connections, forward, connected };
}

const requestsOn = (tcp: MemoryTcp) => tcp.written.map((bytes) => readRequest(Buffer.from(bytes).subarray(4)));

function answer(tcp: MemoryTcp, correlationId: number, baseOffset: number): void {
  const partitionResponses = [{ index: 3, errorCode: 0, baseOffset }];
  const { chunks } = encodeResponse(apis.Produce, 12, correlationId, {
    responses: [{ name: 't', partitionResponses }],
  });
  for (const chunk of chunks) tcp.receive(chunk as Uint8Array);
}

describe('forwarding produces', () => {
  it('several at once: on one connection, in their order, each with its own answer', async () => {
    const { forward, connected, connections } = forwarder();
    const answers = ['a', 'b', 'c'].map((value) => forward(value));
    await connected();
    const ids = requestsOn(connections[0]!).map(({ header }) => header.correlationId);
    expect(ids).toEqual([1, 2, 3]);
    for (const id of [2, 3, 1]) answer(connections[0]!, id, 100 + id);
    expect((await Promise.all(answers)).map(({ baseOffset }) => baseOffset)).toEqual([101, 102, 103]);
    expect(connections).toHaveLength(1);
  });

  it('nothing is sent before the next leader had a moment to hear that it leads', async () => {
    const { forward, clock, connections } = forwarder();
    void forward('a').catch(() => {});
    await settle();
    clock.advance(9);
    await settle();
    expect(connections[0]!.written).toEqual([]);
    clock.advance(1);
    await settle();
    expect(connections[0]!.written).toHaveLength(1);
  });

  it('the connection is refused: fails, and the next one tries anew', async () => {
    let attempts = 0;
    const { forward } = forwarder(async () => {
      attempts++;
      throw new Error('refused');
    });
    await expect(forward('a')).rejects.toThrow('refused');
    await settle();
    await expect(forward('b')).rejects.toThrow('refused');
    expect(attempts).toBe(2);
  });

  it('the connection breaks: what waits fails', async () => {
    const { forward, connected, connections } = forwarder();
    const lost = expect(forward('a')).rejects.toThrow(/can't forward a produce to h:7/);
    await connected();
    connections[0]!.destroy();
    await lost;
  });

  it('no answer: fails half a second after the produce would have', async () => {
    const { forward, connected, clock } = forwarder();
    const late = expect(forward('a', 1_000)).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' });
    await connected();
    clock.advance(1_500);
    await late;
    expect(clock.pendingTimers).toBe(0);
  });

  it('closed: connections are closed, and nothing more is forwarded', async () => {
    const { subject, forward, connected, connections } = forwarder();
    const lost = expect(forward('a')).rejects.toThrow();
    await connected();
    subject.close();
    await connected();
    await lost;
    expect(connections[0]!.closed).toBe(true);
    await expect(forward('b')).rejects.toThrow('this broker has shut down');
  });

  it.each([
    ['nothing was forwarded: after the quiet time', [], 50],
    ['forwarded meanwhile: the quiet time after that', [20, 60], 110],
    ['forwarded on and on: after the longest time', Array.from({ length: 40 }, (_, index) => index * 20), 500],
  ])('waiting until clients have moved, %s', async (_, uses, expected) => {
    const { subject, clock, forward } = forwarder();
    let over: number | null = null;
    void subject.untilQuiet(50, 500).then(() => {
      over = clock.now();
    });
    for (let at = 0; at <= 700; at += 10) {
      if (uses.includes(at)) void forward('a').catch(() => {});
      await settle();
      clock.advance(10);
      await settle();
    }
    expect(over).toBe(expected);
  });
});
