import fc from 'fast-check';
import { Chaos } from './cluster/chaos';

/** RANDOM_CLUSTER_SEED repeats a run; RANDOM_CLUSTER_RUNS makes it a longer one. */
const seed = Number(process.env.RANDOM_CLUSTER_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.RANDOM_CLUSTER_RUNS ?? 150);

describe('random cluster', () => {
  for (const minIsr of [1, 2]) {
    it(`min.insync.replicas ${minIsr}: nothing committed is lost or differs, and it heals (seed ${seed})`, () => {
      const seen = new Map<string, number>();
      fc.assert(
        fc.property(fc.array(fc.nat(), { minLength: 50, maxLength: 600, size: 'max' }), (steps) => {
          const chaos = new Chaos(minIsr);
          for (const step of steps) chaos.step(step);
          chaos.heal();
          for (const [what, count] of chaos.checker.seen()) seen.set(what, (seen.get(what) ?? 0) + count);
        }),
        { seed, numRuns, endOnFailure: process.env.RANDOM_CLUSTER_END !== undefined },
      );
      if (process.env.RANDOM_CLUSTER_RUNS !== undefined) console.log(Object.fromEntries([...seen].sort()));
    });
  }
});
