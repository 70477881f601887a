import { absenceDeadline, brokersView } from '../src/core/detection/absence';
import { planFencing } from '../src/core/detection/fencing';
import { formerController, type HeardController } from '../src/core/detection/former-controller';
import { Observations } from '../src/core/detection/observations';
import { Suspicion } from '../src/core/detection/suspicion';
import { CLAIM, KEYS, type StateParts, session, stateOf } from './controller-fixtures';
import { imageOf, registration, TIMINGS, versioned } from './fixtures';

const { sessionTimeoutMs, heartbeatIntervalMs } = TIMINGS;
const BROKERS = [1, 2, 9].map((broker) => versioned(registration(broker), 60 + broker));

function fenced(parts: StateParts, now: number): string {
  const { fencings, standDown } = planFencing(stateOf({ brokers: BROKERS, ...parts }), now);
  const brokers = fencings.map(({ registration: { value }, evidence }) => `${value.broker} ${evidence}`);
  return [...brokers, ...(standDown ? ['stand down'] : [])].join(', ');
}

describe('fencing', () => {
  const heard = { 1: session('run-1', 10_000), 2: session('run-2', 10_000) };

  it.each<[string, StateParts, number, string]>([
    ['heard just now: nobody', { sessions: heard }, 10_001, ''],
    ['silent for less than the session timeout: nobody', { sessions: heard }, 10_000 + sessionTimeoutMs - 1, ''],
    [
      'silent for the session timeout: fenced',
      { sessions: { 2: session('run-2', 11_900), 1: session('run-1', 9_000) } },
      9_000 + sessionTimeoutMs,
      '1 silent',
    ],
    [
      'never heard: a full session timeout from when silence began to count',
      { sessions: { 2: heard[2] }, silenceCountsFrom: 9_000 },
      9_000 + sessionTimeoutMs - 1,
      '',
    ],
    [
      'never heard by then: fenced',
      { sessions: { 2: session('run-2', 11_900) }, silenceCountsFrom: 9_000 },
      9_000 + sessionTimeoutMs,
      '1 silent',
    ],
    [
      'registered late: a full session timeout from then',
      { sessions: { 2: heard[2] }, seenAt: 9_500 },
      9_500 + sessionTimeoutMs - 1,
      '',
    ],
    [
      'heard in another run: that says nothing of the registered one',
      { sessions: { 1: session('run-1-old', 12_999), 2: session('run-2', 12_999) } },
      13_000,
      '1 silent',
    ],
    [
      'its stream broke and its address refuses: fenced at once',
      { sessions: { ...heard, 1: session('run-1', 10_000, { open: false, refused: true }) } },
      10_001,
      '1 refused',
    ],
    [
      'its stream broke and its address answers: nobody',
      { sessions: { ...heard, 1: session('run-1', 10_000, { open: false }) } },
      10_001,
      '',
    ],
    [
      'another run of it was refused: nobody',
      { sessions: { ...heard, 1: session('run-1-old', 10_000, { open: false, refused: true }) }, seenAt: 9_000 },
      10_001,
      '',
    ],
    ['nobody heard at all: the controller is the one cut off', { sessions: {} }, sessionTimeoutMs, 'stand down'],
    [
      'the first silent for too long, the other one for half as long: the controller is the one cut off',
      { sessions: { 1: session('run-1', 9_000), 2: session('run-2', 9_000 + sessionTimeoutMs / 2) } },
      9_000 + sessionTimeoutMs,
      'stand down',
    ],
    [
      'nobody heard, and it stood down for that lately: all fenced',
      { mayStandDown: false },
      sessionTimeoutMs,
      '1 silent, 2 silent',
    ],
    ['nobody heard of only one other: fenced', { brokers: BROKERS.slice(1) }, sessionTimeoutMs, '2 silent'],
    [
      'nobody heard, one of them known dead: that one is fenced, the other one too',
      { sessions: { 1: session('run-1', 0, { open: false, refused: true }) } },
      sessionTimeoutMs,
      '1 refused, 2 silent',
    ],
  ])('%s', (_name, parts, now, expected) => {
    expect(fenced(parts, now)).toBe(expected);
  });

  it('the controller never fences itself', () => {
    expect(fenced({ brokers: BROKERS.slice(2) }, 1_000_000)).toBe('');
  });

  it('a fencing relies on the claim and on the registration as it was read', () => {
    const sessions = { 2: session('run-2', 10_000), 1: session('run-1', 0) };
    const { fencings } = planFencing(stateOf({ brokers: BROKERS, sessions }), 10_000);
    expect(fencings.map(({ txn }) => ({ compare: txn.compare, success: txn.success }))).toEqual([
      {
        compare: [
          { key: KEYS.controller(), target: 'create', equals: CLAIM.createRevision },
          { key: KEYS.broker(1), target: 'mod', equals: 61 },
        ],
        success: [{ type: 'delete', key: KEYS.broker(1) }],
      },
    ]);
  });

  it('the next deadline is when the first broker will have been silent for too long', () => {
    const sessions = { 1: session('run-1', 10_000), 2: session('run-2', 9_500) };
    expect(planFencing(stateOf({ brokers: BROKERS, sessions }), 10_001).nextDeadline).toBe(9_500 + sessionTimeoutMs);
  });
});

