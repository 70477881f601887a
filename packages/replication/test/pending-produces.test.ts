import fc from 'fast-check';
import { type PendingProduce, PendingProduces } from '../src/leader/pending-produces';

let requestId = 0;
function waiting(acks: 1 | -1, endOffset: number, deadline = 100): PendingProduce {
  requestId += 1;
  return { requestId, acks, baseOffset: endOffset - 1, endOffset, deadline };
}
const ends = (produces: PendingProduce[]) => produces.map(({ acks, endOffset }) => `${acks}:${endOffset}`);

describe('PendingProduces', () => {
  it('gives those that are satisfied, in the order of their offsets', () => {
    const pending = new PendingProduces();
    for (const produce of [waiting(-1, 3), waiting(1, 4), waiting(-1, 5), waiting(-1, 3)]) pending.add(produce);
    expect(ends(pending.takeSatisfied(({ endOffset }) => endOffset <= 4))).toEqual(['1:4', '-1:3', '-1:3']);
    expect(pending.size).toBe(1);
    expect(ends(pending.takeSatisfied(({ endOffset }) => endOffset <= 4))).toEqual([]);
  });

  it('gives those whose deadline has passed, and knows when the next one is due', () => {
    const pending = new PendingProduces();
    for (const produce of [waiting(-1, 1, 50), waiting(1, 2, 30), waiting(-1, 3, 70)]) pending.add(produce);
    expect(pending.nextDeadline()).toBe(30);
    expect(ends(pending.takeExpired(29))).toEqual([]);
    expect(ends(pending.takeExpired(50))).toEqual(['1:2', '-1:1']);
    expect(pending.nextDeadline()).toBe(70);
    expect(ends(pending.takeExpired(70))).toEqual(['-1:3']);
    expect(pending.nextDeadline()).toBeNull();
  });

  it('every produce leaves once, at the first offset or time that it waits for', () => {
    const produce = fc.record({
      acks: fc.constantFrom(1 as const, -1 as const),
      endOffset: fc.integer({ min: 1, max: 50 }),
      deadline: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(produce), (list) => {
        const pending = new PendingProduces();
        for (const { acks, endOffset, deadline } of list) pending.add(waiting(acks, endOffset, deadline));
        let left = 0;
        for (let at = 1; at <= 50; at++) {
          const satisfied = pending.takeSatisfied(({ endOffset }) => endOffset <= at);
          const expired = pending.takeExpired(at);
          expect(satisfied.every(({ endOffset, deadline }) => endOffset === at && deadline >= at)).toBe(true);
          expect(expired.every(({ endOffset, deadline }) => endOffset > at && deadline === at)).toBe(true);
          left += satisfied.length + expired.length;
        }
        expect(left).toBe(list.length);
        expect(pending.size).toBe(0);
      }),
    );
  });
});
