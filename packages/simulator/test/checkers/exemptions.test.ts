import type { PartitionRecord } from '@ottla/replication';
import { Exemptions } from '../../src/checkers/exemptions';
import { uncleanElections } from '../../src/checkers/inside/unclean-elections';
import type { Truth, Version } from '../../src/checkers/truth';
import { BROKER_1, BROKER_2, KEY, record, TOPIC_ID, truth, uncleanAt, version } from './histories';

const of = (
  versions: readonly Version<PartitionRecord>[],
  losses: Readonly<Record<number, readonly number[]>> = {},
) => {
  const known = truth({
    partitions: new Map([[KEY, versions]]),
    losses: new Map(Object.entries(losses).map(([broker, at]) => [Number(broker), at])),
  });
  return new Exemptions(known).of(KEY).map(({ at, why }) => `${why} at ${at}`);
};

const back = { broker: 1, logId: 'log-1b' };

describe('exemptions', () => {
  it.each([
    ['nothing happens', of([version(0, record())]), []],
    [
      'an epoch begins uncleanly',
      of([version(0, record()), version(50, record({ leaderEpoch: 2, unclean: true }))]),
      ['unclean at 50'],
    ],
    ['one of two members loses data', of([version(0, record())], { 1: [20] }), []],
    ['both lose data at once', of([version(0, record())], { 1: [20], 2: [30] }), ['lost at 30']],
    [
      'the second loses data after the first has come back into the ISR',
      of(
        [
          version(0, record()),
          version(22, record({ isr: [BROKER_2], elr: [] })),
          version(25, record({ isr: [BROKER_2, back] })),
        ],
        { 1: [20], 2: [30] },
      ),
      [],
    ],
    [
      'the one that is eligible still has everything',
      of([version(0, record({ isr: [BROKER_1], elr: [BROKER_2] }))], { 1: [20] }),
      [],
    ],
    ['one of one loses data at a minimum of two', of([version(0, record({ isr: [BROKER_1] }))], { 1: [20] }), []],
    [
      'one of one loses data at a minimum of one',
      of([version(0, record({ isr: [BROKER_1], minIsr: 1 }))], { 1: [20] }),
      ['lost at 20'],
    ],
    ['the store comes back as it was', of([version(0, record()), version(50, record(), true)]), []],
    [
      'the store comes back with another ISR',
      of([version(0, record()), version(50, record({ isr: [BROKER_2] }), true)]),
      ['restored at 50'],
    ],
    [
      'the store comes back without the partition',
      of([version(0, record()), version<PartitionRecord>(50, null, true)]),
      ['restored at 50'],
    ],
    [
      'a partition that was deleted comes back with the store',
      of([version(0, record()), version<PartitionRecord>(40, null), version(50, record(), true)]),
      ['restored at 50'],
    ],
    [
      'a partition that the store had lost comes back with it as it was',
      of([version(0, record()), version<PartitionRecord>(40, null, true), version(50, record(), true)]),
      ['restored at 40'],
    ],
  ])('%s', (_situation, found, expected) => {
    expect(found).toEqual(expected);
  });
});

describe('a leader epoch given out twice', () => {
  const epoch = (at: number, leaderEpoch: number, restored = false) => version(at, record({ leaderEpoch }), restored);
  const history = [epoch(0, 1), epoch(20, 2), epoch(50, 1, true), epoch(60, 2)];
  const repeats = (
    losses: readonly (readonly [number, readonly number[]])[],
    { versions = history, leaderEpoch = 2, later = 70 } = {},
  ): boolean =>
    new Exemptions(truth({ partitions: new Map([[KEY, versions]]), losses: new Map(losses) })).mayRepeat(
      ...([KEY, leaderEpoch, 30, later] as const),
    );

  it.each([
    [
      'all who were in sync in it have lost data since: may be',
      true,
      repeats([
        [1, [30]],
        [2, [55]],
      ]),
    ],
    [
      'it had not begun',
      false,
      repeats(
        [
          [1, [30]],
          [2, [55]],
        ],
        { leaderEpoch: 3 },
      ),
    ],
    ['one of them has not', false, repeats([[1, [30]]])],
    [
      'one of them had lost data before it began only',
      false,
      repeats([
        [1, [30]],
        [2, [10]],
      ]),
    ],
    [
      'the store was not restored',
      false,
      repeats(
        [
          [1, [30]],
          [2, [55]],
        ],
        { versions: history.slice(0, 2) },
      ),
    ],
    [
      'the restored store knows it',
      false,
      repeats(
        [
          [1, [30]],
          [2, [55]],
        ],
        { leaderEpoch: 1 },
      ),
    ],
    [
      'the store was restored later',
      false,
      repeats(
        [
          [1, [30]],
          [2, [55]],
        ],
        { later: 45 },
      ),
    ],
  ])('%s', (_situation, expected, found) => {
    expect(found).toBe(expected);
  });
});

describe('unclean elections', () => {
  const registered = (broker: number, logId: string) => ({
    ...{ version: 1 as const, broker, run: `run-${broker}`, logIds: [logId], state: 'active' as const, rack: null },
    ...{ kafka: [], grpc: { host: 'h', port: 1 }, peer: { host: 'h', port: 2 }, startedAt: 0 },
  });
  const allowed = version(0, {
    ...{ version: 1 as const, name: 'orders', topicId: TOPIC_ID, partitions: 1, internal: false },
    configs: { 'unclean.leader.election.enable': 'true' },
  });
  const withTopic = (known: Truth): Truth => ({ ...known, topics: new Map([['orders', [allowed]]]) });

  it('nobody who holds everything is there, and the topic allows it: fine', () => {
    expect(uncleanElections(withTopic(uncleanAt(50)))).toEqual([]);
  });

  it('a member of the ISR is there with its log: found', () => {
    const known = { ...uncleanAt(50), registrations: new Map([[1, [version(0, registered(1, 'log-1'))]]]) };
    expect(uncleanElections(withTopic(known))).toHaveLength(1);
  });

  it('the member came back with another log: fine', () => {
    const known = { ...uncleanAt(50), registrations: new Map([[1, [version(0, registered(1, 'other'))]]]) };
    expect(uncleanElections(withTopic(known))).toEqual([]);
  });

  it('the topic does not allow it, and the elected one did not lead last: found', () => {
    expect(uncleanElections(uncleanAt(50))).toHaveLength(1);
  });
});