describe('the former controller', () => {
  const NOW = 10_000;
  const former = { broker: 1, run: 'run-1', registeredIn: 61, silentSince: NOW - sessionTimeoutMs };
  const others = { 2: session('run-2', NOW) };
  const term: StateParts = { silenceCountsFrom: NOW, seenAt: NOW, formerController: former };

  it.each<[string, StateParts, string]>([
    [
      'was silent for the session timeout before this term, and others are heard: fenced',
      { sessions: others },
      '1 silent',
    ],
    ['was, and is heard now: nobody', { sessions: { ...others, 1: session('run-1', NOW) } }, ''],
    ['was, and nobody else is heard: this broker may be the one cut off', {}, ''],
    ['was, and another one was heard in another run', { sessions: { 2: session('run-2-old', NOW) } }, ''],
    ['was, and there is nobody else: fenced', { brokers: [BROKERS[0]!, BROKERS[2]!] }, '1 silent'],
    [
      'was silent for less: nobody',
      { formerController: { ...former, silentSince: NOW - 2_999 }, sessions: others },
      '',
    ],
    ['was another run: nobody', { formerController: { ...former, run: 'run-1-old' }, sessions: others }, ''],
    ['has registered again: nobody', { formerController: { ...former, registeredIn: 60 }, sessions: others }, ''],
    ['is unknown, as after a pause of this process: nobody', { formerController: null, sessions: others }, ''],
  ])('%s', (_name, parts, expected) => {
    expect(fenced({ ...term, ...parts }, NOW)).toBe(expected);
  });

  it('heard shortly before this term is given no less than everybody else', () => {
    const silentSince = NOW + heartbeatIntervalMs;
    const { nextDeadline } = planFencing(
      stateOf({ ...term, brokers: BROKERS, sessions: others, formerController: { ...former, silentSince } }),
      NOW,
    );
    expect(nextDeadline).toBe(NOW + sessionTimeoutMs);
  });

  const heard = (fields: Partial<HeardController> = {}): HeardController => ({
    claim: { ...CLAIM.value, broker: 1, run: 'run-1', epoch: CLAIM.value.epoch - 1 },
    registeredIn: 61,
    heardAt: 6_500,
    goneAt: NOW,
    ...fields,
  });

  it.each<[string, HeardController | null, number | null]>([
    ['not heard of: nothing counts', null, null],
    ['heard a heartbeat more than a session timeout ago: half a heartbeat is left', heard(), NOW + 250],
    ['silent for very long: half a heartbeat is left', heard({ heardAt: 0 }), NOW + 250],
    ['silent for a session timeout: a heartbeat is left', heard({ heardAt: 7_000 }), NOW + 500],
    ['gone for a while: that time is not counted', heard({ heardAt: 6_500, goneAt: NOW - 400 }), NOW + 400],
    ['gone for more than half a session timeout: nothing counts', heard({ heardAt: 0, goneAt: NOW - 1_501 }), null],
    [
      'not the one right before: nothing counts',
      heard({ claim: { ...CLAIM.value, epoch: CLAIM.value.epoch - 2 } }),
      null,
    ],
  ])('%s', (_name, last, deadline) => {
    const found = formerController(last, CLAIM.value, NOW, TIMINGS);
    expect(found === null ? null : found.silentSince + sessionTimeoutMs).toBe(deadline);
  });
});

