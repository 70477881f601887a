import { encodeBatch } from '@ottla/protocol';
import { SeededRandom } from '@ottla/runtime';
import { identityOf, recordValue } from '../../src/history/record-value';
import type { Topology } from '../../src/run/workload-world';
import { drawWorkload } from '../../src/workload/plan/draw';
import { readBatches } from '../../src/workload/readers/read-batches';

const TOPOLOGY: Topology = {
  brokers: [1, 2, 3],
  racks: new Map([
    [1, 'a'],
    [2, 'b'],
    [3, null],
  ]),
  minInsyncReplicas: 2,
  replicationFactor: 3,
  faultMs: 10_000,
};

const plan = (seed: number, ...omit: readonly number[]) =>
  drawWorkload(new SeededRandom(seed), TOPOLOGY, new Set(omit));

describe('the plan of a workload', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1).items.map(({ text }) => text)).not.toEqual(plan(2).items.map(({ text }) => text));
  });

  it('leaving items out changes neither the others nor their numbers', () => {
    const whole = plan(3).items;
    expect(whole.map(({ index }) => index)).toEqual(whole.map((_, place) => 1_000 + place));
    const left = plan(3, 1_002, 1_004).items;
    expect(left.filter(({ omitted }) => omitted).map(({ index }) => index)).toEqual([1_002, 1_004]);
    expect(left.map(({ text }) => text)).toEqual(whole.map(({ text }) => text));
  });

  it('over many seeds everything is drawn that the clients can do', () => {
    const drawn = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      for (const { actor } of plan(seed).items) {
        drawn.add(actor.kind === 'admin' ? `admin ${actor.settings.task.kind}` : actor.kind);
        if (actor.kind === 'producer') drawn.add(`acks ${actor.settings.acks}`);
      }
    }
    expect([...drawn].sort()).toEqual([
      ...['acks -1', 'acks 0', 'acks 1', 'admin alter-config', 'admin create', 'admin delete', 'admin delete-records'],
      ...['admin elect', 'admin grow', 'admin reassign', 'consumer', 'door-consumer', 'door-producer', 'group-member'],
      ...['prober', 'producer', 'topic'],
    ]);
  });
});

describe('record values', () => {
  const to = { topicId: 'id', partition: 3 };

  it.each([0, 1, 30, 200])('with %d characters of padding tell who wrote them', (padding) => {
    const value = recordValue('p-1', to, 17, padding);
    expect(identityOf(value)).toEqual({ producer: 'p-1', ...to, number: 17 });
    expect(value).toHaveLength('p-1|id|3|17|'.length + padding);
  });

  it.each(['', 'x', 'a|b|c|d|', 'a|b|1|', 'a|b|-1|2|'])('%j is no value of ours', (value) => {
    expect(identityOf(value)).toBeNull();
  });
});

describe('batches read', () => {
  const batch = (baseOffset: number, ...values: readonly string[]): Uint8Array =>
    encodeBatch({
      records: values.map((value) => ({ timestamp: 0, key: null, value: new TextEncoder().encode(value) })),
      ...{ baseOffset, leaderEpoch: 4, producerId: 9, producerEpoch: 0, baseSequence: 20 },
    });
  const bytes = (...batches: readonly Uint8Array[]) => Uint8Array.from(batches.flatMap((one) => [...one]));

  it('begin at the offset asked for, inside a batch', () => {
    const read = readBatches(bytes(batch(5, 'a', 'b'), batch(7, 'c')), 6);
    expect(read.records.map(({ offset, value, sequence }) => [offset, value, sequence])).toEqual([
      [6, 'b', 21],
      [7, 'c', 20],
    ]);
    expect(read).toMatchObject({ nextOffset: 8, corruptAt: null });
  });

  it('a damaged batch is told, what lies before it is given', () => {
    const damaged = batch(6, 'bbb');
    damaged[damaged.length - 2]! ^= 4;
    const read = readBatches(bytes(batch(5, 'a'), damaged), 5);
    expect(read.records).toHaveLength(1);
    expect(read).toMatchObject({ nextOffset: 6, corruptAt: 6 });
  });
});
