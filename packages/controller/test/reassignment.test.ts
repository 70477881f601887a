import type { PartitionRecord } from '@ottla/replication';
import fc from 'fast-check';
import type { BrokersView } from '../src/core/partitions/liveness';
import { changePartition } from '../src/core/partitions/partition-change';
import { originalReplicas, reassignedTo, settledOn, targetReplicas } from '../src/core/reassignment/assignment';
import { changeAssignment } from '../src/core/reassignment/assignment-change';
import { planReassignment } from '../src/core/reassignment/plan-reassignment';
import { KEYS } from './controller-fixtures';
import {
  type BrokerState,
  DEFAULTS,
  imageOf,
  record,
  registration,
  replica,
  replicas,
  show,
  topic,
  versioned,
} from './fixtures';

type Brokers = Readonly<Record<number, BrokerState>>;

const UP: Brokers = { 1: 'up', 2: 'up', 3: 'up', 4: 'up', 5: 'up' };

function viewOf(brokers: Brokers, unjudged: readonly number[] = []): BrokersView {
  const registrations = Object.entries(brokers).map(([id, state]) => versioned(registration(Number(id), state)));
  return {
    registrations: new Map(registrations.map((entry) => [entry.value.broker, entry])),
    isUnjudged: (broker) => unjudged.includes(broker),
  };
}

function without<T extends Brokers>(brokers: T, ...gone: number[]): Brokers {
  return Object.fromEntries(Object.entries(brokers).filter(([id]) => !gone.includes(Number(id))));
}

/** `replicas +adding -removing (removed) leader/epoch isr=... elr=...`. */
function summary(after: PartitionRecord): string {
  const leader = after.leader === null ? 'none' : after.leader.broker;
  const parts = [
    after.replicas.join(' '),
    after.adding.length > 0 ? `+${after.adding.join(' ')}` : '',
    after.removing.length > 0 ? `-${after.removing.join(' ')}` : '',
    after.removed === undefined ? '' : `(${after.removed.join(' ')})`,
    `${leader}/${after.leaderEpoch} isr=${show(after.isr)}`,
    after.elr.length > 0 ? `elr=${show(after.elr)}` : '',
  ];
  return parts.filter(Boolean).join(' ');
}

/** 4 and 5 shall replace 2 and 3. */
const UNDER_WAY: Partial<PartitionRecord> = {
  replicas: [4, 5, 1, 2, 3],
  original: [1, 2, 3],
  adding: [4, 5],
  removing: [2, 3],
  minIsr: 2,
};

interface Asked {
  readonly name: string;
  readonly record?: Partial<PartitionRecord>;
  readonly brokers?: Brokers;
  /** Null cancels. */
  readonly target: readonly number[] | null;
  readonly minimum?: number;
  readonly becomes: string;
}

