import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runSeed } from '@ottla/simulator';

const ROOT = join(__dirname, '..', '..', '..', '..');
const SEEDS = Array.from({ length: 24 }, (_, index) => 7_000 + index);
const FAULT_MS = 4_000;

jest.setTimeout(120_000);

describe('a seed', () => {
  it.each(SEEDS)('%i holds', async (seed) => {
    const { violations } = await runSeed({ seed, faultMs: FAULT_MS });
    expect(violations).toEqual([]);
  });

  it('is the same run twice in one process, to the last event', async () => {
    const lines: string[][] = [[], []];
    const [first, second] = [
      await runSeed({ seed: 7_003, faultMs: FAULT_MS, trace: (line) => lines[0]!.push(line) }),
      await runSeed({ seed: 7_003, faultMs: FAULT_MS, trace: (line) => lines[1]!.push(line) }),
    ];
    expect(lines[1]).toEqual(lines[0]);
    expect(second).toEqual(first);
  });

  it('is the same run in another process', async () => {
    const { digest } = await runSeed({ seed: 7_004, faultMs: FAULT_MS });
    const flags = ['--seed', '7004', '--fault-ms', String(FAULT_MS)];
    const printed = execFileSync(process.execPath, [join(ROOT, 'scripts/sim.mjs'), ...flags], { encoding: 'utf8' });
    expect(printed.trimEnd().split('\n').at(-1)).toBe(`digest ${digest}`);
  });

  it('differs from other seeds, however near or large', async () => {
    const seeds = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 53];
    const digests = new Set<string>();
    for (const seed of seeds) digests.add((await runSeed({ seed, faultMs: 1_500 })).digest);
    expect(digests.size).toBe(seeds.length);
  });

  it('runs without what is omitted, the rest under the same numbers', async () => {
    const whole = await runSeed({ seed: 7_005, faultMs: FAULT_MS });
    const omit = new Set(whole.plan.map(({ index }) => index).filter((index) => index < 1_000));
    const calm = await runSeed({ seed: 7_005, faultMs: FAULT_MS, omit });
    expect(calm.plan).toEqual(whole.plan);
    expect(Object.keys(calm.counters).filter((name) => name.startsWith('fault '))).toEqual([]);
    expect(calm.violations).toEqual([]);
  });
});

describe('npm run sim', () => {
  it('ends when nobody reads its trace any more', () => {
    const trace = `"${process.execPath}" "${join(ROOT, 'scripts/sim.mjs')}" --seed 7 --fault-ms 500 --trace | head -1`;
    const { status, stdout } = spawnSync('bash', ['-c', trace], { encoding: 'utf8', timeout: 60_000 });
    expect({ status, lines: stdout.trimEnd().split('\n').length }).toEqual({ status: 0, lines: 1 });
  });

  const sim = (...args: string[]) => {
    try {
      const stdout = execFileSync(process.execPath, [join(ROOT, 'scripts/sim.mjs'), ...args], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
      return { status: 0, stdout, stderr: '' };
    } catch (error) {
      return error as { status: number; stdout: string; stderr: string };
    }
  };

  it.each([
    ['no seed', [], 'which seed?'],
    ['a word for a seed', ['--seed', 'seven'], '--seed seven: give a whole number from 0 to 9007199254740992'],
    ['a negative seed', ['--seed', '-1'], '--seed -1: give a whole number'],
    ['a fraction', ['--seed', '1.5'], '--seed 1.5: give a whole number'],
    ['a seed that is too large', ['--seed', '9007199254740993'], 'give a whole number from 0 to 9007199254740992'],
    ['an unknown argument', ['--seeds', '3'], 'unknown argument --seeds'],
    ['an unknown mutant', ['--seed', '3', '--mutant', 'nobody'], 'There is no mutant nobody'],
  ])('%s is refused with a sentence', (_, args, sentence) => {
    const { status, stderr } = sim(...args);
    expect(status).not.toBe(0);
    expect(stderr).toContain(sentence);
  });
});
