import { SeededRandom } from '@ottla/runtime';
import { murmur2, partitionForKey } from '../src';
import { StickyPartition } from '../src/producer/partitioner';

describe('murmur2', () => {
  // Values that Kafka's own tests of its hash state.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('%s hashes as in Kafka', (key, expected) => {
    expect(murmur2(Buffer.from(key))).toBe(expected);
  });

  it('a key goes to a partition of the topic, whatever the sign of its hash', () => {
    for (const key of ['21', 'abc', '']) {
      const partition = partitionForKey(Buffer.from(key), 7);
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(7);
    }
  });
});

describe('records without a key', () => {
  it('stay with a partition until a batch is full, and go to others by and by', () => {
    const sticky = new StickyPartition(new SeededRandom(5), 1_000);
    const chosen = Array.from({ length: 400 }, () => sticky.choose(4, [0, 1, 2, 3], 100));
    const runs = Array.from({ length: 40 }, (_, run) => new Set(chosen.slice(run * 10, run * 10 + 10)));
    expect(runs.every((partitions) => partitions.size === 1)).toBe(true);
    expect(new Set(chosen).size).toBe(4);
  });

  it('leave a partition that lost its leader', () => {
    const sticky = new StickyPartition(new SeededRandom(5), 1_000_000);
    const first = sticky.choose(3, [0, 1, 2], 1);
    const others = [0, 1, 2].filter((partition) => partition !== first);
    expect(others).toContain(sticky.choose(3, others, 1));
  });

  it('go somewhere even when no partition has a leader', () => {
    const sticky = new StickyPartition(new SeededRandom(5), 1_000_000);
    const first = sticky.choose(3, [], 1);
    expect(sticky.choose(3, [], 1)).toBe(first);
    expect([0, 1, 2]).toContain(first);
  });
});
