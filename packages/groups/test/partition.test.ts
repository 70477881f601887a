import { partitionForGroup } from '../src';

describe('the partition that coordinates a group', () => {
  // Java: Math.abs(groupId.hashCode()) % 50, but 0 for Integer.MIN_VALUE.
  it.each([
    ['', 0],
    ['a', 47],
    ['test-group', 12],
    ['console-consumer-12345', 6],
    ['polygenelubricants', 0],
    ['größe', 7],
  ])('%p is in partition %i of 50', (groupId, partition) => {
    expect(partitionForGroup(groupId, 50)).toBe(partition);
  });
});
