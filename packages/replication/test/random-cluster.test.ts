import fc from 'fast-check';
import { Chaos } from './cluster/chaos';

/** RANDOM_CLUSTER_SEED repeats a run, RANDOM_CLUSTER_RUNS makes it a longer one that prints how often what happened. */
const seed = Number(process.env.RANDOM_CLUSTER_SEED ?? Date.now() % 2 ** 31);
const runs = process.env.RANDOM_CLUSTER_RUNS;

describe('random cluster', () => {
  for (const minIsr of [1, 2]) {
    it(
      `min.insync.replicas ${minIsr}: nothing committed is lost or differs, and it heals (seed ${seed})`,
      () => {
        const seen = new Map<string, number>();
        fc.assert(
          fc.property(fc.array(fc.nat(), { minLength: 50, maxLength: 600, size: 'max' }), (steps) => {
            const chaos = new Chaos(minIsr);
            for (const step of steps) chaos.step(step);
            chaos.heal();
            for (const [what, count] of chaos.checker.seen()) seen.set(what, (seen.get(what) ?? 0) + count);
          }),
          { seed, numRuns: Number(runs ?? 150), endOnFailure: process.env.RANDOM_CLUSTER_SHRINK === undefined },
        );
        if (runs !== undefined) console.log(Object.fromEntries([...seen].sort()));
        for (const rare of [
          'acknowledged',
          'acknowledged idempotent',
          'diverged',
          'propose-isr',
          'restart-at',
          'resign',
        ]) {
          expect({ rare, happened: seen.has(rare) }).toEqual({ rare, happened: true });
        }
      },
      60_000 * Math.max(1, Number(runs ?? 0) / 100),
    );
  }
});
