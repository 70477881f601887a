import type { MetadataResponse } from '@ottla/protocol';
import { apis } from '@ottla/protocol';
import { ManualClock } from '@ottla/runtime';
import { ArrivalWatch, type Visitor } from '../../src/doors/kafka/arrival-watch';
import { LogLines } from '../support/fake-services';

const HEARTBEAT = apis.Heartbeat.key;
const METADATA = apis.Metadata.key;

function visitor(over: Partial<Visitor> = {}): Visitor {
  return {
    clientHost: '10.9.9.9',
    localAddress: '10.0.0.1',
    localPort: 9091,
    clientId: 'app',
    description: '10.9.9.9:5000 (app)',
    isOpen: true,
    ...over,
  };
}

function answer(over: { host?: string; leaderId?: number; brokers?: number } = {}): MetadataResponse {
  const { host = 'kafka.example.org', leaderId = 1, brokers = 1 } = over;
  const partition = { errorCode: 0, partitionIndex: 0, leaderId, replicaNodes: [1], isrNodes: [1] };
  return {
    brokers: Array.from({ length: brokers }, (_, index) => ({ nodeId: index + 1, host, port: 9091 })),
    topics: [{ errorCode: 0, name: 't', partitions: [partition] }],
  };
}

function setUp() {
  const clock = new ManualClock();
  const logger = new LogLines();
  return { clock, logger, watch: new ArrivalWatch({ broker: 1, clock, logger }) };
}

describe('clients that are sent to an advertised address', () => {
  it('one that stays and asks nothing else: one sentence, with the address and the setting', () => {
    const { clock, logger, watch } = setUp();
    for (let round = 0; round < 5; round++) {
      watch.onRequest(visitor(), METADATA);
      watch.onMetadata(visitor(), answer());
      clock.advance(10_000);
    }
    expect(logger.lines).toEqual([
      "warn: 10.9.9.9:5000 (app) was told to connect to kafka.example.org:9091 and has not come in 10 s: if it can't reach that address, set advertised.listeners to one that it can",
    ]);
  });

  const quiet: [string, Partial<Visitor>, Parameters<typeof answer>[0]][] = [
    ['one that has disconnected, as a tool that only lists topics does', { isOpen: false }, {}],
    ['one that came by that very address', {}, { host: '10.0.0.1' }],
    ['one that has reason to go to another broker only', {}, { brokers: 3, leaderId: 2 }],
  ];
  it.each(quiet)('%s: nothing', (_, over, metadata) => {
    const { clock, logger, watch } = setUp();
    watch.onMetadata(visitor(over), answer(metadata));
    clock.advance(60_000);
    expect(logger.lines).toEqual([]);
  });

  it('one that comes, by whichever connection: nothing, now and later', () => {
    const { clock, logger, watch } = setUp();
    watch.onMetadata(visitor(), answer());
    watch.onRequest(visitor({ description: 'another connection' }), HEARTBEAT);
    clock.advance(60_000);
    watch.onMetadata(visitor(), answer());
    clock.advance(60_000);
    expect(logger.lines).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('another client of the same host: is told apart by its client id', () => {
    const { clock, logger, watch } = setUp();
    watch.onMetadata(visitor(), answer());
    watch.onRequest(visitor({ clientId: 'other' }), HEARTBEAT);
    clock.advance(10_000);
    expect(logger.lines).toHaveLength(1);
  });

  it('very many clients: no more than a thousand are watched at a time', () => {
    const { clock, watch } = setUp();
    for (let index = 0; index < 5000; index++) watch.onMetadata(visitor({ clientId: `c${index}` }), answer());
    expect(clock.pendingTimers).toBe(1000);
    watch.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
