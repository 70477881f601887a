import { type Compare, partitionRecordCodec } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import { reconcile } from '../src/core/reconcile';
import { changesNotRefused, MAX_BATCH_OPS, type PlannedTxn } from '../src/core/txn/planned-txn';
import { CLAIM, KEYS, type StateParts, session, stateOf } from './controller-fixtures';
import { record, registration, replica, replicas, show, topic, versioned } from './fixtures';

const NOW = 10_001;
const BROKERS = [1, 2, 3, 9].map((broker) => versioned(registration(broker), 60 + broker));
const TOPIC = topic('t', 1);
const refused = (broker: number) => session(`run-${broker}`, 10_000, { open: false, refused: true });
const HEARD = Object.fromEntries([1, 2, 3].map((broker) => [broker, session(`run-${broker}`, 10_000)]));

function partsOf(records: readonly Partial<PartitionRecord>[], over: Partial<StateParts> = {}): StateParts {
  return {
    brokers: BROKERS,
    topics: [versioned({ ...TOPIC, partitions: records.length }, 40)],
    partitions: {
      [TOPIC.topicId]: records.map((fields, index) => [index, versioned(record(fields), 70 + index)] as const),
    },
    sessions: { ...HEARD, 1: refused(1) },
    ...over,
  };
}

function fencingsOf(parts: StateParts): PlannedTxn[] {
  return reconcile(stateOf(parts), NOW).fencings.map(({ txn }) => txn);
}

/** `fence 1` and `0: leader 2/6 isr=2 3`. */
function written({ success }: PlannedTxn): string[] {
  return success.map((op) => {
    if (op.type === 'delete') return `fence ${op.key.split('/').at(-1)}`;
    if (op.type !== 'put') throw new Error(`unexpected ${op.type}`);
    const { leader, leaderEpoch, isr } = partitionRecordCodec.decode(op.value, op.key);
    return `${op.key.split('/').at(-1)}: leader ${leader?.broker}/${leaderEpoch} isr=${show(isr)}`;
  });
}

describe('fencing a broker that is dead', () => {
  it.each<[string, Partial<PartitionRecord>[], string[]]>([
    ['it leads: the next of the ISR is elected in the same transaction', [{}], ['fence 1', '0: leader 2/6 isr=2 3']],
    [
      'it follows: it leaves the ISR in the same transaction',
      [{ leader: { broker: 2, run: 'run-2' } }],
      ['fence 1', '0: leader 2/5 isr=2 3'],
    ],
    [
      'elections go before smaller ISRs',
      [{ leader: { broker: 2, run: 'run-2' } }, {}],
      ['fence 1', '1: leader 2/6 isr=2 3', '0: leader 2/5 isr=2 3'],
    ],
    ['it was alone in sync: nothing is decided until it is seen to be gone', [{ isr: replicas('1') }], ['fence 1']],
    [
      'it holds nothing: it is fenced',
      [{ replicas: [2, 3], leader: { broker: 2, run: 'run-2' }, isr: replicas('2 3') }],
      ['fence 1'],
    ],
  ])('%s', (_, records, expected) => {
    expect(fencingsOf(partsOf(records)).map(written)).toEqual([expected]);
  });

  it('an election that may lose something waits, though it is allowed', () => {
    const parts = partsOf([{ isr: replicas('1'), lastKnownLeader: replica('1') }], {
      topics: [versioned(topic('t', 1, { 'unclean.leader.election.enable': 'true' }), 40)],
    });
    expect(fencingsOf(parts).map(written)).toEqual([['fence 1']]);
  });

  it('two at once: each by itself, elections follow', () => {
    const parts = partsOf([{}], { sessions: { ...HEARD, 1: refused(1), 2: refused(2) } });
    expect(fencingsOf(parts).map(written)).toEqual([['fence 1'], ['fence 2']]);
  });

  it('more than a transaction takes: as many as fit, the others follow', () => {
    const [txn] = fencingsOf(partsOf(Array.from({ length: 300 }, () => ({}))));
    expect(written(txn!)).toHaveLength(MAX_BATCH_OPS);
  });

  it('the transaction relies on the claim, on each record, and on both registrations', () => {
    const [txn] = fencingsOf(partsOf([{}]));
    const expected: Compare[] = [
      { key: KEYS.controller(), target: 'create', equals: CLAIM.createRevision },
      { key: KEYS.broker(1), target: 'mod', equals: 61 },
      { key: KEYS.partition(TOPIC.topicId, 0), target: 'mod', equals: 70 },
      { key: KEYS.broker(2), target: 'mod', equals: 62 },
    ];
    expect(txn!.compare).toEqual(expected);
  });
});

describe('the transaction was refused', () => {
  const [txn] = fencingsOf(partsOf([{}, {}]));
  const truth = (changed: Readonly<Record<string, number>>) =>
    txn!.comparedKeys.map((key) => {
      const guard = txn!.compare.find((one) => one.key === key)!;
      const revision = changed[key] ?? ('equals' in guard ? (guard.equals as number) : 0);
      const lease = '0';
      return [{ key, value: new Uint8Array(), createRevision: revision, modRevision: revision, version: 1, lease }];
    });

  it('a record had changed: the fencing and the other election are tried again', () => {
    const left = changesNotRefused(txn!, truth({ [KEYS.partition(TOPIC.topicId, 0)]: 99 }));
    expect(left.map(({ event }) => event?.type)).toEqual(['fenced', 'elected']);
  });

  it('the broker had registered again: nothing of it is tried again', () => {
    expect(changesNotRefused(txn!, truth({ [KEYS.broker(1)]: 99 }))).toEqual([]);
  });
});
