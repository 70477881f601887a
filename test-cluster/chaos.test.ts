import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FLAWS } from './chaos/check';
import { missingPrograms } from './chaos/machine/capabilities';
import type { ChaosResult } from './chaos/run';
import { ROOT, type Started, scratchDir, start } from './harness/processes';
import { waitFor } from './harness/wait';

/** The run is longer than other tests and needs root for half of it, so it is asked for. */
const MINUTES = Number(process.env.CHAOS_MINUTES ?? 0);
/** Its first ten faults are of ten kinds that differ most. */
const SEED = Number(process.env.CHAOS_SEED ?? 1036);
const FINISH_MS = 15 * 60_000;
const INTERRUPTED_MS = 240_000;
const SCRIPT = join(ROOT, 'scripts/chaos.mjs');

const missing = missingPrograms('etcd');
const whyNot = MINUTES > 0 ? missing : 'CHAOS_MINUTES=2 npm test, as root with kcat, etcd, iproute2 and iptables';
const describeChaos = whyNot === null ? describe : describe.skip;

describeChaos(`three brokers on etcd under faults, seed ${SEED}${whyNot === null ? '' : ` [needs ${whyNot}]`}`, () => {
  const scratch = scratchDir('chaos-test');
  let result: ChaosResult;

  beforeAll(
    async () => {
      const json = join(scratch.path, 'result.json');
      const args = ['--minutes', String(MINUTES), '--store', 'etcd', '--seed', String(SEED), '--json', json];
      const run = spawn(process.execPath, [SCRIPT, ...args], { stdio: 'inherit' });
      await once(run, 'exit');
      result = JSON.parse(readFileSync(json, 'utf8')) as ChaosResult;
    },
    MINUTES * 60_000 + FINISH_MS,
  );

  afterAll(() => scratch.remove());

  it('every kind of fault can be made on this machine', () => {
    expect(result.skipped).toEqual([]);
  });

  it('every ISR is full again and every client goes on after each of them', () => {
    expect(result.failures).toEqual([]);
    expect(result.episodes.length).toBeGreaterThan(1);
  });

  it.each(FLAWS)('of what two clients wrote and read nothing is %s', (flaw) => {
    expect(result.acknowledged).toBeGreaterThan(1_000);
    expect(result.flaws?.[flaw]).toBe(0);
  });

  it(
    'Ctrl-C leaves neither process, namespace nor mount behind',
    async () => {
      const run = start(process.execPath, [SCRIPT, '--minutes', '1', '--faults', 'pause leader']);
      try {
        const begun = (): string | false => /stopped for/.test(run.output()) && directoryOf(run);
        const dir = await waitFor('the first fault', begun, INTERRUPTED_MS / 2);
        await run.stop('SIGINT');
        expect(run.child.exitCode).toBe(130);
        expect(existsSync(dir)).toBe(false);
        expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(dir);
        expect(linesOf('ip', 'netns').filter((name) => name.startsWith(`oc${run.child.pid}-`))).toEqual([]);
        expect(linesOf('ps', '-eo', 'args').filter((line) => line.includes(dir))).toEqual([]);
      } finally {
        await run.stop('SIGTERM');
      }
    },
    INTERRUPTED_MS,
  );
});

function directoryOf(run: Started): string {
  return /logs in (\S+)/.exec(run.output())![1]!;
}

function linesOf(command: string, ...args: string[]): string[] {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout.split('\n');
}
