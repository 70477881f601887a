import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FLAWS } from './chaos/check';
import { missingPrograms } from './chaos/machine/capabilities';
import { type ChaosResult, ChaosRun } from './chaos/run';
import { ROOT, type Started, start } from './harness/processes';
import { waitFor } from './harness/wait';

/** The run is longer than other tests and needs root for half of it, so it is asked for. */
const MINUTES = Number(process.env.OTTLA_CHAOS_MINUTES ?? 0);
/** Its first ten faults are of ten kinds that differ most. */
const SEED = Number(process.env.OTTLA_CHAOS_SEED ?? 1036);
const FINISH_MS = 15 * 60_000;
const INTERRUPTED_MS = 180_000;

const missing = missingPrograms('etcd');
const whyNot = MINUTES > 0 ? missing : 'OTTLA_CHAOS_MINUTES=2 npm test, as root with kcat, etcd, iproute2 and iptables';
const describeChaos = whyNot === null ? describe : describe.skip;

describeChaos(`three brokers on etcd under faults, seed ${SEED}${whyNot === null ? '' : ` [needs ${whyNot}]`}`, () => {
  let chaos: ChaosRun;
  let result: ChaosResult;

  beforeAll(
    async () => {
      const options = { minutes: MINUTES, store: 'etcd', seed: SEED, brokers: 3, kinds: [], keep: false } as const;
      chaos = new ChaosRun(options, (line) => process.stderr.write(`${line}\n`));
      result = await chaos.run();
    },
    MINUTES * 60_000 + FINISH_MS,
  );

  afterAll(() => chaos.removeNow());

  it('every kind of fault can be made on this machine', () => {
    expect(result.skipped).toEqual([]);
  });

  it('every ISR is full again and every client goes on after each of them', () => {
    expect(result.failures).toEqual([]);
    expect(result.episodes.length).toBeGreaterThan(1);
  });

  it(
    'Ctrl-C leaves neither process, namespace nor mount behind',
    async () => {
      const script = join(ROOT, 'scripts/chaos.mjs');
      const run = start(process.execPath, [script, '--minutes', '1', '--faults', 'pause leader']);
      const dir = await waitFor('the first fault', () => /stopped for/.test(run.output()) && directoryOf(run), 90_000);
      await run.stop('SIGINT');
      expect(run.child.exitCode).toBe(130);
      expect(existsSync(dir)).toBe(false);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(dir);
      const left = (command: string, ...args: string[]): string[] =>
        spawnSync(command, args, { encoding: 'utf8' }).stdout.split('\n');
      expect(left('ip', 'netns').filter((name) => name.startsWith(`oc${run.child.pid}-`))).toEqual([]);
      expect(left('ps', '-eo', 'args').filter((line) => line.includes(dir))).toEqual([]);
    },
    INTERRUPTED_MS,
  );

  it.each(FLAWS)('of what two clients wrote and read nothing is %s', (flaw) => {
    expect(result.acknowledged).toBeGreaterThan(1_000);
    expect(result.flaws?.[flaw]).toBe(0);
  });
});

function directoryOf(run: Started): string {
  return /logs in (\S+)/.exec(run.output())![1]!;
}
