import fc from 'fast-check';
import { DeadlineQueue, timerFor } from '../src/deadlines';

describe('DeadlineQueue', () => {
  it('any schedule, move and cancel: timers come due in order, each once, and the earliest is always known', () => {
    const change = fc.record({ timer: fc.nat(19), at: fc.option(fc.nat(100), { nil: null }) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), fc.nat(120), (changes, until) => {
        const queue = new DeadlineQueue<number>();
        const timers = Array.from({ length: 20 }, (_, i) => timerFor(i));
        const model = new Map<number, number>();
        for (const { timer, at } of changes) {
          if (at === null) {
            queue.cancel(timers[timer]!);
            model.delete(timer);
          } else {
            queue.schedule(timers[timer]!, at);
            model.set(timer, at);
          }
          expect(queue.size).toBe(model.size);
          expect(queue.earliest()).toBe(model.size === 0 ? null : Math.min(...model.values()));
        }
        const taken: [number, number][] = [];
        for (let due = queue.takeDue(until); due; due = queue.takeDue(until)) taken.push([due.at, due.what]);
        expect(taken.map(([at]) => at)).toEqual(taken.map(([at]) => at).sort((a, b) => a - b));
        const expected = [...model].filter(([, at]) => at <= until).map(([timer]) => timer);
        expect(taken.map(([, timer]) => timer).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
        expect(queue.size).toBe(model.size - taken.length);
      }),
    );
  });

  it('cleared: nothing is scheduled, and every timer can be set again', () => {
    const queue = new DeadlineQueue<string>();
    const timer = timerFor('a');
    queue.schedule(timer, 5);
    queue.clear();
    expect(queue.earliest()).toBeNull();
    queue.schedule(timer, 7);
    expect(queue.takeDue(7)).toBe(timer);
    expect(queue.takeDue(7)).toBeNull();
  });
});
