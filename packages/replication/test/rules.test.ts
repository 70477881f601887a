import { LeaderEpochs, type PartitionRecord, type ReplicaId } from '../src/index';
import { isAcknowledged, isDuplicateAcknowledged, knowsLatest } from '../src/rules/acknowledgement';
import { compareLogs, continuesLog, epochsGrow, truncationPoint } from '../src/rules/divergence';
import { includesReplica, isCurrent, isOfEpoch, isSettled, roleIn } from '../src/rules/identity';
import {
  hasLostCommitted,
  highWatermarkOf,
  isCaughtUp,
  isReplaced,
  maximalIsr,
  mayJoin,
  wasPaused,
  withIsr,
} from '../src/rules/isr';
import { batch } from './cluster/batches';

/** '1' is broker 1 with its first log, `1'` with another. */
const id = (name: string): ReplicaId => ({ broker: Number.parseInt(name, 10), logId: `log-${name}` });
const ids = (names: string): ReplicaId[] => names.split(' ').filter(Boolean).map(id);
const names = (replicas: ReplicaId[]) => replicas.map(({ logId }) => logId.slice(4)).join(' ');

function record(shape: Partial<PartitionRecord> = {}): PartitionRecord {
  return {
    version: 1,
    replicas: [1, 2, 3],
    adding: [],
    removing: [],
    leader: { broker: 1, run: 'a' },
    leaderEpoch: 4,
    isr: ids('1 2 3'),
    elr: [],
    minIsr: 2,
    lastKnownLeader: null,
    unclean: false,
    ...shape,
  };
}

describe('roleIn', () => {
  it.each([
    ['named as leader in this run', record(), { broker: 1, run: 'a' }, 'leader'],
    ['named as leader in another run', record(), { broker: 1, run: 'b' }, 'idle'],
    ['assigned, another one leads', record(), { broker: 2, run: 'a' }, 'follower'],
    ['not assigned', record(), { broker: 9, run: 'a' }, 'idle'],
    ['nobody leads', record({ leader: null }), { broker: 2, run: 'a' }, 'idle'],
  ])('%s', (_name, partition, self, role) => {
    expect(roleIn(partition, { ...self, logId: 'x' })).toBe(role);
  });
});

describe('identities', () => {
  it('a broker with another log is another replica', () => {
    expect(includesReplica(ids('1 2'), id('2'))).toBe(true);
    expect(includesReplica(ids('1 2'), id("2'"))).toBe(false);
  });

  it.each([
    [4, 7, true],
    [3, 7, false],
    [5, 7, false],
    [4, 6, false],
    [4, 8, false],
  ])(
    'message of epoch %i, subscription %i is current in epoch 4, subscription 7: %p',
    (leaderEpoch, subscription, is) => {
      expect(isCurrent({ topicId: '', partition: 0, leaderEpoch, subscription }, 4, 7)).toBe(is);
    },
  );

  it('a result counts in its own epoch only', () => {
    expect([isOfEpoch(3, 4), isOfEpoch(4, 4), isOfEpoch(5, 4)]).toEqual([false, true, false]);
  });

  it('a log has settled when nothing is being written or cut', () => {
    expect([isSettled(0, false), isSettled(1, false), isSettled(0, true)]).toEqual([true, false, false]);
  });
});

describe('highWatermarkOf', () => {
  const ends = (list: Record<string, number>) => (replica: ReplicaId) => list[replica.logId.slice(4)] ?? null;

  it.each<
    [string, { current?: number; isr?: string; members?: string; ends: Record<string, number>; expected: number }]
  >([
    ['the smallest end in the ISR', { ends: { 1: 9, 2: 7, 3: 8 }, expected: 7 }],
    ['never back', { current: 8, ends: { 1: 9, 2: 7, 3: 9 }, expected: 8 }],
    ['a member that has not reported holds it', { current: 5, ends: { 1: 9, 2: 9 }, expected: 5 }],
    ['a member with another log has not reported', { current: 5, ends: { 1: 9, 2: 9, "3'": 9 }, expected: 5 }],
    ['who is outside the ISR does not count', { isr: '1 2', ends: { 1: 9, 2: 8, 3: 2 }, expected: 8 }],
    ['who is to be added counts', { isr: '1 2', members: '1 2 3', ends: { 1: 9, 2: 8, 3: 6 }, expected: 6 }],
    ['below the minimum it stands still', { isr: '1', current: 5, ends: { 1: 9 }, expected: 5 }],
    ['whatever is to be added', { isr: '1', members: '1 2', current: 5, ends: { 1: 9, 2: 9 }, expected: 5 }],
  ])('%s', (_name, { current = 5, isr = '1 2 3', members = isr, ends: list, expected }) => {
    expect(highWatermarkOf(current, record({ isr: ids(isr) }), ids(members), ends(list))).toBe(expected);
  });

  it('maximal ISR: the committed members, and whoever is proposed', () => {
    expect(names(maximalIsr(ids('1 2'), ids('1 3')))).toBe('1 2 3');
    expect(names(maximalIsr(ids('1 2'), ids("1 2'")))).toBe("1 2 2'");
  });
});

