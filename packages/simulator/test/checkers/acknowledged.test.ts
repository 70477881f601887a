import { acknowledged } from '../../src/checkers/outside/acknowledged';
import { messages, PARTITION, Script, seen, truth, uncleanAt, valueNumbered } from './histories';

const twoBatches = (): Script => new Script().sent(1, [0, 1]).acked(1, 0).sent(2, [2]).acked(2, 2);

describe('acknowledged', () => {
  it('everything acknowledged is read back at its offset: fine', () => {
    expect(acknowledged(seen(twoBatches().readBack([valueNumbered(0), valueNumbered(1), valueNumbered(2)])))).toEqual(
      [],
    );
  });

  it.each([
    ['the end is missing', [valueNumbered(0), valueNumbered(1)], 'reads nothing there'],
    [
      'another record is in its place',
      [valueNumbered(0), valueNumbered(1), valueNumbered(7)],
      `reads "${valueNumbered(7)}" there`,
    ],
    [
      'everything moved by one',
      [valueNumbered(9), valueNumbered(0), valueNumbered(1), valueNumbered(2)],
      `reads "${valueNumbered(9)}" there`,
    ],
  ])('%s: found', (_situation, log, told) => {
    const found = acknowledged(seen(twoBatches().readBack(log)));
    expect(found[0]?.invariant).toBe('3 acknowledged');
    expect(found[0]?.message).toContain(told);
  });

  it('what is missing at the beginning without a deletion: found', () => {
    const found = acknowledged(seen(twoBatches().readBack([valueNumbered(2)], { from: 2 })));
    expect(found).toHaveLength(2);
  });

  it('records that were asked to be deleted may be missing', () => {
    const script = twoBatches().add({ type: 'delete-records-sent', client: 'a', before: 2, ...PARTITION });
    expect(acknowledged(seen(script.readBack([valueNumbered(2)], { from: 2 })))).toEqual([]);
  });

  it('a damaged batch may be missing', () => {
    const script = twoBatches().readBack([valueNumbered(0), valueNumbered(1)], { damaged: [2] });
    expect(acknowledged(seen(script))).toEqual([]);
  });

  it('acks=1 promises nothing', () => {
    const script = new Script().sent(1, [0], { acks: 1 }).acked(1, 0, { acks: 1 }).readBack([]);
    expect(acknowledged(seen(script))).toEqual([]);
  });

  it('an idempotent batch acknowledged at two offsets: found', () => {
    const idempotent = { producerId: 5, producerEpoch: 0, baseSequence: 0 };
    const script = new Script().sent(1, [0], idempotent).acked(1, 0).sent(1, [0], idempotent).acked(1, 1);
    expect(messages(acknowledged(seen(script)))[0]).toContain('at 0 and at 1');
  });

  it('what was acknowledged before an unclean election may be missing, what came behind it may not', () => {
    const script = new Script().sent(1, [0]).acked(1, 0).wait(10_000);
    script.sent(2, [1], { broker: 2 }).acked(2, 0, { broker: 2 });
    expect(acknowledged(seen(script.readBack([]), uncleanAt(1_000)))).toHaveLength(1);
    expect(acknowledged(seen(script, truth()))).toHaveLength(2);
  });

  it('a leader that has not heard of the unclean election still promises nothing', () => {
    const script = new Script().wait(10_000).sent(1, [0]).acked(1, 0).readBack([]);
    expect(acknowledged(seen(script, uncleanAt(1_000)))).toEqual([]);
  });
});
