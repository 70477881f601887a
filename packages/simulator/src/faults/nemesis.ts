import type { Random } from '@ottla/runtime';
import type { PlannedItem } from '../run/result';
import type { ClusterPlan } from '../run/topology';
import type { World } from '../run/world';
import { type Draw, drawFault, FAULT_KINDS, type Fault, type FaultKind } from './fault';

export interface PlannedFault extends PlannedItem {
  readonly at: number;
  readonly fault: Fault;
}

/** Brokers boot and clients begin before anything goes wrong. */
const FIRST_FAULT_MS = 800;
/** The last faults begin so long before the end of their phase. */
const LAST_FAULT_MS = 500;

/** Faults of one seed: some seeds have none or one kind only, some a few of several kinds, some a storm of all. */
export function drawFaults(random: Random, plan: ClusterPlan): PlannedFault[] {
  const draw = drawing(random, plan);
  const kinds = kindsOf(draw);
  const count = kinds.length === 0 ? 0 : howMany(draw, kinds);
  const times = Array.from({ length: count }, () => draw.between(FIRST_FAULT_MS, plan.faultMs - LAST_FAULT_MS));
  const planned: PlannedFault[] = [];
  for (const at of times.sort((a, b) => a - b)) {
    const fault = drawFault(draw, draw.pick(...kinds));
    if (fault === null) continue;
    const text = `at ${at} ms, ${fault.text}`;
    planned.push({ index: planned.length, kind: fault.kind, text, at, fault });
  }
  return planned;
}

/** Has those that aren't omitted happen. */
export function unleash(world: World, planned: readonly PlannedFault[], omit: ReadonlySet<number>): void {
  for (const { index, at, kind, fault } of planned) {
    if (omit.has(index)) continue;
    world.time.at(at, () => {
      world.counters.add(`fault ${kind}`);
      fault.act(world.actions);
    });
  }
}

function drawing(random: Random, plan: ClusterPlan): Draw {
  const pick = <T>(...values: readonly T[]): T => values[random.below(values.length)]!;
  const between = (least: number, most: number): number => least + random.below(Math.max(1, most - least + 1));
  return { random, plan, mayLose: whoMayLose(random, plan), pick, between, broker: () => pick(...plan.brokers) };
}

/**
 * Fewer brokers than the cluster's usual minimum of in-sync replicas lose data, so that acknowledged records must survive;
 * in some seeds any may.
 */
function whoMayLose(random: Random, { brokers, minInsyncReplicas }: ClusterPlan): readonly number[] {
  if (random.below(6) === 0) return brokers;
  const rest = [...brokers];
  const chosen: number[] = [];
  for (let left = minInsyncReplicas - 1; left > 0 && rest.length > 0; left--) {
    chosen.push(...rest.splice(random.below(rest.length), 1));
  }
  return chosen;
}

function kindsOf(draw: Draw): FaultKind[] {
  const some = (count: number): FaultKind[] => Array.from({ length: count }, () => draw.pick(...FAULT_KINDS));
  switch (draw.pick('none', 'one', 'one', 'one', 'few', 'few', 'few', 'few', 'few', 'storm', 'storm', 'storm')) {
    case 'none':
      return [];
    case 'one':
      return some(1);
    case 'few':
      return some(draw.between(2, 5));
    default:
      return [...FAULT_KINDS];
  }
}

function howMany(draw: Draw, kinds: readonly FaultKind[]): number {
  if (kinds.length === 1) return draw.between(1, 6);
  return kinds.length < FAULT_KINDS.length ? draw.between(3, 9) : draw.between(8, 24);
}