const asked: Asked[] = [
  {
    name: 'other brokers: those to come first, in the order asked for, and those that leave behind them; the ISR stays',
    target: [4, 5, 1],
    becomes: '4 5 1 2 3 +4 5 -2 3 1/5 isr=1 2 3',
  },
  { name: 'fewer brokers: one is to leave', target: [1, 2], becomes: '1 2 3 -3 1/5 isr=1 2 3' },
  { name: 'more brokers', target: [1, 2, 3, 4], becomes: '1 2 3 4 +4 1/5 isr=1 2 3' },
  {
    name: 'another order: takes effect at once, and is no reassignment',
    target: [3, 1, 2],
    becomes: '3 1 2 1/5 isr=1 2 3',
  },
  {
    name: 'a broker whose folder was still to be deleted: it may keep it',
    record: { removed: [4, 5] },
    target: [1, 2, 4],
    becomes: '1 2 4 3 +4 -3 (5) 1/5 isr=1 2 3',
  },
  {
    name: 'another target: what was being added beside it leaves, in a new epoch',
    record: UNDER_WAY,
    target: [1, 2, 4],
    becomes: '1 2 4 3 +4 -3 (5) 1/6 isr=1 2 3',
  },
  {
    name: 'another target: what is in sync already leaves when the others make up the minimum',
    record: { ...UNDER_WAY, isr: replicas('1 2 5') },
    target: [4, 1, 2],
    becomes: '4 1 2 3 +4 -3 (5) 1/6 isr=1 2',
  },
  {
    name: 'another target, of the brokers before: the reassignment is over',
    record: UNDER_WAY,
    target: [3, 2, 1],
    becomes: '3 2 1 (4 5) 1/6 isr=1 2 3',
  },
  {
    name: 'cancelled: the assignment before it, in its order',
    record: UNDER_WAY,
    target: null,
    becomes: '1 2 3 (4 5) 1/6 isr=1 2 3',
  },
  {
    name: 'cancelled, led by one that was being added: one of the brokers before takes over',
    record: { ...UNDER_WAY, isr: replicas('4 2 1'), leader: { broker: 4, run: 'run-4' } },
    target: null,
    becomes: '1 2 3 (4 5) 1/6 isr=2 1',
  },
  {
    name: 'cancelled below the minimum: fine, when those that leave were neither in sync nor eligible',
    record: { ...UNDER_WAY, isr: replicas('1'), elr: replicas('2') },
    target: null,
    becomes: '1 2 3 (4 5) 1/6 isr=1 elr=2',
  },
  {
    name: 'cancelled without a leader: fine likewise',
    record: { ...UNDER_WAY, leader: null, isr: [], elr: replicas('1 2') },
    target: null,
    becomes: '1 2 3 (4 5) none/6 isr= elr=1 2',
  },
  {
    name: 'cancelled while the leader drains: it hands over',
    record: UNDER_WAY,
    brokers: { ...UP, 1: 'draining' },
    target: null,
    becomes: '1 2 3 (4 5) 2/6 isr=1 2 3',
  },
  {
    name: 'cancelled below the minimum, when one that leaves is in sync: refused, for it may be all that holds a record twice',
    record: { ...UNDER_WAY, isr: replicas('1 4') },
    target: null,
    becomes: 'INVALID_REPLICA_ASSIGNMENT',
  },
  {
    name: 'cancelled when one that leaves is eligible: refused',
    record: { ...UNDER_WAY, isr: replicas('1'), elr: replicas('4') },
    target: null,
    becomes: 'INVALID_REPLICA_ASSIGNMENT',
  },
  {
    name: 'cancelled when one that leaves is the last known leader, and nothing else is known: refused',
    record: { ...UNDER_WAY, leader: null, isr: [], elr: [], lastKnownLeader: replica('4') },
    target: null,
    becomes: 'INVALID_REPLICA_ASSIGNMENT',
  },
  {
    name: 'cancelled while the leader is away: refused until there is one',
    record: UNDER_WAY,
    brokers: without(UP, 1),
    target: null,
    becomes: 'LEADER_NOT_AVAILABLE',
  },
  {
    name: 'cancelled while nobody could take over from a leader that leaves: refused until somebody can',
    record: { ...UNDER_WAY, isr: replicas('4 2 1'), leader: { broker: 4, run: 'run-4' } },
    brokers: { ...UP, 1: 'draining', 2: 'draining' },
    target: null,
    becomes: 'LEADER_NOT_AVAILABLE',
  },
];

describe('a reassignment that is asked for', () => {
  it.each(asked.map((situation) => [situation.name, situation] as const))('%s', (_name, situation) => {
    const before = record({ minIsr: 2, ...situation.record });
    const next =
      situation.target === null ? settledOn(originalReplicas(before)) : reassignedTo(before, situation.target);
    const change = changeAssignment(before, next, viewOf(situation.brokers ?? UP), situation.minimum ?? 2);
    expect('refused' in change ? change.code : summary(change.record)).toBe(situation.becomes);
  });
});

interface Progress {
  readonly name: string;
  readonly record?: Partial<PartitionRecord>;
  readonly brokers?: Brokers;
  readonly unjudged?: readonly number[];
  readonly minimum?: number;
  readonly becomes: string | null;
}

const IN_SYNC = replicas('1 2 3 4 5');

