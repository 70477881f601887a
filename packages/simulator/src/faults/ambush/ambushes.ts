import { StoreView } from '../../checkers/store/store-view';
import type { PlannedItem } from '../../run/result';
import type { World } from '../../run/world';
import { STORE_HOST } from '../../store/sim-store';
import type { Actions } from '../actions';
import { type Ambush, type AmbushPlan, type Role, type Scene, type Step, type Stir, textOf } from './ambush';
import { type Happening, happeningsOf } from './scenes';

/** Numbers of ambushes, and of what stirs up, begin here. */
const FIRST_AMBUSH = 500;
const FIRST_STIR = 550;

export function ambushItems({ ambushes, stirs }: AmbushPlan): PlannedItem[] {
  return [
    ...ambushes.map((ambush, n) => ({ index: FIRST_AMBUSH + n, kind: 'ambush', text: textOf(ambush) })),
    ...stirs.map(({ at, broker, how, ms }, n) => {
      return { index: FIRST_STIR + n, kind: 'stir', text: `at ${at} ms, ${how} b${broker} for ${ms} ms` };
    }),
  ];
}

interface Laid {
  readonly ambush: Ambush;
  left: number;
  /** Where it struck first. */
  place: string | null;
}

/** Waits for what is planned for, and strikes. */
export class Ambushes {
  private readonly laid: Laid[];
  private readonly stirs: readonly Stir[];
  private readonly view: StoreView;
  private isOver = false;

  constructor(
    private readonly world: World,
    private readonly actions: Actions,
    { ambushes, stirs }: AmbushPlan,
    omit: ReadonlySet<number>,
  ) {
    this.view = new StoreView(String(world.plan.settings['cluster.id']));
    this.laid = ambushes
      .filter((_ambush, n) => !omit.has(FIRST_AMBUSH + n))
      .map((ambush) => ({ ambush, left: ambush.times, place: null }));
    this.stirs = stirs.filter((_stir, n) => !omit.has(FIRST_STIR + n));
  }

  start(): void {
    const { actions, world } = this;
    for (const { at, broker, how, ms } of this.stirs) world.time.at(at, () => actions[how](broker, ms));
    world.store.listen({
      onRevision: ({ events, writer }) => {
        for (const event of events) {
          const change = this.view.apply(event);
          if (change === null) continue;
          for (const happening of happeningsOf(change, this.view, writer)) this.onHappening(happening);
        }
      },
      onRestored: (_at, _revision, entries) => {
        this.view.clear();
        for (const kv of entries) this.view.apply({ type: 'put', key: kv.key, kv });
      },
    });
  }

  /** Strikes no more. */
  disarm(): void {
    this.isOver = true;
  }

  private onHappening({ spring, scene, place }: Happening): void {
    const now = this.world.time.now();
    for (const laid of this.laid) {
      const { ambush } = laid;
      if (this.isOver || laid.left === 0 || ambush.spring !== spring || now < ambush.fromMs) continue;
      if (!castOf(ambush.steps[0]!, scene) || !areApart(ambush.apart ?? [], scene)) continue;
      if (ambush.stays && laid.place !== null && laid.place !== place) continue;
      laid.left--;
      laid.place = place ?? null;
      this.world.counters.add('ambushes');
      this.world.trace.line(`ambush: ${ambush.name}`);
      for (const step of ambush.steps) if (castOf(step, scene)) this.strike(step, scene);
    }
  }

  private strike(step: Step, scene: Scene): void {
    const act = (): void => {
      if (!this.isOver) this.act(step, scene);
    };
    // At once it hits the very answer that is about to be given.
    if (step.afterMs === 0 && (step.blow === 'lose-answer' || step.blow === 'delay-watch')) act();
    else this.world.time.after(step.afterMs, act);
  }

  private act(step: Step, scene: Scene): void {
    const { actions } = this;
    const id = scene[step.to]!;
    switch (step.blow) {
      case 'kill':
        return actions.kill(id, step.ms);
      case 'crash':
        return actions.crashMachine(id, step.ms);
      case 'stop':
        return actions.stop(id, step.ms);
      case 'pause':
        return actions.pause(id, step.ms);
      case 'isolate':
        return actions.isolate(`b${id}`, 'both', step.ms);
      case 'cut-from-store':
        return actions.cut(`b${id}`, STORE_HOST, false, step.ms);
      case 'cut':
        return actions.cut(`b${scene[step.from]}`, `b${id}`, false, step.ms);
      case 'deafen':
        return actions.cut(`b${scene[step.from]}`, `b${id}`, true, step.ms);
      case 'slow-sending':
        for (const other of this.world.brokers.keys()) {
          if (other !== id) actions.degrade(`b${id}`, `b${other}`, step.delayMs, 0, step.ms);
        }
        return;
      case 'slow-link':
        return actions.degrade(`b${scene[step.from]}`, `b${id}`, step.delayMs, 0, step.ms);
      case 'cut-catch-up':
        return actions.cutCatchUp(id, 2, step.ms);
      case 'slow-disk':
        return actions.slowDisk(id, step.factor, step.ms);
      case 'reset':
        return actions.reset(`b${scene[step.from]}`, `b${id}`);
      case 'refuse-connects':
        return actions.refuseConnects(`b${id}`, 'refuse', step.ms);
      case 'delay-watch':
        return actions.delayWatch(id, step.delayMs, step.ms);
      case 'fill-disk':
        return actions.fullDisk(id, step.bytesLeft, step.ms);
      case 'restore-store':
        return actions.restoreStore(step.ms);
      case 'lose-answer':
        return actions.loseAnswers(id, 1);
      case 'end-lease':
        return actions.endLease(id);
    }
  }
}

/** Everybody whom a step names is there, and no broker is to be cut off from itself. */
function castOf(step: Step, scene: Scene): boolean {
  const to = scene[step.to];
  if (to === undefined) return false;
  return !('from' in step) || (scene[step.from] !== undefined && scene[step.from] !== to);
}

function areApart(roles: readonly Role[], scene: Scene): boolean {
  return new Set(roles.map((role) => scene[role] ?? role)).size === roles.length;
}
