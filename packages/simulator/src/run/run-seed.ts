import { Ambushes, ambushItems } from '../faults/ambush/ambushes';
import { drawAmbushes, groundOf, hasAmbush } from '../faults/ambush/recipes';
import { drawFaults, unleash } from '../faults/nemesis';
import { onEscapedError } from '../node/escapes';
import { turn } from '../node/turn';
import { SimTime } from '../time/sim-time';
import { RandomStreams } from '../time/streams';
import { clientsOfRun } from '../workload/parts';
import { clientWorld } from './client-world';
import { missingIn } from './convergence';
import type { WorkloadParts } from './no-workload';
import type { RunOptions, RunResult } from './result';
import { drawCluster } from './topology';
import { Trace } from './trace';
import type { Workload } from './workload-world';
import { World } from './world';

/** Within so much virtual time after the last fault everything must have converged. */
const HEALING_MS = 60_000;
/** How often it is looked whether everything has. */
const LOOK_MS = 250;
/** Then it must stay quiet for so long. */
const QUIET_MS = 2_000;

/** Runs one seed to its end: boot, faults, healing, convergence. */
export async function runSeed(options: RunOptions, parts: WorkloadParts = clientsOfRun): Promise<RunResult> {
  const omit = options.omit ?? new Set();
  const streams = new RandomStreams(options.seed);
  const ground = groundOf(options.seed);
  const plan = drawCluster(streams.of('cluster'), options.faultMs, hasAmbush(options.seed), ground);
  let escaped: (error: unknown) => void = () => {};
  const time = new SimTime(turn, (error) => escaped(error));
  const trace = new Trace(time, options.trace);
  trace.line(`seed ${options.seed}: ${JSON.stringify(plan.settings)}`);
  const world = new World(time, streams, plan, trace);
  escaped = (error) => world.internalError(error);
  const clients = parts.draw(streams.of('workload plan'), plan, omit);
  const faults = ground.calm ? [] : drawFaults(streams.of('faults'), plan);
  const ambushes = drawAmbushes(streams.of('ambushes'), options.seed, plan.faultMs, plan.brokers);
  const items = [
    ...faults.map(({ index, kind, text }) => ({ index, kind, text })),
    ...ambushItems(ambushes),
    ...clients.items,
  ];
  for (const item of items) trace.line(`planned ${item.index} ${item.kind}: ${item.text}`);
  const workload = parts.create(clientWorld(world), clients);
  const stopListening = onEscapedError(escaped);
  try {
    for (const broker of world.brokers.values()) time.after(0, () => broker.start());
    workload.start();
    unleash(world, faults, omit);
    const ambush = new Ambushes(world, world.actions, ambushes, omit);
    ambush.start();
    await time.runUntil(plan.faultMs);
    trace.line('healing');
    ambush.disarm();
    world.actions.heal();
    workload.quiesce();
    await heal(world, workload);
    for (const violation of workload.finish()) world.violation(violation);
  } finally {
    stopListening();
  }
  trace.line(`${time.events} events`);
  return {
    ...{ seed: options.seed, digest: trace.hex(), violations: world.violations, events: time.events },
    ...{ virtualMs: time.now(), counters: world.counters.all(), plan: items },
  };
}

async function heal(world: World, workload: Workload): Promise<void> {
  const { time } = world;
  const end = time.now() + HEALING_MS;
  let missing = missingIn(world) ?? workload.unfinished();
  while (missing !== null && time.now() < end) {
    world.actions.operate();
    await time.runUntil(Math.min(time.now() + LOOK_MS, end));
    missing = missingIn(world) ?? workload.unfinished();
  }
  if (missing !== null) {
    const message = `${HEALING_MS / 1000} s after the last fault: ${missing}`;
    return world.violation({ invariant: '9 converges', at: time.now(), message });
  }
  world.trace.line('converged');
  await time.runUntil(time.now() + QUIET_MS);
}