describe('who leaves the ISR, and who comes in', () => {
  it.each([
    ['has everything, however long ago it reported', 10, 0, true],
    ['was caught up within the lag time', 9, 70_000, true],
    ['was not', 9, 69_999, false],
    ['unknown in this epoch, within the lag time', null, 70_000, true],
    ['unknown in this epoch for longer', null, 69_999, false],
  ])('%s', (_name, logEnd, caughtUpAt, stays) => {
    expect(isCaughtUp({ logEnd, caughtUpAt }, 10, 100_000, 30_000)).toBe(stays);
  });

  it.each([
    [0, false],
    [10_000, false],
    [10_001, true],
  ])('a check that is %i ms late means a pause, with a lag time of 30 s: %p', (late, paused) => {
    expect(wasPaused(5000 + late, 5000, 30_000)).toBe(paused);
  });

  it.each([
    ['unknown', null, false],
    ['below the high watermark', 6, false],
    ['at the high watermark, before the start of the epoch', 7, false],
    ['at both', 8, true],
  ])('joins: %s', (_name, logEnd, joins) => {
    expect(mayJoin(logEnd, 7, 8)).toBe(joins);
  });

  it('replaced: its stream announces another log id', () => {
    expect([null, 'log-2', "log-2'"].map((announced) => isReplaced(id('2'), announced))).toEqual([false, false, true]);
  });

  it('has lost: ends below the high watermark', () => {
    expect([null, 7, 6].map((logEnd) => hasLostCommitted(logEnd, 7))).toEqual([false, false, true]);
  });
});

describe('withIsr', () => {
  it.each<[string, { isr: string; elr?: string; to: string; lost?: string; minIsr?: number; expected: string }]>([
    ['leaves at the minimum: not eligible', { isr: '1 2 3', to: '1 2', expected: '' }],
    ['leaves below the minimum: eligible', { isr: '1 2', to: '1', expected: '2' }],
    ['both leave: both eligible', { isr: '1 2 3', to: '1', expected: '2 3' }],
    ['stays eligible while another leaves', { isr: '1 2', elr: '3', minIsr: 3, to: '1', expected: '3 2' }],
    ['comes back below the minimum: eligible no more', { isr: '1', elr: '2 3', minIsr: 3, to: '1 2', expected: '3' }],
    ['the minimum is reached: nobody is', { isr: '1', elr: '2 3', to: '1 2', expected: '' }],
    ['has lost its records: not eligible', { isr: '1 2', to: '1', lost: '2', expected: '' }],
    ['was eligible, lost its records, comes back', { isr: '1', elr: '2 3', minIsr: 3, to: "1 2'", expected: '3' }],
  ])('%s', (_name, { isr, elr = '', to, lost = '', minIsr = 2, expected }) => {
    const before = record({ isr: ids(isr), elr: ids(elr), minIsr, extra: { later: true } });
    const after = withIsr(before, ids(to), ids(lost));
    expect(names(after.elr)).toBe(expected);
    expect(after).toEqual({ ...before, isr: ids(to), elr: after.elr });
  });
});