const progress: Progress[] = [
  { name: 'nobody new is in sync: it waits', becomes: null },
  { name: 'not all that are added are in sync: it waits', record: { isr: replicas('1 2 3 4') }, becomes: null },
  {
    name: 'all that are added are in sync: the others leave, in a new epoch, and may delete their folders',
    record: { isr: IN_SYNC },
    becomes: '4 5 1 (2 3) 1/6 isr=1 4 5',
  },
  {
    name: 'the leader is one that leaves: the preferred of those that stay takes over',
    record: { isr: IN_SYNC, leader: { broker: 2, run: 'run-2' } },
    becomes: '4 5 1 (2 3) 4/6 isr=1 4 5',
  },
  {
    name: 'one that stays is not in sync, and the others make up the minimum: it completes',
    record: { isr: replicas('2 4 5'), leader: { broker: 2, run: 'run-2' } },
    becomes: '4 5 1 (2 3) 4/6 isr=4 5',
  },
  {
    name: 'fewer replicas, and too few of them in sync: it waits',
    record: { replicas: [1, 4, 2, 3], original: [1, 2, 3, 4], adding: [], removing: [2, 3], isr: replicas('1 2 3') },
    becomes: null,
  },
  {
    name: 'fewer replicas than the minimum: the effective minimum goes down with them',
    record: { replicas: [1, 2, 3], original: [1, 2, 3], adding: [], removing: [2, 3], isr: replicas('1 2 3') },
    becomes: '1 (2 3) 1/6 isr=1',
  },
  {
    name: 'a broker that was removed before and not yet deleted its folder is remembered beside the others',
    record: { isr: IN_SYNC, removed: [9] },
    becomes: '4 5 1 (9 2 3) 1/6 isr=1 4 5',
  },
  {
    name: 'one that is added drains: it waits',
    record: { isr: IN_SYNC },
    brokers: { ...UP, 4: 'draining' },
    becomes: '4 5 1 2 3 +4 5 -2 3 1/5 isr=1 2 3 5',
  },
  {
    name: 'one that is added came back with another log: it leaves the ISR first',
    record: { isr: IN_SYNC },
    brokers: { ...UP, 4: 'wiped' },
    becomes: '4 5 1 2 3 +4 5 -2 3 1/5 isr=1 2 3 5',
  },
  {
    name: 'it is too early to judge one that is added: it waits',
    record: { isr: IN_SYNC },
    brokers: without(UP, 4),
    unjudged: [4],
    becomes: null,
  },
  {
    name: 'the leader is gone: the election comes first',
    record: { isr: IN_SYNC },
    brokers: without(UP, 1),
    becomes: '4 5 1 2 3 +4 5 -2 3 4/6 isr=2 3 4 5',
  },
  {
    name: 'no leader: it waits',
    record: { leader: null, isr: [], elr: replicas('4') },
    brokers: without(UP, 4),
    becomes: null,
  },
];

describe('a reassignment under way', () => {
  it.each(progress.map((situation) => [situation.name, situation] as const))('%s', (_name, situation) => {
    const before = record({ ...UNDER_WAY, ...situation.record });
    const policy = { minInsyncReplicas: situation.minimum ?? 2, uncleanAllowed: false };
    const change = changePartition(before, viewOf(situation.brokers ?? UP, situation.unjudged), policy);
    expect(change === null ? null : summary(change.record)).toBe(situation.becomes);
  });

  it('that has completed leaves no trace but the brokers whose folders may go', () => {
    const before = record({ ...UNDER_WAY, isr: IN_SYNC, minIsr: 1 });
    const change = changePartition(before, viewOf(UP), { minInsyncReplicas: 1, uncleanAllowed: false });
    const settled = { replicas: [4, 5, 1], adding: [], removing: [], removed: [2, 3], minIsr: 1, elr: [] };
    expect(change?.kind).toBe('reassigned');
    expect(change?.record).toEqual({ ...record(), ...settled, isr: replicas('1 4 5'), leaderEpoch: 6 });
  });
});

