import type { Random } from '@ottla/runtime';
import type { ClusterPlan } from '../run/topology';
import type { Actions } from './actions';

/** One thing that will go wrong. */
export interface Fault {
  readonly kind: FaultKind;
  /** For people: what exactly. */
  readonly text: string;
  act(actions: Actions): void;
}

/** What faults are drawn from. */
export interface Draw {
  readonly random: Random;
  readonly plan: ClusterPlan;
  /** The brokers that may lose what they had written. */
  readonly mayLose: readonly number[];
  pick<T>(...values: readonly T[]): T;
  /** A whole number in [least, most]. */
  between(least: number, most: number): number;
  broker(): number;
}

export type FaultKind = keyof typeof FAULTS;

type Drawn = readonly [text: string, act: (actions: Actions) => void];

/** Every kind of fault, and how one is drawn; null where the cluster has no room for it. */
export const FAULTS = {
  kill: (draw: Draw): Drawn => {
    const [id, down] = [draw.broker(), draw.pick(20, 200, 1_000, 4_000)];
    return [`b${id}, down for ${down} ms`, (actions) => actions.kill(id, down)];
  },
  'quick restarts': (draw): Drawn => {
    const [id, down, times] = [draw.broker(), draw.between(1, 60), draw.between(2, 4)];
    const pause = draw.between(30, 400);
    return [`b${id}, ${times} times`, (actions) => actions.repeat(times, pause + down, () => actions.kill(id, down))];
  },
  'clean stop': (draw): Drawn => {
    const [id, down] = [draw.broker(), draw.pick(10, 500, 3_000)];
    return [`b${id}, away for ${down} ms`, (actions) => actions.stop(id, down)];
  },
  'machine crash': (draw): Drawn | null => {
    if (draw.mayLose.length === 0) return null;
    const [id, down] = [draw.pick(...draw.mayLose), draw.pick(50, 500, 3_000)];
    return [`b${id}, down for ${down} ms`, (actions) => actions.crashMachine(id, down)];
  },
  'empty disk': (draw): Drawn | null => {
    if (draw.mayLose.length === 0) return null;
    const [id, down] = [draw.pick(...draw.mayLose), draw.pick(5, 500)];
    return [`b${id}, down for ${down} ms`, (actions) => actions.emptyDisk(id, down)];
  },
  'old disk': (draw): Drawn | null => {
    if (draw.mayLose.length === 0) return null;
    const [id, later, down] = [draw.pick(...draw.mayLose), draw.between(200, 4_000), draw.pick(5, 500)];
    return [`b${id}, ${later} ms old, down for ${down} ms`, (actions) => actions.oldDisk(id, later, down)];
  },
  'bit rot': (draw): Drawn | null => {
    if (draw.mayLose.length === 0) return null;
    const [id, where] = [draw.pick(...draw.mayLose), draw.random.below(2 ** 30)];
    return [`in an old segment of b${id}`, (actions) => actions.rot(id, where)];
  },
  pause: (draw): Drawn => {
    const [id, ms] = [draw.broker(), draw.pick(50, 600, 2_000, 5_000, 12_000)];
    return [`b${id} for ${ms} ms`, (actions) => actions.pause(id, ms)];
  },
  'clock jump': (draw): Drawn => {
    const [id, ms] = [draw.broker(), draw.pick(-3_600_000, -5_000, 700, 60_000)];
    return [`b${id} by ${ms} ms`, (actions) => actions.jumpClock(id, ms)];
  },
  cut: (draw): Drawn | null => {
    const pair = twoOf(draw, draw.plan.brokers);
    if (pair === null) return null;
    const [oneWay, ms] = [draw.pick(true, false), draw.pick(100, 1_000, 4_000)];
    const [from, to] = pair;
    return [
      `b${from} ${oneWay ? 'to' : 'and'} b${to} for ${ms} ms`,
      (actions) => actions.cut(`b${from}`, `b${to}`, oneWay, ms),
    ];
  },
  isolate: (draw): Drawn => {
    const [id, direction, ms] = [
      draw.broker(),
      draw.pick<'both' | 'in' | 'out'>('both', 'both', 'in', 'out'),
      draw.pick(300, 2_000, 6_000),
    ];
    return [`b${id} (${direction}) for ${ms} ms`, (actions) => actions.isolate(`b${id}`, direction, ms)];
  },
  split: (draw): Drawn | null => {
    const { brokers } = draw.plan;
    if (brokers.length < 2) return null;
    const group = shuffled(draw, brokers).slice(0, draw.between(1, brokers.length - 1));
    const ms = draw.pick(500, 3_000, 8_000);
    return [`b${group} from the others for ${ms} ms`, (actions) => actions.split(group, ms)];
  },
  'store cut': (draw): Drawn => {
    const [id, oneWay, ms] = [draw.broker(), draw.pick(true, false), draw.pick(300, 2_000, 8_000)];
    const [from, to] = draw.pick(true, false) ? [`b${id}`, 'store'] : ['store', `b${id}`];
    return [`${from} ${oneWay ? 'to' : 'and'} ${to} for ${ms} ms`, (actions) => actions.cut(from, to, oneWay, ms)];
  },
  resets: (draw): Drawn => {
    const pair = twoOf(draw, draw.plan.brokers);
    const [a, b] = pair === null || draw.pick(true, false, false) ? [draw.broker(), 'store'] : [pair[0], `b${pair[1]}`];
    const times = draw.pick(1, 1, 4);
    return [`b${a} and ${b}, ${times} times`, (actions) => actions.repeat(times, 150, () => actions.reset(`b${a}`, b))];
  },
  'slow link': (draw): Drawn | null => {
    const pair = twoOf(draw, draw.plan.brokers);
    if (pair === null) return null;
    const [delay, ms] = [draw.pick(5, 50, 400), draw.pick(1_000, 5_000)];
    const [from, to] = pair;
    return [
      `b${from} to b${to}: ${delay} ms for ${ms} ms`,
      (actions) => actions.degrade(`b${from}`, `b${to}`, delay, 0, ms),
    ];
  },
  'lossy link': (draw): Drawn | null => {
    const pair = twoOf(draw, draw.plan.brokers);
    if (pair === null) return null;
    const [loss, ms] = [draw.pick(0.01, 0.1, 0.3), draw.pick(1_000, 5_000)];
    const [from, to] = pair;
    return [
      `b${from} to b${to}: ${loss * 100}% for ${ms} ms`,
      (actions) => actions.degrade(`b${from}`, `b${to}`, 0, loss, ms),
    ];
  },
  'connects refused': (draw): Drawn => {
    const [id, ms] = [draw.broker(), draw.pick(200, 2_000)];
    const reset = draw.pick(true, true, false);
    return [
      `to b${id} for ${ms} ms${reset ? ', and its connections reset' : ''}`,
      (actions) => {
        actions.refuseConnects(`b${id}`, 'refuse', ms);
        if (reset) for (const other of draw.plan.brokers) actions.reset(`b${id}`, `b${other}`);
      },
    ];
  },
  'connects not answered': (draw): Drawn => {
    const [id, ms] = [draw.broker(), draw.pick(300, 3_000)];
    return [`at b${id} for ${ms} ms`, (actions) => actions.refuseConnects(`b${id}`, 'drop', ms)];
  },
  'slow disk': (draw): Drawn => {
    const [id, factor, ms] = [draw.broker(), draw.pick(10, 100, 1_000), draw.pick(1_000, 5_000)];
    return [`b${id}, ${factor} times, for ${ms} ms`, (actions) => actions.slowDisk(id, factor, ms)];
  },
  'full disk': (draw): Drawn => {
    const [id, left, ms] = [draw.broker(), draw.pick(0, 100, 2_000), draw.pick(500, 3_000)];
    return [`b${id}, ${left} bytes left, for ${ms} ms`, (actions) => actions.fullDisk(id, left, ms)];
  },
  'failed write': (draw): Drawn => {
    const [id, part] = [draw.broker(), draw.pick(0, 30, 200)];
    return [`b${id}, after ${part} bytes`, (actions) => actions.failDisk(id, 'write', part)];
  },
  'failed fsync': (draw): Drawn => {
    const id = draw.broker();
    return [`b${id}`, (actions) => actions.failDisk(id, 'sync', 0)];
  },
  'lost answers': (draw): Drawn => {
    const [id, count] = [draw.broker(), draw.between(1, 3)];
    return [`of the store to ${count} transactions of b${id}`, (actions) => actions.loseAnswers(id, count)];
  },
  'late watch': (draw): Drawn => {
    const [id, delay, ms] = [draw.broker(), draw.pick(30, 300, 2_000), draw.pick(1_000, 5_000)];
    return [`b${id}, ${delay} ms, for ${ms} ms`, (actions) => actions.delayWatch(id, delay, ms)];
  },
  'cut catch-up': (draw): Drawn => {
    const [id, times, away] = [draw.broker(), draw.between(1, 3), draw.pick(200, 1_500)];
    return [`b${id}, ${times} times, after ${away} ms away`, (actions) => actions.cutCatchUp(id, times, away)];
  },
  'lease ends': (draw): Drawn => {
    const id = draw.broker();
    return [`b${id}`, (actions) => actions.endLease(id)];
  },
  'store killed': (draw): Drawn => {
    const ms = draw.pick(20, 1_000, 5_000);
    return [`down for ${ms} ms`, (actions) => actions.killStore(ms)];
  },
  'store stopped': (draw): Drawn => {
    const ms = draw.pick(500, 3_000, 12_000);
    return [`for ${ms} ms`, (actions) => actions.pauseStore(ms)];
  },
  'store restored': (draw): Drawn => {
    const later = draw.between(100, 4_000);
    return [`from a backup that is ${later} ms old`, (actions) => actions.restoreStore(later)];
  },
  'store compacted': (): Drawn => ['all of its history', (actions) => actions.compactStore()],
} satisfies Record<string, (draw: Draw) => Drawn | null>;

export const FAULT_KINDS = Object.keys(FAULTS) as FaultKind[];

export function drawFault(draw: Draw, kind: FaultKind): Fault | null {
  const drawn = FAULTS[kind](draw);
  return drawn === null ? null : { kind, text: drawn[0], act: drawn[1] };
}

function twoOf<T>(draw: Draw, values: readonly T[]): readonly [T, T] | null {
  const [first, second] = shuffled(draw, values);
  return first === undefined || second === undefined ? null : [first, second];
}

function shuffled<T>({ random }: Draw, values: readonly T[]): T[] {
  const rest = [...values];
  const out: T[] = [];
  while (rest.length > 0) out.push(...rest.splice(random.below(rest.length), 1));
  return out;
}
