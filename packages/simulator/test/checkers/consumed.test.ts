import { consumed } from '../../src/checkers/outside/consumed';
import { messages, PARTITION, Script, seen, uncleanAt, valueNumbered } from './histories';

const produced = (): Script => new Script().sent(1, [0, 1, 2, 3]);

describe('consumed', () => {
  it('what is read twice is the same: fine', () => {
    const script = produced().read([{}, {}]).read([{}, {}, {}], { leaderEpoch: 2 });
    expect(consumed(seen(script.readBack([0, 1, 2].map((n) => valueNumbered(n)))))).toEqual([]);
  });

  it.each([
    [
      'a record changes',
      produced()
        .read([{}])
        .read([{ value: valueNumbered(3) }], { leaderEpoch: 2 }),
      'was',
    ],
    [
      'a record vanishes',
      produced()
        .read([{}, {}])
        .readBack([valueNumbered(0)]),
      'at the end nothing is there',
    ],
    ['nobody sent it', produced().read([{ value: valueNumbered(8) }]), 'nobody sent'],
    ['it is of another topic id', produced().read([{ value: 'p|other|0|0|' }]), 'nobody sent'],
    ['it is of another partition', produced().read([{}], { partition: 1 }), 'nobody sent'],
    ['it is no record of ours at all', produced().read([{ value: 'garbage' }]), 'nobody sent'],
    ['it lies above the high watermark', produced().read([{}, {}], { highWatermark: 1 }), 'with a high watermark of 1'],
  ])('%s: found', (_situation, script, told) => {
    const found = consumed(seen(script));
    expect(found[0]?.invariant).toBe('4 consumed');
    expect(found[0]?.message).toContain(told);
  });

  const lost = { type: 'position-lost', client: 'c', sent: 0, broker: 2, position: 3, logStart: 0, end: 1 } as const;

  it.each(['diverged', 'out-of-range'] as const)('a consumer is told that what it read is gone (%s): found', (how) => {
    const script = produced().read([{}, {}, {}]);
    expect(messages(consumed(seen(script.add({ ...lost, how, ...PARTITION }))))[0]).toContain(how);
  });

  it('a position before records that were asked to be deleted may be lost', () => {
    const script = produced().add({ type: 'delete-records-sent', client: 'a', before: 3, ...PARTITION });
    expect(consumed(seen(script.add({ ...lost, how: 'out-of-range', ...PARTITION })))).toEqual([]);
  });

  it('what was read before an epoch that began uncleanly may change and vanish, what was read in it may not', () => {
    const before = produced()
      .read([{}, {}])
      .read([{ value: valueNumbered(2) }], { leaderEpoch: 2 });
    expect(consumed(seen(before.readBack([valueNumbered(2)]), uncleanAt(100)))).toEqual([]);
    const after = produced()
      .read([{}], { leaderEpoch: 2 })
      .readBack([valueNumbered(3)]);
    expect(consumed(seen(after, uncleanAt(1)))).not.toEqual([]);
  });
});
