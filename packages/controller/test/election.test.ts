import type { PartitionRecord } from '@ottla/replication';
import type { BrokersView } from '../src/core/partitions/liveness';
import { changePartition, type PartitionPolicy } from '../src/core/partitions/partition-change';
import { type BrokerState, record, registration, replica, replicas, show, versioned } from './fixtures';

interface Situation {
  readonly name: string;
  /** The cluster: brokers that aren't named are absent. */
  readonly brokers: Readonly<Record<number, BrokerState>>;
  /** Absent brokers that it's too early to judge. */
  readonly unjudged?: readonly number[];
  readonly record?: Partial<PartitionRecord>;
  readonly policy?: Partial<PartitionPolicy>;
  /** `leader/epoch isr=... elr=... [unclean]`; null when the record stays as it is. */
  readonly becomes: string | null;
}

const UP = { 1: 'up', 2: 'up', 3: 'up' } as const;

const situations: Situation[] = [
  { name: 'all is well: nothing changes', brokers: UP, becomes: null },
  {
    name: 'leader gone: the first of the assignment in the ISR leads',
    brokers: { 2: 'up', 3: 'up' },
    becomes: '2@run-2/6 isr=2 3 elr=',
  },
  {
    name: 'leader gone: the order is that of the assignment, not of the ISR',
    brokers: { 2: 'up', 3: 'up' },
    record: { isr: replicas('1 3 2') },
    becomes: '2@run-2/6 isr=3 2 elr=',
  },
  {
    name: 'leader gone: a live replica outside the ISR is passed over',
    brokers: { 2: 'up', 3: 'up' },
    record: { isr: replicas('1 3') },
    becomes: '3@run-3/6 isr=3 elr=',
  },
  {
    name: 'leader restarted fast: it leads again, in its new run and a higher epoch',
    brokers: { ...UP, 1: 'restarted' },
    becomes: '1@run-1b/6 isr=1 2 3 elr=',
  },
  {
    name: 'leader restarted with another log: it is out of the ISR, another leads',
    brokers: { ...UP, 1: 'wiped' },
    becomes: '2@run-2/6 isr=2 3 elr=',
  },
  {
    name: 'ISR member came back with another log: it leaves the ISR and is not eligible',
    brokers: { ...UP, 2: 'wiped' },
    record: { isr: replicas('1 2'), minIsr: 2 },
    becomes: '1@run-1/5 isr=1 elr=',
  },
  {
    name: 'ISR member restarted with its log: nothing changes, it is the leader who judges it',
    brokers: { ...UP, 3: 'restarted' },
    becomes: null,
  },
  {
    name: 'follower fenced: it leaves the ISR in the same epoch',
    brokers: { 1: 'up', 3: 'up' },
    becomes: '1@run-1/5 isr=1 3 elr=',
  },
  {
    name: 'follower fenced below the minimum: it is eligible',
    brokers: { 1: 'up' },
    record: { isr: replicas('1 2'), minIsr: 2 },
    becomes: '1@run-1/5 isr=1 elr=2',
  },
  {
    name: 'the second below the minimum: both are eligible',
    brokers: { 1: 'up' },
    record: { isr: replicas('1 3'), elr: replicas('2'), minIsr: 2 },
    becomes: '1@run-1/5 isr=1 elr=2 3',
  },
  {
    name: 'follower fenced at the minimum: nobody is eligible beside the ISR',
    brokers: { 1: 'up', 2: 'up' },
    record: { minIsr: 2 },
    becomes: '1@run-1/5 isr=1 2 elr=',
  },
  {
    name: 'all gone at once: no leader, an epoch of its own, all of the ISR eligible',
    brokers: {},
    becomes: 'none/6 isr= elr=1 2 3',
  },
  {
    name: 'single replica gone: it stays eligible',
    brokers: {},
    record: { replicas: [1], isr: replicas('1') },
    becomes: 'none/6 isr= elr=1',
  },
  {
    name: 'single replica back with its log: it leads cleanly',
    brokers: { 1: 'restarted' },
    record: { replicas: [1], leader: null, isr: [], elr: replicas('1') },
    becomes: '1@run-1b/6 isr=1 elr=',
  },
  {
    name: 'single replica back after its machine crashed: it leads, and that may have lost records',
    brokers: { 1: 'wiped' },
    record: { replicas: [1], leader: null, isr: [], elr: replicas('1') },
    becomes: '1@run-1b/6 isr=1:new elr= unclean',
  },
  {
    name: 'ISR empty: an eligible leader leads cleanly, the other eligible ones stay so below the minimum',
    brokers: { 3: 'up' },
    record: { leader: null, isr: [], elr: replicas('1 3'), minIsr: 2 },
    becomes: '3@run-3/6 isr=3 elr=1',
  },
  {
    name: 'ISR empty, minimum 1: whoever leads is the ISR, nobody else is eligible any more',
    brokers: { 3: 'up' },
    record: { leader: null, isr: [], elr: replicas('1 3') },
    becomes: '3@run-3/6 isr=3 elr=',
  },
  {
    name: 'an eligible leader is away: a live replica that is not eligible must wait',
    brokers: { 2: 'up', 3: 'up' },
    record: { leader: null, isr: [], elr: replicas('1') },
    becomes: null,
  },
  {
    name: 'an eligible leader lost its log: it is not eligible any more, the other one is waited for',
    brokers: { 1: 'wiped' },
    record: { leader: null, isr: [], elr: replicas('1 2'), minIsr: 2 },
    becomes: 'none/5 isr= elr=2',
  },
  {
    name: 'a replica that lost its log never leads over one that has it: the eligible one leads',
    brokers: { 1: 'wiped', 2: 'up' },
    record: { leader: null, isr: [], elr: replicas('1 2'), minIsr: 2 },
    becomes: '2@run-2/6 isr=2 elr=',
  },
  {
    name: 'ISR and ELR empty: the last known leader leads, and that may have lost records',
    brokers: { 2: 'up', 3: 'up' },
    record: { leader: null, isr: [], elr: [], lastKnownLeader: replica('3') },
    becomes: '3@run-3/6 isr=3 elr= unclean',
  },
  {
    name: 'ISR and ELR empty: while the last known leader is away nobody leads',
    brokers: { 1: 'up', 2: 'up' },
    record: { leader: null, isr: [], elr: [], lastKnownLeader: replica('3') },
    becomes: null,
  },
  {
    name: 'an eligible leader is live, but the ISR is not empty yet: it must wait until it is',
    brokers: { 2: 'draining', 3: 'up' },
    record: { leader: null, isr: replicas('2'), elr: replicas('3'), minIsr: 3 },
    becomes: null,
  },
  {
    name: 'unclean elections allowed: the first live replica leads when nobody who may hold everything is there',
    brokers: { 2: 'up', 3: 'up' },
    record: { isr: replicas('1') },
    policy: { uncleanAllowed: true },
    becomes: '2@run-2/6 isr=2 elr= unclean',
  },
  {
    name: 'unclean elections allowed, an eligible leader is live: it leads cleanly',
    brokers: { 2: 'up', 3: 'up' },
    record: { leader: null, isr: [], elr: replicas('3'), minIsr: 2 },
    policy: { uncleanAllowed: true },
    becomes: '3@run-3/6 isr=3 elr=',
  },
  {
    name: 'unclean elections allowed: the last known leader comes before anyone else',
    brokers: UP,
    record: { leader: null, isr: [], elr: [], lastKnownLeader: replica('3') },
    policy: { uncleanAllowed: true },
    becomes: '3@run-3/6 isr=3 elr= unclean',
  },
  {
    name: 'unclean elections allowed, but the ISR member is only draining: it is waited for',
    brokers: { 1: 'up', 2: 'draining' },
    record: { leader: null, isr: replicas('2'), lastKnownLeader: replica('2') },
    policy: { uncleanAllowed: true },
    becomes: null,
  },
  {
    name: 'an unclean epoch ends with a clean election',
    brokers: { 2: 'up', 3: 'up' },
    record: { unclean: true },
    becomes: '2@run-2/6 isr=2 3 elr=',
  },
  {
    name: 'leader not registered for too short a time: it keeps leading',
    brokers: { 2: 'up', 3: 'up' },
    unjudged: [1],
    becomes: null,
  },
  {
    name: 'follower not registered for too short a time: it stays in the ISR',
    brokers: { 1: 'up', 2: 'up' },
    unjudged: [3],
    becomes: null,
  },
  {
    name: 'leader gone, the only other member not judged yet: no leader, and nobody unclean, before it is',
    brokers: { 3: 'up' },
    unjudged: [2],
    record: { isr: replicas('1 2') },
    policy: { uncleanAllowed: true },
    becomes: 'none/6 isr=2 elr=',
  },
  {
    name: 'leader draining: another one of the ISR takes over, and the draining one leaves the ISR',
    brokers: { ...UP, 1: 'draining' },
    becomes: '2@run-2/6 isr=2 3 elr=',
  },
  {
    name: 'leader draining at the minimum: it hands over, and stays in the ISR until it is gone',
    brokers: { 1: 'draining', 2: 'up' },
    record: { isr: replicas('1 2'), minIsr: 2 },
    becomes: '2@run-2/6 isr=1 2 elr=',
  },
  {
    name: 'leader draining, nobody else in the ISR: it keeps leading',
    brokers: { ...UP, 1: 'draining' },
    record: { isr: replicas('1') },
    becomes: null,
  },
  {
    name: 'leader draining, so are the others: it keeps leading alone',
    brokers: { 1: 'draining', 2: 'draining', 3: 'draining' },
    becomes: '1@run-1/5 isr=1 elr=',
  },
  {
    name: 'follower draining: it leaves the ISR ahead of its broker',
    brokers: { ...UP, 2: 'draining' },
    record: { minIsr: 2 },
    becomes: '1@run-1/5 isr=1 3 elr=',
  },
  {
    name: 'two followers draining: only as many leave as the minimum allows',
    brokers: { 1: 'up', 2: 'draining', 3: 'draining' },
    record: { minIsr: 2 },
    becomes: '1@run-1/5 isr=1 3 elr=',
  },
  {
    name: 'leader gone, the only other member draining: it is no candidate',
    brokers: { 2: 'draining', 3: 'up' },
    record: { isr: replicas('1 2') },
    becomes: 'none/6 isr=2 elr=',
  },
  {
    name: 'leader resigned: another member of the ISR leads',
    brokers: UP,
    record: { leader: null, leaderEpoch: 6 },
    becomes: '2@run-2/7 isr=1 2 3 elr=',
  },
  {
    name: 'leader resigned and nobody else is in sync: it leads again',
    brokers: UP,
    record: { leader: null, isr: replicas('1') },
    becomes: '1@run-1/6 isr=1 elr=',
  },
  {
    name: 'a leader that is not in the ISR is no leader',
    brokers: UP,
    record: { isr: replicas('2 3') },
    becomes: '2@run-2/6 isr=2 3 elr=',
  },
  {
    name: 'a member that is no replica any more leaves the ISR and is not eligible',
    brokers: UP,
    record: { replicas: [1, 2], isr: replicas('1 3'), minIsr: 2 },
    becomes: '1@run-1/5 isr=1 elr=',
  },
  {
    name: 'minimum raised: the record takes it over and the ELR is emptied',
    brokers: { 1: 'up', 2: 'up' },
    record: { isr: replicas('1'), elr: replicas('3'), minIsr: 2 },
    policy: { minInsyncReplicas: 3 },
    becomes: '1@run-1/5 isr=1 elr= min=3',
  },
  {
    name: 'minimum lowered: the record takes it over and the ELR is emptied',
    brokers: { 1: 'up' },
    record: { isr: replicas('1'), elr: replicas('2'), minIsr: 2 },
    policy: { minInsyncReplicas: 1 },
    becomes: '1@run-1/5 isr=1 elr= min=1',
  },
  {
    name: 'minimum changed and the leader gone: the election comes first, by the minimum that held',
    brokers: { 2: 'up' },
    record: { isr: replicas('1 2'), minIsr: 2 },
    policy: { minInsyncReplicas: 3 },
    becomes: '2@run-2/6 isr=2 elr=1',
  },
  {
    name: 'minimum changed while nobody leads: the ELR stays, for it may be all that holds the committed records',
    brokers: {},
    record: { leader: null, isr: [], elr: replicas('1 2'), minIsr: 2 },
    policy: { minInsyncReplicas: 1 },
    becomes: null,
  },
  {
    name: 'minimum changed, an eligible leader comes back: it is elected, cleanly, by the minimum that held',
    brokers: { 2: 'up' },
    record: { leader: null, isr: [], elr: replicas('1 2'), minIsr: 2 },
    policy: { minInsyncReplicas: 1 },
    becomes: '2@run-2/6 isr=2 elr=1',
  },
  {
    name: 'minimum changed, and once it leads: the record takes it over and the ELR is emptied',
    brokers: { 2: 'up' },
    record: { leader: { broker: 2, run: 'run-2' }, isr: replicas('2'), elr: replicas('1'), minIsr: 2 },
    policy: { minInsyncReplicas: 1 },
    becomes: '2@run-2/5 isr=2 elr= min=1',
  },
  {
    name: 'minimum changed while it is too early to judge the leader: the ELR stays, for it may be needed at once',
    brokers: { 2: 'up' },
    unjudged: [1],
    record: { isr: replicas('1'), elr: replicas('2'), minIsr: 2 },
    policy: { minInsyncReplicas: 1 },
    becomes: null,
  },
  {
    name: 'minimum changed while the last member drains: the ELR stays until its broker has gone or stays',
    brokers: { 1: 'draining', 2: 'up' },
    record: { isr: replicas('1'), elr: replicas('2'), minIsr: 2 },
    policy: { minInsyncReplicas: 1 },
    becomes: null,
  },
  {
    name: 'replicas that are being added do not raise the minimum',
    brokers: { ...UP, 4: 'up' },
    record: { replicas: [1, 4], original: [1], adding: [4], isr: replicas('1') },
    policy: { minInsyncReplicas: 2 },
    becomes: null,
  },
  {
    name: 'unclean elections allowed: a replica that is only being added comes last',
    brokers: { 2: 'up', 4: 'up' },
    record: { replicas: [4, 2, 1], original: [1, 2], adding: [4], removing: [1], leader: null, isr: [], elr: [] },
    policy: { uncleanAllowed: true },
    becomes: '2@run-2/6 isr=2 elr= unclean',
  },
];

