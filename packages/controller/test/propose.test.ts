import fc from 'fast-check';
import { type AssignedPartition, proposeAssignments } from '../src/core/reassignment/propose';

const brokers = (...names: string[]) =>
  names.map((name) => {
    const [broker, rack] = name.split(':');
    return { broker: Number(broker), rack: rack ?? null };
  });

const partitions = (...all: number[][]): AssignedPartition[] =>
  all.map((replicas, partition) => ({ topic: 't', partition, replicas }));

function propose(from: readonly AssignedPartition[], to: ReturnType<typeof brokers>, factor?: number): number[][] {
  const changed = new Map(proposeAssignments(from, to, factor).map((one) => [one.partition, one.replicas]));
  return from.map(({ partition, replicas }) => [...(changed.get(partition) ?? replicas)]);
}

describe('a proposed assignment', () => {
  it.each([
    ['what is even already stays', partitions([1, 2], [2, 3], [3, 1]), brokers('1', '2', '3'), undefined, null],
    [
      'a new broker gets its share, each replica moved once',
      partitions([1, 2], [2, 1], [1, 2], [2, 1]),
      brokers('1', '2', '3', '4'),
      undefined,
      'loads 2 2 2 2, leaders 1 1 1 1, 4 moves',
    ],
    [
      'a broker that is left out gives its replicas away, and nothing else moves',
      partitions([1, 2, 3], [2, 3, 1], [3, 1, 2]),
      brokers('1', '2', '4'),
      undefined,
      'loads 3 3 3, leaders 1 1 1, 3 moves',
    ],
    ['more replicas', partitions([1], [2], [3]), brokers('1', '2', '3'), 2, 'loads 2 2 2, leaders 1 1 1, 3 moves'],
    [
      'fewer replicas',
      partitions([1, 2, 3], [2, 3, 1], [3, 1, 2]),
      brokers('1', '2', '3'),
      1,
      'loads 1 1 1, leaders 1 1 1, 0 moves',
    ],
  ])('%s', (_name, from, to, factor, expected) => {
    const after = propose(from, to, factor);
    if (expected === null) return expect(proposeAssignments(from, to, factor)).toEqual([]);
    const count = (of: number[]) => to.map(({ broker }) => of.filter((one) => one === broker).length).join(' ');
    const moves = after.flatMap((replicas, at) => replicas.filter((one) => !from[at]!.replicas.includes(one))).length;
    const leaders = count(after.map((replicas) => replicas[0]!));
    expect(`loads ${count(after.flat())}, leaders ${leaders}, ${moves} moves`).toBe(expected);
  });

  it('puts the replicas of a partition in different racks, and of too many keeps those that are', () => {
    const to = brokers('1:a', '2:a', '3:b', '4:b');
    expect(propose(partitions([1, 2], [3, 4]), to).every(([one, two]) => one! <= 2 !== two! <= 2)).toBe(true);
    expect(propose(partitions([1, 2, 3]), to, 2)).toEqual([[1, 3]]);
  });

  it.each([
    [3, /3 replica\(s\) on 2 broker\(s\)/],
    [0, /0 replica/],
  ])('%i replicas on two brokers: refused', (factor, message) => {
    const attempt = () => proposeAssignments(partitions([1]), brokers('1', '2'), factor);
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_REPLICATION_FACTOR' }));
    expect(attempt).toThrow(message);
  });

  it('of any cluster: the right number of distinct brokers each, in as many racks as can be, evenly without racks', () => {
    const replicas = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });
    const cluster = fc
      .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom('a', 'b', 'c')), {
        selector: ([broker]) => broker,
        minLength: 4,
        maxLength: 7,
      })
      .map((all) => all.map(([broker, rack]) => ({ broker, rack })));
    fc.assert(
      fc.property(
        fc.array(replicas, { minLength: 1, maxLength: 30 }),
        cluster,
        fc.boolean(),
        (from, racked, hasRacks) => {
          const to = hasRacks ? racked : racked.map(({ broker }) => ({ broker, rack: null }));
          const rackOf = new Map(to.map(({ broker, rack }) => [broker, rack]));
          const after = propose(partitions(...from), to);
          for (const [at, assigned] of after.entries()) {
            expect(new Set(assigned).size).toBe(from[at]!.length);
            expect(assigned.every((broker) => rackOf.has(broker))).toBe(true);
            const racks = new Set(assigned.map((broker) => rackOf.get(broker)));
            expect(racks.size).toBe(Math.min(new Set(rackOf.values()).size, assigned.length));
          }
          if (hasRacks) return;
          const loads = to.map(({ broker }) => after.flat().filter((one) => one === broker).length);
          expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
