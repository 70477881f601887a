import { OttlaError } from '@ottla/protocol';
import {
  ManualClock,
  type PeerStream,
  type ProbeResult,
  type SessionReply,
  type SessionRequest,
  silentLogger,
} from '@ottla/runtime';
import { SessionService } from '../src/host/controlling/session-service';
import { imageOf, registration, TIMINGS, versioned } from './fixtures';

const HELLO = { clusterId: 'test', broker: 2, run: 'run-2' };
const RESET = new OttlaError('NETWORK_EXCEPTION', 'connection reset');

/** A session of broker 2 whose address gives these answers to probes, the last one again and again. */
function open(...answers: ProbeResult[]) {
  const clock = new ManualClock();
  const image = imageOf({ brokers: [versioned(registration(2))] });
  let probes = 0;
  let refusedAt: number | null = null;
  const service = new SessionService({
    view: { image } as never,
    network: { probe: async () => answers[Math.min(probes++, answers.length - 1)]! },
    clock,
    logger: silentLogger,
    timings: TIMINGS,
    controllerEpoch: 1,
    onRefused: () => {
      refusedAt = clock.now();
    },
    ...{ onRestoreNews: () => {} },
  });
  let onClose: (error: OttlaError | null) => void = () => {};
  const stream = {
    send: () => true,
    onMessage: () => {},
    onClose: (callback: typeof onClose) => {
      onClose = callback;
    },
    close: () => {},
  } as unknown as PeerStream<SessionReply, SessionRequest>;
  service.accept(HELLO, stream);
  const run = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 5) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(5);
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    service,
    clock,
    close: (error: OttlaError | null) => onClose(error),
    run,
    seen: () => ({ probes, refusedAt }),
  };
}

describe('the session of a broker', () => {
  it.each<[string, ProbeResult[], { probes: number; refusedAt: number | null }]>([
    ['refused at once: dead', ['refused'], { probes: 1, refusedAt: 0 }],
    [
      'accepted once more while the process dies: asked again within milliseconds',
      ['open', 'refused'],
      { probes: 2, refusedAt: 5 },
    ],
    ['accepted for a while', ['open', 'open', 'open', 'refused'], { probes: 4, refusedAt: 35 }],
    ['silent at first', ['silent', 'refused'], { probes: 2, refusedAt: 5 }],
    ['accepted on and on: alive, asked no more', ['open'], { probes: 8, refusedAt: null }],
  ])('breaks, connects are %s', async (_, answers, expected) => {
    const { close, run, seen, clock } = open(...answers);
    close(RESET);
    await run(1_000);
    expect(seen()).toEqual(expected);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends in good order: its address is not asked', async () => {
    const { close, run, seen } = open('refused');
    close(null);
    await run(100);
    expect(seen()).toEqual({ probes: 0, refusedAt: null });
  });

  it('breaks, and the term ends meanwhile: nothing is concluded', async () => {
    const { close, run, seen, service } = open('open', 'refused');
    close(RESET);
    service.close();
    await run(100);
    expect(seen()).toMatchObject({ refusedAt: null });
  });
});