describe('any reassignment', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });

  it('keeps what it goes back to and what it goes to, however often it gets another target', () => {
    fc.assert(
      fc.property(ids, fc.array(ids, { minLength: 1, maxLength: 4 }), (original, targets) => {
        let assignment = settledOn(original);
        for (const target of targets) {
          assignment = reassignedTo(assignment, target);
          expect(targetReplicas(assignment)).toEqual(target);
          const isOver = assignment.adding.length + assignment.removing.length === 0;
          if (isOver) original = target;
          expect(originalReplicas(assignment)).toEqual(original);
          expect(new Set(assignment.replicas)).toEqual(new Set([...original, ...target]));
          expect(new Set(assignment.replicas).size).toBe(assignment.replicas.length);
        }
      }),
    );
  });
});

describe('the plan of a reassignment', () => {
  const image = (fields: Partial<PartitionRecord> = {}, brokers: Brokers = UP) =>
    imageOf({
      brokers: Object.entries(brokers).map(([id, state]) =>
        versioned(registration(Number(id), state), 30 + Number(id)),
      ),
      topics: [versioned(topic('t', 1), 70)],
      partitions: { 'id-t': [[0, versioned(record({ minIsr: 1, ...fields }), 80)]] },
    });
  const plan = (target: readonly number[] | null, at = image(), allowed?: boolean) =>
    planReassignment(
      { image: at, keys: KEYS, defaults: DEFAULTS },
      { topic: 't', partition: 0, replicas: target },
      allowed,
    );

  it('relies on the record, the topic and the defaults', () => {
    expect(plan([1, 2, 4])?.compare).toEqual([
      { key: KEYS.partition('id-t', 0), target: 'mod', equals: 80 },
      { key: KEYS.topic('t'), target: 'mod', equals: 70 },
      { key: KEYS.config('brokers', 'default'), target: 'create', equals: 0 },
    ]);
  });

  it('relies on the leader too when replicas leave, for a new epoch begins', () => {
    const leader = { key: KEYS.broker(1), target: 'mod', equals: 31 };
    expect(plan(null, image(UNDER_WAY))?.compare).toContainEqual(leader);
  });

  it('is nothing for the assignment that there is', () => {
    expect(plan([1, 2, 3])).toBeNull();
    expect(plan([4, 5, 1], image(UNDER_WAY))).toBeNull();
  });

  it('takes brokers that are away as long as they hold the partition', () => {
    expect(plan([1, 4, 2], image({}, without(UP, 2)))).not.toBeNull();
  });

  it.each([
    ['no brokers', () => plan([]), 'INVALID_REPLICA_ASSIGNMENT', /list of replicas is empty/],
    ['a broker twice', () => plan([1, 4, 4]), 'INVALID_REPLICA_ASSIGNMENT', /broker 4 is named more than once/],
    ['an unknown broker', () => plan([1, 7]), 'INVALID_REPLICA_ASSIGNMENT', /broker 7 is not registered/],
    ['nothing to cancel', () => plan(null), 'NO_REASSIGNMENT_IN_PROGRESS', /no reassignment is in progress/],
    [
      'another number of replicas, forbidden',
      () => plan([1, 2], image(), false),
      'INVALID_REPLICATION_FACTOR',
      /forbids/,
    ],
    [
      'an unknown topic',
      () =>
        planReassignment(
          { image: image(), keys: KEYS, defaults: DEFAULTS },
          { topic: 'no', partition: 0, replicas: [1] },
        ),
      'UNKNOWN_TOPIC_OR_PARTITION',
      /'no' does not exist/,
    ],
    [
      'an unknown partition',
      () =>
        planReassignment(
          { image: image(), keys: KEYS, defaults: DEFAULTS },
          { topic: 't', partition: 1, replicas: [1] },
        ),
      'UNKNOWN_TOPIC_OR_PARTITION',
      /has 1 partition/,
    ],
  ])('%s: refused', (_name, attempt, code, message) => {
    expect(attempt).toThrow(expect.objectContaining({ code }));
    expect(attempt).toThrow(message);
  });
});
