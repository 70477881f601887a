import { OttlaError } from '@ottla/protocol';
import { ManualClock, type PeerHandlers, type PeerNetwork, type PeerStream } from '@ottla/runtime';
import { Doubts } from '../../src/peers/doubts';
import { WatchedPeers } from '../../src/peers/watched-peers';

const DEAD = { broker: 2, run: 'run-2' };
const BROKEN = new OttlaError('NETWORK_EXCEPTION', 'connection reset');

describe('doubts', () => {
  it.each([
    ['never broken: none', [], 0, 0],
    ['broken just now: 400 ms', [0], 0, 400],
    ['broken 150 ms ago: what is left', [0], 150, 250],
    ['broken 400 ms ago: none', [0], 400, 0],
    ['attempts to connect again fail: the first break counts', [0, 100, 350], 350, 50],
    ['it breaks again a minute later: that is news', [0, 60_000], 60_100, 300],
  ])('%s', (_, breaks, at, remaining) => {
    const clock = new ManualClock();
    const doubts = new Doubts(clock);
    for (const moment of breaks) {
      clock.advance(moment - clock.now());
      doubts.onBroken(DEAD);
    }
    clock.advance(at - clock.now());
    expect(doubts.remainingMs(DEAD)).toBe(remaining);
    expect(doubts.remainingMs({ ...DEAD, run: 'run-2b' })).toBe(0);
  });
});

type AnyStream = PeerStream<never, never>;

/** A stream that a test breaks, and a network of which each stream is one. */
function brokenNetwork() {
  const streams: { end(error: OttlaError | null): void; closes: unknown[] }[] = [];
  const open = (): AnyStream => {
    let onClose: (error: OttlaError | null) => void = () => {};
    const closes: unknown[] = [];
    streams.push({ end: (error) => onClose(error), closes });
    return {
      remote: 'memory',
      send: () => true,
      onMessage: () => {},
      onDrain: () => {},
      onClose: (callback) => {
        onClose = callback;
      },
      close: (error) => {
        closes.push(error);
      },
    };
  };
  let handlers: PeerHandlers | null = null;
  const network = {
    openReplication: open,
    openSession: open,
    probe: async () => 'refused',
    serve: async (_: unknown, given: PeerHandlers) => {
      handlers = given;
      return { port: 1, close: async () => {} };
    },
    close: async () => {},
  } as unknown as PeerNetwork & { close(): Promise<void> };
  return { network, streams, open, handlers: () => handlers! };
}

describe('the watched network', () => {
  const hello = { clusterId: 'c', ...DEAD };
  const address = { host: 'h', port: 7 };

  function watched() {
    const fake = brokenNetwork();
    const told: string[] = [];
    const listener = {
      from: ({ broker }: { broker: number }) => told.push(`from ${broker}`),
      to: ({ host }: { host: string }) => told.push(`to ${host}`),
    };
    return { ...fake, told, peers: new WatchedPeers(fake.network, listener) };
  }

  it.each([
    ['openReplication', BROKEN, ['to h']],
    ['openSession', BROKEN, ['to h']],
    ['openSession', null, []],
    ['openReplication', new OttlaError('BROKER_NOT_AVAILABLE', 'shutting down'), []],
  ] as const)('%s, closed by %s: tells %j, and its owner is told as ever', (method, error, expected) => {
    const { peers, streams, told } = watched();
    const ends: unknown[] = [];
    peers[method](address, hello).onClose((reason) => ends.push(reason));
    streams[0]!.end(error);
    expect([told, ends]).toEqual([expected, [error]]);
  });

  it('closed from this side: nothing is told', () => {
    const { peers, streams, told } = watched();
    const stream = peers.openReplication(address, hello);
    stream.onClose(() => {});
    stream.close();
    streams[0]!.end(BROKEN);
    expect([told, streams[0]!.closes]).toEqual([[], [undefined]]);
  });

  it.each(['onReplication', 'onSession'] as const)('%s: who had opened the stream that broke is told', async (kind) => {
    const { peers, streams, open, handlers, told } = watched();
    const accept = (_: unknown, stream: AnyStream) => stream.onClose(() => {});
    await peers.serve(address, { onReplication: accept, onSession: accept }, hello);
    handlers()[kind](hello, open());
    streams[0]!.end(BROKEN);
    expect(told).toEqual(['from 2']);
  });
});
