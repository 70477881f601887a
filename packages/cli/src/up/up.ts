import { DiskLockedError, nodeDisk, nodeTcp } from '@ottla/runtime';
import { CommandError } from '../command-error';
import { say, sayJson } from '../stdio/say';
import { describeExit, type Exit } from './child';
import { Cluster, type ClusterEvents, type Part } from './cluster';
import { encodeClusterFile } from './cluster-file';
import { type Layout, layoutOf } from './layout';
import type { UpOptions } from './options';
import { makePlan, type Plan } from './plan';
import { Stop } from './stop';

/** Runs a cluster until it is told to stop. Answers the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const startedAt = performance.now();
  const stop = new Stop();
  const layout = layoutOf(options.data);
  const lock = await takeDirectory(layout);
  try {
    await nodeDisk.removeFile(layout.cluster);
    if (options.etcd !== null) await reach(options.etcd);
    const plan = await makePlan(options, layout);
    return await runCluster(plan, { options, layout, stop, startedAt });
  } finally {
    await lock.release();
    stop.close();
  }
}

interface Run {
  readonly options: UpOptions;
  readonly layout: Layout;
  readonly stop: Stop;
  /** When the command began, by `performance.now()`. */
  readonly startedAt: number;
}

async function runCluster(plan: Plan, run: Run): Promise<number> {
  const { options, layout, stop, startedAt } = run;
  const events: ClusterEvents = {
    exited: (part, exit, again) => report(options, part, exit, again),
    back: (part) => reportBack(options, part, () => writeClusterFile(layout, cluster)),
  };
  const cluster = new Cluster(plan, options, events);
  stop.onImpatience(() => cluster.kill());
  try {
    await Promise.race([cluster.start(), stop.asked]);
    if (!stop.isAsked) {
      await writeClusterFile(layout, cluster);
      announce(run, plan, cluster, performance.now() - startedAt);
      await stop.asked;
    }
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return stopCluster(cluster, run);
}

async function stopCluster(cluster: Cluster, { options, layout, stop }: Run): Promise<number> {
  if (!options.json) say('stopping: brokers hand over and close, then the store; Ctrl-C again kills them');
  const unclean = await cluster.stop();
  await nodeDisk.removeFile(layout.cluster);
  if (stop.isImpatient) return 130;
  for (const { part, exit } of unclean) report(options, part, exit, null);
  return unclean.length > 0 ? 1 : 0;
}

async function takeDirectory(layout: Layout): Promise<{ release(): Promise<void> }> {
  await nodeDisk.makeDir(layout.root);
  try {
    return await nodeDisk.lock(layout.lock);
  } catch (error) {
    if (!(error instanceof DiskLockedError)) throw error;
    throw new CommandError(
      `${layout.root} is in use by another \`ottla up\` (process ${error.pid}): stop that one, or choose another --data`,
    );
  }
}

const REACH_TIMEOUT_MS = 3_000;

async function reach(endpoints: readonly string[]): Promise<void> {
  const results = await Promise.all(
    endpoints.map((endpoint) => {
      const colon = endpoint.lastIndexOf(':');
      const host = endpoint.slice(0, colon).replace(/^\[|\]$/g, '');
      return nodeTcp.probe(host, Number(endpoint.slice(colon + 1)), REACH_TIMEOUT_MS);
    }),
  );
  if (results.includes('open')) return;
  throw new CommandError(`no etcd answers at ${endpoints.join(', ')}: start it, or give its addresses with --etcd`);
}

async function writeClusterFile(layout: Layout, cluster: Cluster): Promise<void> {
  await nodeDisk.writeFileAtomic(layout.cluster, encodeClusterFile(cluster.file()));
}

function announce({ options, layout }: Run, plan: Plan, cluster: Cluster, tookMs: number): void {
  const file = cluster.file();
  if (options.json) return sayJson(file);
  const count = file.brokers.length;
  say(
    `${count === 1 ? '1 broker serves' : `${count} brokers serve`} at ${file.bootstrap} after ${(tookMs / 1000).toFixed(2)} s`,
  );
  say(`  data, logs and cluster.json: ${layout.root}`);
  say('  Ctrl-C stops it');
  if (plan.leftOut.length > 0) {
    say(`  not started, though their data is there: ${plan.leftOut.map((id) => `broker-${id}`).join(', ')}`);
  }
}

function report(options: UpOptions, part: Part, exit: Exit, again: number | null): void {
  const pending = again === null ? advice(part) : `it is started again in ${again} ms`;
  const reason = exit.message === null ? '' : ` (${exit.message})`;
  if (options.json) {
    const { code, signal, message } = exit;
    sayJson({ event: 'exited', ...identify(part), code, signal, message, restartInMs: again });
  } else {
    say(`${nameOf(part)} ${describeExit(exit)}${reason}; ${pending}`);
  }
}

function reportBack(options: UpOptions, part: Part, write: () => Promise<void>): void {
  if (options.json) sayJson({ event: 'back', ...identify(part) });
  else say(`${nameOf(part)} serves again`);
  write().catch((error: Error) => say(`cluster.json was not updated: ${error.message}`));
}

function identify(part: Part): { part: string; broker?: number } {
  return part.kind === 'store' ? { part: 'store' } : { part: 'broker', broker: part.plan.id };
}

function nameOf(part: Part): string {
  return part.kind === 'store' ? 'the store' : `broker ${part.plan.id}`;
}

function advice(part: Part): string {
  return part.kind === 'store'
    ? 'brokers go on serving, but leaders and topics cannot change until `ottla up` is started again'
    : `it stays down: \`ottla broker --config ${part.plan.files.config}\` starts it again`;
}