describe('compareLogs', () => {
  const epochs = LeaderEpochs.from([
    { epoch: 2, startOffset: 10 },
    { epoch: 4, startOffset: 20 },
    { epoch: 7, startOffset: 30 },
  ]);
  const leader = { firstBatchOffset: 10, logEnd: 35, epochs };

  it.each([
    ['ends within an epoch that the leader has', 15, 2, 'agreed'],
    ['ends where that epoch ended', 20, 2, 'agreed'],
    ['has all of it', 35, 7, 'agreed'],
    ['has more of an epoch than the leader', 25, 2, 'epoch 2 ended at 20'],
    ['ends in an epoch that the leader never had', 25, 5, 'epoch 4 ended at 30'],
    ['the same, at the very end of the one before', 30, 5, 'epoch 4 ended at 30'],
    ['ends before the leader begins', 9, 1, 'start anew'],
    ['ends in an epoch before all that the leader has', 12, 1, 'start anew'],
    ['empty, at the leader start', 10, -1, 'agreed'],
    ['empty, behind the leader start', 35, -1, 'agreed'],
    ['empty, behind the leader end', 36, -1, 'start anew'],
    ['empty, before the leader start', 0, -1, 'start anew'],
  ])('%s', (_name, endOffset, lastEpoch, expected) => {
    const agreement = compareLogs(leader, { endOffset, lastEpoch });
    const text =
      agreement.kind === 'diverged'
        ? `epoch ${agreement.epoch} ended at ${agreement.endOffset}`
        : agreement.kind === 'agreed'
          ? 'agreed'
          : 'start anew';
    expect(text).toBe(expected);
  });
});

describe('truncationPoint', () => {
  const epochs = LeaderEpochs.from([
    { epoch: 2, startOffset: 10 },
    { epoch: 5, startOffset: 25 },
  ]);
  const follower = { firstBatchOffset: 10, logEnd: 40, epochs };

  it.each([
    ['the leader ended that epoch earlier', 2, 20, 20],
    ['the epoch ended here earlier', 2, 30, 25],
    ['an epoch that was never here: the end of the one before', 4, 30, 25],
    ['nothing here is so early: all of it', 1, 30, 10],
    ['never before the log start', 2, 5, 10],
  ])('%s', (_name, epoch, endOffset, expected) => {
    expect(truncationPoint(follower, { epoch, endOffset })).toBe(expected);
  });
});

describe('pushed batches', () => {
  const at = (baseOffset: number, records = 1, leaderEpoch = 3) => batch({ baseOffset, records, leaderEpoch });

  it.each([
    ['nothing, at the end', 5, [], true],
    ['nothing, elsewhere', 6, [], false],
    ['the next ones', 5, [at(5, 2), at(7)], true],
    ['a gap before', 5, [at(6)], false],
    ['an overlap', 4, [at(4), at(5)], false],
    ['a gap within', 5, [at(5), at(7)], false],
    ['an overlap within', 5, [at(5, 3), at(7)], false],
  ])('continue a log that ends at 5: %s', (_name, baseOffset, headers, expected) => {
    expect(continuesLog(baseOffset, headers, 5)).toBe(expected);
  });

  it.each([
    ['the same epoch', [3, 3], true],
    ['growing', [3, 4, 6], true],
    ['older than the last batch', [2], false],
    ['going back', [4, 3], false],
    ['later than the leader', [7], false],
  ])('leader epochs, after a batch of 3 and with leader epoch 6: %s', (_name, list, expected) => {
    expect(
      epochsGrow(
        list.map((epoch) => at(0, 1, epoch)),
        3,
        6,
      ),
    ).toBe(expected);
  });
});

describe('acknowledgement', () => {
  const offsets = { logEnd: 10, highWatermark: 6 };

  it.each([
    [1, 10, true],
    [1, 11, false],
    [-1, 6, true],
    [-1, 7, false],
    [-1, 10, false],
  ] as const)('acks=%i, to offset %i, with end 10 and high watermark 6: %p', (acks, endOffset, expected) => {
    expect(isAcknowledged(acks, endOffset, offsets)).toBe(expected);
    expect(isDuplicateAcknowledged(acks, endOffset, offsets)).toBe(expected);
  });

  it.each([
    [6, null, false],
    [6, 7, false],
    [7, 7, true],
    [8, 7, true],
  ])('high watermark %p, start of the epoch %p: knows the latest %p', (highWatermark, epochStart, expected) => {
    expect(knowsLatest(highWatermark, epochStart)).toBe(expected);
  });
});