describe('a partition record after its cluster changed', () => {
  it.each(situations.map((situation) => [situation.name, situation] as const))('%s', (_name, situation) => {
    const before = record(situation.record);
    const policy = { minInsyncReplicas: before.minIsr, uncleanAllowed: false, ...situation.policy };
    const change = changePartition(before, viewOf(situation), policy);
    expect(change === null ? null : summary(change.record, before)).toBe(situation.becomes);
  });

  it('fields that this version does not know are carried along', () => {
    const before = record({ extra: { colour: 'red' } });
    const change = changePartition(before, viewOf({ brokers: { 2: 'up' } }), {
      minInsyncReplicas: 1,
      uncleanAllowed: false,
    });
    expect(change?.record.extra).toEqual({ colour: 'red' });
  });

  it('whoever is elected is remembered as the last known leader, with its log', () => {
    const change = changePartition(record(), viewOf({ brokers: { 2: 'up' } }), {
      minInsyncReplicas: 1,
      uncleanAllowed: false,
    });
    expect(change?.record.lastKnownLeader).toEqual(replica('2'));
  });
});

function viewOf({ brokers, unjudged = [] }: Pick<Situation, 'brokers' | 'unjudged'>): BrokersView {
  const registrations = Object.entries(brokers).map(([id, state]) => versioned(registration(Number(id), state)));
  return {
    registrations: new Map(registrations.map((entry) => [entry.value.broker, entry])),
    isUnjudged: (broker) => unjudged.includes(broker),
  };
}

function summary(after: PartitionRecord, before: PartitionRecord): string {
  const leader = after.leader === null ? 'none' : `${after.leader.broker}@${after.leader.run}`;
  const minimum = after.minIsr === before.minIsr ? '' : ` min=${after.minIsr}`;
  return `${leader}/${after.leaderEpoch} isr=${show(after.isr)} elr=${show(after.elr)}${after.unclean ? ' unclean' : ''}${minimum}`;
}
