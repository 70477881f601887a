// Switches on every known mistake, alone, and lets the simulator look for it: npm run sim:mutants
//   --only A,B    just these
//   --search      without the seeds that are known to find them: from the first on
//   --remember    keeps the seeds that found them, to be tried first
//   --table       writes the table into docs/RELIABILITY.md, between its markers
// A mutant that isn't found within the budget has survived: non-zero exit.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTypeScript, mutantNamed, root, simulatorBundle } from './sim/build.mjs';
import { Workers } from './sim/workers.mjs';

const { KNOWN_SEEDS, MUTANTS, seedsOf } = await loadTypeScript('packages/simulator/src/mutants/index.ts');
const { outcomeLine, outcomeTable, withTable } = await loadTypeScript('packages/simulator/src/soak/index.ts');

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    search: { type: 'boolean', default: false },
    remember: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    from: { type: 'string', default: '0' },
    seeds: { type: 'string', default: '150' },
    seconds: { type: 'string', default: '120' },
  },
});

/** The budget for one mutant: so many seeds, and so much real time. */
const MAX_SEEDS = Number(values.seeds);
const MAX_MS = Number(values.seconds) * 1000;
const SEEDS_FILE = join(root, 'packages/simulator/src/mutants/seeds.ts');
const TABLE_PAGE = join(root, 'docs/RELIABILITY.md');

const mutants = values.only ? await Promise.all(values.only.split(',').map(mutantNamed)) : MUTANTS;
const workers = new Workers();
const plain = await simulatorBundle();
/** Violations without a mutant, by seed: such a seed proves nothing. */
const baseline = new Map();
/** Exit status of the command without a mutant, by seed. */
const plainStatus = new Map();
const outcomes = new Map();
const queue = [...mutants];
let broken = 0;
const began = Date.now();

await Promise.all(Array.from({ length: workers.count }, work));
workers.close();
const ordered = mutants.map(({ name }) => outcomes.get(name));
const survived = ordered.filter(({ seed }) => seed === null).length;
const seconds = ((Date.now() - began) / 1000).toFixed(0);
console.log(`${ordered.length - survived} of ${ordered.length} found in ${seconds} s`);
if (values.table) writeTable(outcomeTable(ordered));
process.exitCode = survived > 0 || broken > 0 ? 1 : 0;

async function work() {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const outcome = await search(mutant);
    outcomes.set(mutant.name, outcome);
    if (values.remember) remember();
    console.log(outcomeLine(outcome));
    if (outcome.violation !== null) console.log(`    ${told(outcome.violation)}`);
    if (outcome.seed !== null) await verify(outcome);
  }
}

async function search(mutant) {
  const bundle = await simulatorBundle({ mutant });
  const started = Date.now();
  const { name, invariant, loses } = mutant;
  const spent = { seeds: 0, virtualMs: 0 };
  for (const seed of seedsFor(mutant)) {
    if (Date.now() - started >= MAX_MS) break;
    const result = await workers.run(bundle, { seed, mutant: name });
    spent.seeds++;
    const [violation] = result.violations;
    spent.virtualMs += violation?.at || result.virtualMs;
    if (violation === undefined || !(await holdsWithout(seed))) continue;
    return { name, invariant, loses, seed, ...spent, realMs: Date.now() - started, violation };
  }
  return { name, invariant, loses, seed: null, ...spent, realMs: Date.now() - started, violation: null };
}

function told({ invariant, at, message }) {
  return `${invariant} at ${Math.round(at)} ms: ${message}`.slice(0, 300);
}

/** Known ones, then those whose runs have the ambush that it takes. */
function* seedsFor({ name, ambush }) {
  if (!values.search) yield* KNOWN_SEEDS[name] ?? [];
  const { first, period } = ambush === undefined ? { first: 1, period: 1 } : seedsOf(ambush);
  for (let n = 0; n < MAX_SEEDS; n++) yield first + (Number(values.from) + n) * period;
}

/** Puts the seeds of this run beside those that were known of other mutants. */
function remember() {
  const known = { ...KNOWN_SEEDS };
  for (const { name, seed } of outcomes.values()) if (seed !== null) known[name] = [seed];
  const lines = MUTANTS.filter(({ name }) => known[name]).map(
    ({ name }) => `  '${name}': [${known[name].join(', ')}],`,
  );
  const text = readFileSync(SEEDS_FILE, 'utf8');
  const begin = text.indexOf('= {') + '= {'.length;
  writeFileSync(SEEDS_FILE, `${text.slice(0, begin)}\n${lines.join('\n')}\n};\n`);
}

async function holdsWithout(seed) {
  if (!baseline.has(seed)) baseline.set(seed, workers.run(plain, { seed }));
  const { violations } = await baseline.get(seed);
  if (violations.length === 0) return true;
  broken++;
  console.log(`seed ${seed} fails without any mutant: npm run sim -- --seed ${seed}`);
  return false;
}

/** By the very command that is printed: it must fail with the mutant, and hold without. */
async function verify({ name, seed }) {
  if (!plainStatus.has(seed)) plainStatus.set(seed, statusOf(['--seed', `${seed}`]));
  const [withMutant, without] = await Promise.all([
    statusOf(['--seed', `${seed}`, '--mutant', name]),
    plainStatus.get(seed),
  ]);
  if (withMutant === 1 && without === 0) return;
  broken++;
  console.log(`${name}: replaying seed ${seed} exits with ${withMutant} (1 is due), without it ${without} (0 is due)`);
}

function statusOf(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'scripts/sim.mjs'), ...args], { stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
}

function writeTable(table) {
  const page = withTable(readFileSync(TABLE_PAGE, 'utf8'), table);
  if (page === null)
    throw new Error(`${TABLE_PAGE} has no <!-- mutants --> ... <!-- /mutants --> to put the table into`);
  writeFileSync(TABLE_PAGE, page);
  console.log(`wrote the table into ${TABLE_PAGE}`);
}
