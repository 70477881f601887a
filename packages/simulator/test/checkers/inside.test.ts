import { groupMetadataKey, groupMetadataValue } from '@ottla/groups';
import type { ClusterImage, KeyValue } from '@ottla/metadata';
import { encodeBatch } from '@ottla/protocol';
import { candidatesHoldEverything } from '../../src/checkers/inside/candidates';
import type { PartitionSample, ReplicaSample } from '../../src/checkers/inside/cluster-sample';
import { groupLogForward } from '../../src/checkers/inside/group-log';
import { imageEqualsStore } from '../../src/checkers/inside/images';
import { batchesOf } from '../../src/checkers/inside/replica-logs';
import { replicasAgree } from '../../src/checkers/inside/replicas-agree';
import { BROKER_1, BROKER_2, messages, record } from './histories';

const text = new TextEncoder();

function batch(baseOffset: number, leaderEpoch: number, value: string): Uint8Array {
  const records = [{ timestamp: 0, key: null, value: text.encode(value) }];
  return encodeBatch({ records, baseOffset, leaderEpoch });
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const logOf = (...batches: readonly Uint8Array[]) => batchesOf([{ baseOffset: 0, bytes: joined(...batches) }]);

describe('candidates', () => {
  const replica = (broker: number, logEnd: number, over: Partial<ReplicaSample> = {}): ReplicaSample => ({
    ...{ broker, logIds: [`log-${broker}`], isLeader: broker === 1, leaderEpoch: 1, logEnd, highWatermark: 5 },
    ...over,
  });
  const sample = (replicas: readonly ReplicaSample[], over: Partial<PartitionSample> = {}): PartitionSample => ({
    ...{ at: 1, name: 'orders-0', record: record(), acknowledgedEnd: 5, replicas },
    ...over,
  });
  const belowMinimum = { record: record({ isr: [BROKER_1], elr: [BROKER_2] }) };

  it.each([
    ['both hold everything', sample([replica(1, 6), replica(2, 5)])],
    [
      'the one that lacks it is neither in sync nor eligible',
      sample([replica(1, 6), replica(2, 0)], { record: record({ isr: [BROKER_1] }) }),
    ],
    ['the one that lacks it has another log by now', sample([replica(1, 6), replica(2, 0, { logIds: ['new'] })])],
    [
      'the high watermark is that of a deposed leader',
      sample([replica(1, 9, { highWatermark: 9, leaderEpoch: 0 }), replica(2, 5)]),
    ],
  ])('%s: fine', (_situation, given) => {
    expect(candidatesHoldEverything(given)).toEqual([]);
  });

  it.each([
    ['a member of the ISR lacks what was acknowledged', sample([replica(1, 6), replica(2, 4)]), '3 candidates'],
    [
      'an eligible leader lacks what was acknowledged',
      sample([replica(1, 6), replica(2, 4)], belowMinimum),
      '3 candidates',
    ],
    [
      'a member of the ISR ends below the high watermark',
      sample([replica(1, 6), replica(2, 4)], { acknowledgedEnd: 0 }),
      '6 in sync',
    ],
  ])('%s: found', (_situation, given, invariant) => {
    expect(candidatesHoldEverything(given).map((violation) => violation.invariant)).toEqual([invariant]);
  });
});

describe('replicas agree', () => {
  const same = logOf(batch(0, 1, 'a'), batch(1, 1, 'b'));
  const log = (broker: number, highWatermark: number, batches = same) => ({ broker, highWatermark, batches });

  it('logs are the same, or differ only above a high watermark: fine', () => {
    const other = logOf(batch(0, 1, 'a'), batch(1, 2, 'c'));
    expect(replicasAgree(1, 'orders-0', [log(1, 2), log(2, 2)])).toEqual([]);
    expect(replicasAgree(1, 'orders-0', [log(1, 2), log(2, 1, other)])).toEqual([]);
  });

  it('logs differ below both high watermarks: found', () => {
    const other = logOf(batch(0, 1, 'a'), batch(1, 2, 'c'));
    expect(messages(replicasAgree(1, 'orders-0', [log(1, 2), log(2, 2, other)]))[0]).toContain('of epoch 2');
  });

  it('two batches of one epoch and offset differ, however little is committed: found', () => {
    const other = logOf(batch(0, 1, 'x'));
    expect(replicasAgree(1, 'orders-0', [log(1, 0), log(2, 0, other)]).map(({ invariant }) => invariant)).toEqual([
      '1 one batch per place',
    ]);
  });

  it('damaged batches are left out, whole ones before and behind are read', () => {
    const damaged = batch(1, 1, 'bbbb');
    damaged[damaged.length - 1]! ^= 1;
    const found = logOf(batch(0, 1, 'a'), damaged, batch(2, 1, 'c'), batch(3, 1, 'torn').subarray(0, 30));
    expect(found.map(({ header }) => header.baseOffset)).toEqual([0, 2]);
  });
});

describe('images', () => {
  const kv = (key: string, modRevision: number): KeyValue => ({
    ...{ key: `/ottla/c/${key}`, value: new Uint8Array(0), createRevision: 1, modRevision, version: 1, lease: '0' },
  });
  const image = (over: Partial<ClusterImage> = {}): ClusterImage => ({
    ...{ clusterId: 'c', revision: 7, generation: null, controller: null, producerIds: null, brokers: new Map() },
    ...{ topics: new Map(), topicNames: new Map(), partitions: new Map(), deletions: new Map(), configs: new Map() },
    ...{ unreadable: new Map(), ...over },
  });
  const topic = (modRevision: number) =>
    new Map([['t', { value: {} as never, createRevision: 1, modRevision }]]) as ClusterImage['topics'];

  it.each([
    ['it has all of the store', image({ topics: topic(5) }), [kv('topics/t', 5)]],
    ['it is of another revision', image({ revision: 6 }), [kv('topics/t', 5)]],
  ])('%s: fine', (_situation, given, entries) => {
    expect(imageEqualsStore(1, 1, given, { revision: 7, entries })).toEqual([]);
  });

  it.each([
    ['it lacks a key', image(), [kv('topics/t', 5)], 'lacks it'],
    ['it missed a change', image({ topics: topic(3) }), [kv('topics/t', 5)], 'as of 3'],
    ['it missed a deletion', image({ topics: topic(3) }), [], 'has 1 records'],
  ])('%s: found', (_situation, given, entries, told) => {
    expect(messages(imageEqualsStore(1, 1, given, { revision: 7, entries }))[0]).toContain(told);
  });
});

describe('the log of groups', () => {
  const generation = (offset: number, value: number | null): Uint8Array => {
    const key = groupMetadataKey.write(2, { group: 'g' });
    const fixed = { protocolType: 'consumer', protocol: null, leader: null, currentStateTimestamp: -1, members: [] };
    const written = value === null ? null : groupMetadataValue.write(3, { ...fixed, generation: value });
    return encodeBatch({ records: [{ timestamp: 0, key, value: written }], baseOffset: offset, leaderEpoch: 1 });
  };

  it.each([
    ['generations grow', [1, 2, 2, 3]],
    ['a group begins anew after it was forgotten', [5, null, 1]],
  ])('%s: fine', (_situation, values) => {
    const log = logOf(...values.map((value, offset) => generation(offset, value)));
    expect(groupLogForward(1, 'offsets', log)).toEqual([]);
  });

  it('a generation goes back: found', () => {
    const log = logOf(generation(0, 3), generation(1, 2));
    expect(messages(groupLogForward(1, 'offsets', log))[0]).toContain('from generation 3 to 2');
  });
});