describe('suspicion', () => {
  const RUN = 'run-1';
  const again = (createRevision: number) => versioned(registration(1), createRevision);

  it('a run taken for dead that registers again is judged by silence alone, for ten minutes', () => {
    const suspicion = new Suspicion(600_000);
    suspicion.guessedDead(RUN, 60, 1_000);
    expect(suspicion.refusalCounts(RUN, 1_000)).toBe(true);
    expect(suspicion.onRegistered(again(70), 2_000)).toBe(true);
    expect(suspicion.refusalCounts(RUN, 601_999)).toBe(false);
    expect(suspicion.refusalCounts(RUN, 602_000)).toBe(true);
  });

  it('the registration that was to be deleted is no sign of life', () => {
    const suspicion = new Suspicion(600_000);
    suspicion.guessedDead(RUN, 60, 1_000);
    expect(suspicion.onRegistered(again(60), 2_000)).toBe(false);
    expect(suspicion.refusalCounts(RUN, 2_000)).toBe(true);
  });

  it('a registration that nobody guessed about is no wrong guess', () => {
    expect(new Suspicion(600_000).onRegistered(again(70), 0)).toBe(false);
  });

  it('a fenced broker under distrust is not fenced by another refusal, but by silence', () => {
    const suspicion = new Suspicion(600_000);
    suspicion.guessedDead(RUN, 50, 1_000);
    suspicion.onRegistered(again(61), 2_000);
    const sessions = { 1: session(RUN, 3_000, { open: false, refused: true }), 2: session('run-2', 6_000) };
    expect(fenced({ sessions, suspicion }, 3_001)).toBe('');
    expect(fenced({ sessions, suspicion }, 3_000 + sessionTimeoutMs)).toBe('1 silent');
  });
});

describe('absence', () => {
  const without1 = BROKERS.slice(1);
  /** Broker 1 was registered at first and is missing since `at`. */
  const missingSince = (at: number): Observations => {
    const observations = new Observations();
    observations.onImage(imageOf({ brokers: BROKERS }), 0);
    observations.onImage(imageOf({ brokers: without1 }), at);
    return observations;
  };
  const isUnjudged = (parts: StateParts, now: number) =>
    brokersView(stateOf({ brokers: without1, ...parts }), now).isUnjudged(1);

  it('a broker that is not registered is gone at once', () => {
    expect(isUnjudged({ observations: missingSince(5_000) }, 5_000)).toBe(false);
  });

  it('unless it is heard: then it has a session timeout to register again', () => {
    const parts = { observations: missingSince(5_000), sessions: { 1: session('run-1', 5_000) } };
    expect(isUnjudged(parts, 5_000)).toBe(true);
    expect(absenceDeadline(stateOf({ brokers: without1, ...parts }), 1, 5_000)).toBe(5_000 + sessionTimeoutMs);
    expect(isUnjudged({ ...parts, sessions: { 1: session('run-1', 7_900) } }, 5_000 + sessionTimeoutMs)).toBe(false);
  });

  it.each([
    ['its stream is closed', session('run-1', 5_000, { open: false })],
    ['its address refused', session('run-1', 5_000, { refused: true })],
    ['it was heard too long ago', session('run-1', 1_000)],
  ])('when %s it is not heard', (_name, view) => {
    expect(isUnjudged({ observations: missingSince(5_000), sessions: { 1: view } }, 5_000)).toBe(false);
  });

  it('during a stall of the store nobody is judged, and afterwards not before the time given', () => {
    expect(isUnjudged({ absenceCountsFrom: Number.POSITIVE_INFINITY }, 1_000_000)).toBe(true);
    expect(isUnjudged({ absenceCountsFrom: 8_000 }, 7_999)).toBe(true);
    expect(isUnjudged({ absenceCountsFrom: 8_000 }, 8_000)).toBe(false);
  });

  it('whoever registers again is not missing any more', () => {
    const observations = missingSince(5_000);
    observations.onImage(imageOf({ brokers: BROKERS }), 6_000);
    expect(observations.missingSince(1)).toBeNull();
    expect(observations.registeredSince(1)).toBe(6_000);
  });
});
