import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Stands for the simulator's bundle: its seeds hold, fail, throw, exit, or never answer. */
const BUNDLE = `exports.runSeed = async ({ seed, omit }) => {
  if (seed === 2) throw new Error('out of order');
  if (seed === 3) process.exit(7);
  if (seed === 4) for (;;);
  const violations = seed === 5 ? [{ invariant: '3 acknowledged', at: 9, message: 'gone' }] : [];
  return { seed, digest: 'd' + seed, violations, events: omit.size, virtualMs: 2, counters: {}, plan: [] };
};`;

const PROGRAM = `import { Workers } from ${JSON.stringify(pathToFileURL(join(__dirname, '../../../scripts/sim/workers.mjs')).href)};
const [bundle] = process.argv.slice(1);
const workers = new Workers({ count: 2, timeoutMs: 3000 });
const results = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => workers.run(bundle, { seed, omit: [8, 9] })));
workers.close();
console.log(JSON.stringify(results));`;

describe('processes that run seeds', () => {
  let results: {
    seed: number;
    digest: string | null;
    events: number;
    violations: { invariant: string; message: string }[];
  }[];

  beforeAll(() => {
    const dir = mkdtempSync(join(tmpdir(), 'ottla-workers-'));
    try {
      const bundle = join(dir, 'bundle.cjs');
      writeFileSync(bundle, BUNDLE);
      const said = execFileSync(process.execPath, ['--input-type=module', '-e', PROGRAM, bundle], { encoding: 'utf8' });
      results = JSON.parse(said);
    } finally {
      rmSync(dir, { recursive: true });
    }
  }, 20_000);

  it('a run that holds gives its result, with what was left out', () => {
    expect(results[0]).toMatchObject({ seed: 1, digest: 'd1', events: 2, violations: [] });
  });

  it('a run that fails gives its violations', () => {
    expect(results[4]!.violations).toEqual([{ invariant: '3 acknowledged', at: 9, message: 'gone' }]);
  });

  it('a run that throws has crashed, with the reason', () => {
    expect(results[1]!.violations).toMatchObject([
      { invariant: 'crash', message: expect.stringContaining('out of order') },
    ]);
  });

  it('a run that ends its process has crashed, with the status', () => {
    expect(results[2]!.violations).toMatchObject([
      { invariant: 'crash', message: expect.stringContaining('status 7') },
    ]);
  });

  it('a run that gives no answer hangs', () => {
    expect(results[3]!.violations).toEqual([expect.objectContaining({ invariant: 'hang' })]);
  });

  it('what comes after them is run by other processes', () => {
    expect(results[5]).toMatchObject({ seed: 6, digest: 'd6', violations: [] });
  });
});
