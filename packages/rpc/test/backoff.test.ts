import { SeededRandom } from '@ottla/runtime';
import fc from 'fast-check';
import { Backoff } from '../src';

describe('back-off', () => {
  it('delays double up to the longest, each between half of its ceiling and the ceiling', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 100 }), (seed, attempts) => {
        const backoff = new Backoff({ initialMs: 50, maxMs: 1_000, random: new SeededRandom(seed) });
        for (let attempt = 0; attempt < attempts; attempt++) {
          const ceiling = Math.min(50 * 2 ** attempt, 1_000);
          const delay = backoff.next();
          expect(delay).toBeGreaterThanOrEqual(ceiling / 2 - 1);
          expect(delay).toBeLessThanOrEqual(ceiling);
        }
      }),
    );
  });

  it('a success starts over', () => {
    const backoff = new Backoff({ initialMs: 50, maxMs: 1_000, random: new SeededRandom(1) });
    for (let attempt = 0; attempt < 5; attempt++) backoff.next();
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(50);
  });
});
