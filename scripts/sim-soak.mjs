// Runs seeds in parallel for a while: npm run sim:soak -- --minutes M [--from SEED] [--seeds N]
// Fails when a seed fails, when a run can't be repeated, or when something rare that should have happened never did.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { loadTypeScript, simulatorBundle } from './sim/build.mjs';
import { Workers } from './sim/workers.mjs';

const { count, formatNumberList, replayCommand, shrink, Tally } = await loadTypeScript(
  'packages/simulator/src/soak/index.ts',
);

/** So many failing seeds are enough to look at. */
const MAX_FAILURES = 5;
/** Of these, so many are shrunk; each within these bounds. */
const SHRUNK = 2;
const SHRINK_RUNS = 120;
const SHRINK_MS = 90_000;
/** Every so many seeds one is run twice, and must give the same digest. */
const REPEAT_EVERY = 20;
const PROGRESS_MS = 15_000;

const { minutes, from, seeds } = options();
const workers = new Workers();
const bundle = await simulatorBundle();
const tally = new Tally();
const failures = [];
const began = Date.now();
const until = began + minutes * 60_000;
let next = from;

console.log(`seeds from ${from} on, ${workers.count} at a time`);
const progress = setInterval(() => console.error(`... ${count(tally.seeds)} seeds`), PROGRESS_MS);
await Promise.all(Array.from({ length: workers.count }, soak));
clearInterval(progress);
for (const line of tally.report(Date.now() - began)) console.log(line);
for (const failure of failures.slice(0, SHRUNK)) await tellShortest(failure);
workers.close();
const missed = tally.neverHappened();
for (const { text, withinSeeds } of missed) {
  console.log(`never happened: ${text} (expected at least once in ${withinSeeds} seeds)`);
}
console.log(`${failures.length} failed`);
process.exitCode = failures.length > 0 || missed.length > 0 || tally.seeds === 0 ? 1 : 0;

async function soak() {
  while (next < from + seeds && Date.now() < until && failures.length < MAX_FAILURES) {
    const seed = next++;
    const result = await workers.run(bundle, { seed });
    tally.add(result);
    if (result.violations.length > 0) fail(result);
    else if (seed % REPEAT_EVERY === 0) await repeat(result);
  }
}

function fail(result) {
  failures.push(result);
  const { invariant, at, message } = result.violations[0];
  console.log(`seed ${result.seed} failed: ${invariant} at ${Math.round(at)} ms: ${message}`);
  console.log(`  replay: ${replayCommand(result.seed, null)}`);
}

async function repeat(first) {
  const second = await workers.run(bundle, { seed: first.seed });
  if (second.digest === first.digest) return;
  const message = `the first run's digest was ${first.digest}, the second's ${second.digest}`;
  fail({ ...first, plan: [], violations: [{ invariant: 'repeatable', at: 0, message }] });
}

/** Looks for a shorter run that breaks the same invariant. */
async function tellShortest({ seed, violations, plan }) {
  const deadline = Date.now() + SHRINK_MS;
  const [{ invariant }] = violations;
  if (plan.length === 0) return;
  const { omit, runs, isMinimal } = await shrink({
    items: plan.map(({ index }) => index),
    maxRuns: SHRINK_RUNS,
    isOver: () => Date.now() >= deadline,
    fails: async (left) => {
      const { violations: found } = await workers.run(bundle, { seed, omit: [...left] });
      return found.some((violation) => violation.invariant === invariant);
    },
  });
  const kept = plan.filter(({ index }) => !omit.includes(index));
  const bound = isMinimal ? 'no item less' : 'more might go';
  console.log(`seed ${seed}, shortest found in ${runs} runs, ${kept.length} of ${plan.length} items (${bound}):`);
  for (const { index, text } of kept) console.log(`    ${index} ${text}`);
  console.log(`  replay: ${replayCommand(seed, null, formatNumberList(omit))}`);
}

function options() {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, from: { type: 'string' }, seeds: { type: 'string' } },
  });
  const number = (name, fallback, least) => {
    if (values[name] === undefined) return fallback;
    const value = Number(values[name]);
    if (values[name].trim() !== '' && value >= least && value <= 2 ** 53) return value;
    throw new Error(`--${name} ${values[name]}: give a number, ${least} or more`);
  };
  const seeds = Math.floor(number('seeds', Number.POSITIVE_INFINITY, 1));
  const minutes = number('minutes', values.seeds === undefined ? 1 : Number.POSITIVE_INFINITY, 0);
  return { seeds, minutes, from: Math.floor(number('from', randomInt(2 ** 40), 0)) };
}
