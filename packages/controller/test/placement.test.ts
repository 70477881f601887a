import { OttlaError } from '@ottla/protocol';
import fc from 'fast-check';
import { type PlaceableBroker, place, placeableBrokers } from '../src/core/topics/placement';
import { imageOf, record, registration, topic, versioned } from './fixtures';

/** `'1 2:rack-a 3! 4*7'`: broker 3 is draining, broker 4 is the preferred leader of 7 partitions. */
function brokers(text: string): PlaceableBroker[] {
  return text.split(' ').map((word) => {
    const [, id, rack, draining, load] = /^(\d+)(?::([^!*]+))?(!)?(?:\*(\d+))?$/.exec(word)!;
    return { broker: Number(id), rack: rack ?? null, active: draining === undefined, preferred: Number(load ?? 0) };
  });
}

function placed(text: string, partitions: number, replicationFactor: number, firstPartition = 0): string {
  return place(brokers(text), { firstPartition, partitions, replicationFactor })
    .map((replicas) => replicas.join(''))
    .join(' ');
}

describe('placement', () => {
  it.each([
    ['leaders and followers go round', '1 2 3', 3, 3, '123 231 312'],
    ['followers shift after each turn', '1 2 3 4', 8, 2, '12 23 34 41 13 24 31 42'],
    ['one broker', '7', 2, 1, '7 7'],
    ['it begins at the broker with the fewest preferred leaders', '1*4 2*1 3*1', 3, 2, '23 31 12'],
    ['neighbours are in different racks', '1:a 2:a 3:b 4:b', 4, 2, '13 32 24 41'],
    ['no rack twice before every rack once', '1:a 2:a 3:a 4:b', 4, 2, '14 42 24 34'],
    ['every rack once, then any', '1:a 2:a 3:b', 3, 3, '132 321 231'],
    ['brokers without a rack count as one rack', '1 2 3:b', 3, 2, '13 32 23'],
    ['draining brokers are passed over', '1 2! 3', 2, 2, '13 31'],
    ['draining brokers are used when the others are too few, never as leaders', '1 2! 3', 2, 3, '132 312'],
  ])('%s', (_name, cluster, partitions, replicationFactor, expected) => {
    expect(placed(cluster, partitions, replicationFactor)).toBe(expected);
  });

  it('partitions that are added go on with the shift of the ones before', () => {
    expect(placed('1 2 3 4', 4, 2, 4)).toBe('13 24 31 42');
  });

  it.each([
    ['fewer brokers than replicas', '1 2', 3, /only 2 broker\(s\) are registered/],
    ['only draining brokers', '1! 2!', 1, /no broker that could lead it is registered/],
  ])('%s: INVALID_REPLICATION_FACTOR', (_name, cluster, replicationFactor, message) => {
    const attempt = () => placed(cluster, 1, replicationFactor);
    expect(attempt).toThrow(OttlaError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_REPLICATION_FACTOR' }));
    expect(attempt).toThrow(message);
  });

  it('the load of a broker is the number of partitions whose preferred leader it is', () => {
    const image = imageOf({
      brokers: [versioned(registration(2, 'draining', 'r')), versioned(registration(1))],
      topics: [versioned(topic('t', 2))],
      partitions: {
        'id-t': [
          [0, versioned(record({ replicas: [2, 1] }))],
          [1, versioned(record({ replicas: [2] }))],
        ],
      },
    });
    expect(placeableBrokers(image)).toEqual([
      { broker: 1, rack: null, active: true, preferred: 0 },
      { broker: 2, rack: 'r', active: false, preferred: 2 },
    ]);
  });

  it('any cluster: distinct replicas, an active leader, racks spread, leaders even', () => {
    const broker = fc.record({
      rack: fc.constantFrom(null, 'a', 'b', 'c'),
      active: fc.boolean(),
      preferred: fc.nat(5),
    });
    const cluster = fc
      .array(broker, { minLength: 1, maxLength: 9 })
      .map((list) => list.map((fields, index) => ({ ...fields, broker: index + 1 })));
    fc.assert(
      fc.property(
        cluster,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 5 }),
        (list, partitions, factor) => {
          const active = list.filter((entry) => entry.active);
          fc.pre(active.length > 0 && factor <= list.length);
          const assignment = place(list, { firstPartition: 0, partitions, replicationFactor: factor });
          const usable = active.length < factor ? list : active;
          const racks = new Set(usable.map((entry) => entry.rack)).size;
          const leaders = new Map<number, number>();
          for (const replicas of assignment) {
            expect(new Set(replicas).size).toBe(factor);
            expect(list.find((entry) => entry.broker === replicas[0])?.active).toBe(true);
            const used = new Set(replicas.map((id) => list.find((entry) => entry.broker === id)!.rack));
            expect(used.size).toBe(Math.min(racks, factor));
            leaders.set(replicas[0]!, (leaders.get(replicas[0]!) ?? 0) + 1);
          }
          const counts = active.map((entry) => leaders.get(entry.broker) ?? 0);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});
