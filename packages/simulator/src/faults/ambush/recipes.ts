import type { Random } from '@ottla/runtime';
import type { Ambush, AmbushPlan, Ground, Stir } from './ambush';

type Between = (least: number, most: number) => number;
type Drawn = Omit<Ambush, 'times' | 'fromMs'> & {
  readonly times?: number;
  readonly fromMs?: number;
  /** What is laid besides. */
  readonly besides?: Omit<Ambush, 'fromMs'>;
  readonly ground?: Ground;
};
type Recipe = (between: Between) => Drawn;

/** Leaders that die, or sleep, as soon as they are elected: replicas with different tails lead in turn. */
const chases: readonly Recipe[] = [
  (between) => ({
    name: 'kill each new leader',
    spring: 'elected',
    times: between(2, 4),
    steps: [{ afterMs: between(0, 60), to: 'leader', blow: 'kill', ms: between(300, 3_000) }],
  }),
  (between) => ({
    name: 'stop each new leader for a while',
    spring: 'elected',
    times: between(1, 3),
    steps: [{ afterMs: between(0, 300), to: 'leader', blow: 'pause', ms: between(1_500, 6_000) }],
  }),
  (between) => ({
    name: 'cut off each new leader',
    spring: 'elected',
    times: between(1, 3),
    steps: [{ afterMs: between(0, 300), to: 'leader', blow: 'isolate', ms: between(1_500, 5_000) }],
  }),
  (between) => ({
    name: 'the former leader hears late of its end',
    spring: 'elected',
    steps: [
      { afterMs: 0, to: 'former-leader', blow: 'delay-watch', delayMs: between(300, 3_000), ms: 3_000 },
      { afterMs: between(0, 50), to: 'former-leader', from: 'leader', blow: 'cut', ms: between(300, 3_000) },
    ],
  }),
  (between) => {
    const ms = between(50, 500);
    const cutMs = ms + between(20, 300);
    return {
      name: 'leadership goes over, and back before the former leader has followed',
      spring: 'handed-over',
      times: between(1, 3),
      steps: [
        { afterMs: 0, to: 'former-leader', blow: 'delay-watch', delayMs: ms - 20, ms: ms + 50 },
        { afterMs: 0, to: 'former-leader', from: 'leader', blow: 'cut', ms: cutMs },
        { afterMs: 0, to: 'former-leader', from: 'follower', blow: 'cut', ms: cutMs },
        { afterMs: ms, to: 'leader', blow: 'kill', ms: between(300, 3_000) },
      ],
    };
  },
  (between) => ({
    name: 'the disk of a new leader is full',
    spring: 'elected',
    times: between(1, 2),
    steps: [
      {
        afterMs: between(100, 1_500),
        to: 'leader',
        blow: 'fill-disk',
        bytesLeft: between(0, 1_500),
        ms: between(300, 2_000),
      },
    ],
  }),
];

/** Changes of the ISR whose outcome is unknown, or that come at a bad time. */
const isrRaces: readonly Recipe[] = [
  (between) => {
    const cutMs = between(100, 900);
    const cutAt = between(0, 20);
    return {
      name: 'an ISR expansion that the leader knows nothing of, then the leader dies',
      spring: 'isr-grew',
      times: between(1, 2),
      steps: [
        { afterMs: 0, to: 'leader', blow: 'lose-answer' },
        { afterMs: 0, to: 'leader', blow: 'delay-watch', delayMs: cutMs + 100, ms: cutMs + 200 },
        { afterMs: cutAt, to: 'added', from: 'leader', blow: 'cut', ms: cutMs + 50 },
        { afterMs: cutAt + cutMs, to: 'leader', blow: 'kill', ms: between(1_500, 5_000) },
      ],
    };
  },
  (between) => ({
    name: 'the leader dies when the ISR has shrunk',
    spring: 'isr-shrank',
    times: between(1, 3),
    steps: [{ afterMs: between(0, 300), to: 'leader', blow: 'kill', ms: between(500, 5_000) }],
  }),
  (between) => ({
    name: 'the answer to a shrink is lost',
    spring: 'isr-shrank',
    times: between(1, 3),
    steps: [{ afterMs: 0, to: 'leader', blow: 'lose-answer' }],
  }),
  (between) => {
    const at = between(900, 2_500);
    return {
      name: 'a follower dies unheard while its leader cannot reach the store',
      spring: 'isr-shrank',
      steps: [
        { afterMs: between(0, 800), to: 'leader', blow: 'cut-from-store', ms: at + between(500, 1_500) },
        { afterMs: at, to: 'removed', from: 'leader', blow: 'cut', ms: between(2_000, 4_000) },
        { afterMs: at + 5, to: 'removed', blow: 'crash', ms: between(50, 300) },
      ],
    };
  },
  (between) => ({
    name: 'the last in sync dies, an eligible leader is there',
    spring: 'elr-grew',
    times: between(1, 2),
    steps: [{ afterMs: between(0, 1_500), to: 'leader', blow: 'kill', ms: between(2_000, 6_000) }],
  }),
  (between) => ({
    name: 'the leader dies when the minimum has changed',
    spring: 'minimum-changed',
    times: between(1, 3),
    steps: [{ afterMs: between(0, 60), to: 'leader', blow: 'kill', ms: between(1_500, 5_000) }],
  }),
];

/** Brokers and controllers that come and go. */
const memberships: readonly Recipe[] = [
  (between) => ({
    name: 'a machine crashes again when its broker has registered',
    spring: 'registered',
    times: between(1, 2),
    steps: [{ afterMs: between(0, 600), to: 'broker', blow: 'crash', ms: between(100, 2_000) }],
  }),
  (between) => ({
    name: 'a firewall stands before a broker, and connections break',
    spring: 'registered',
    steps: [
      { afterMs: between(0, 200), to: 'broker', blow: 'refuse-connects', ms: between(4_000, 8_000) },
      ...[1, 2, 3, 4].map((n) => {
        const afterMs = n * between(700, 1_500);
        return { afterMs, to: 'broker', from: 'controller', blow: 'reset' } as const;
      }),
    ],
  }),
  (between) => ({
    name: 'a new controller is stopped for a while',
    spring: 'claimed',
    times: between(1, 2),
    steps: [{ afterMs: between(0, 600), to: 'controller', blow: 'pause', ms: between(2_500, 8_000) }],
  }),
  (between) => ({
    name: 'a new controller cannot reach the store for a while',
    spring: 'claimed',
    times: between(1, 2),
    steps: [{ afterMs: between(0, 600), to: 'controller', blow: 'cut-from-store', ms: between(500, 8_000) }],
  }),
  (between) => ({
    name: 'a new controller dies',
    spring: 'claimed',
    times: between(1, 3),
    steps: [{ afterMs: between(0, 60), to: 'controller', blow: 'kill', ms: between(300, 2_000) }],
  }),
  (between) => {
    const at = between(100, 1_500);
    return {
      name: 'a leader is not registered, and nobody controls',
      spring: 'elected',
      steps: [
        { afterMs: at, to: 'controller', blow: 'pause', ms: between(3_000, 6_000) },
        { afterMs: at + 5, to: 'leader', blow: 'end-lease' },
        { afterMs: at + 10, to: 'follower', blow: 'kill', ms: between(3_000, 6_000) },
      ],
    };
  },
  (between) => ({
    name: 'followers are stopped in order',
    spring: 'elected',
    times: between(1, 3),
    steps: [{ afterMs: between(200, 2_000), to: 'follower', blow: 'stop', ms: between(10, 1_000) }],
  }),
  (between) => ({
    name: 'a broker hears late that a topic was deleted, and made again',
    spring: 'topic-deleted',
    ground: { size: 3, calm: true, settings: { 'metadata.lease.ttl.ms': 10_000 }, recreates: true },
    steps: [{ afterMs: 0, to: 'broker', blow: 'cut-from-store', ms: between(2_000, 4_000) }],
  }),
];

/** The store comes back from a backup. */
const restores: readonly Recipe[] = [
  (between) => ({
    name: 'the store is restored to before an election',
    spring: 'elected',
    steps: [{ afterMs: 0, to: 'leader', blow: 'restore-store', ms: between(300, 4_000) }],
  }),
  (between) => ({
    name: 'the store is restored to before a broker had registered',
    spring: 'registered',
    steps: [{ afterMs: 0, to: 'broker', blow: 'restore-store', ms: between(300, 4_000) }],
  }),
];

/** What is on its way when leadership or the ISR changes. */
const stragglers: readonly Recipe[] = [
  (between) => ({
    name: 'leadership moves while the leader is writing',
    spring: 'elected',
    times: between(1, 3),
    steps: [
      { afterMs: between(0, 300), to: 'leader', blow: 'slow-disk', factor: between(100, 1_000), ms: 4_000 },
      { afterMs: between(500, 2_000), to: 'leader', blow: 'end-lease' },
    ],
  }),
  (between) => ({
    name: 'pushes of a former leader are still under way',
    spring: 'elected',
    times: between(1, 3),
    apart: ['leader', 'former-leader'],
    ground: { size: 3 },
    // Others of its partitions keep its streams open when the preferred leader takes this one back.
    steps: [
      { afterMs: 0, to: 'leader', blow: 'slow-sending', delayMs: between(100, 500), ms: 8_000 },
      { afterMs: 0, to: 'former-leader', blow: 'kill', ms: between(50, 500) },
    ],
  }),
  (between) => ({
    name: 'the store is restored to when topics were made',
    spring: 'topic-created',
    fromMs: 0,
    ground: { size: 3, calm: true, latecomers: true },
    steps: [{ afterMs: between(0, 100), to: 'broker', blow: 'restore-store', ms: between(1_500, 4_000) }],
  }),
  (between) => ({
    name: 'a machine is back before the controller hears of it',
    spring: 'elected',
    times: between(2, 4),
    apart: ['controller', 'follower'],
    ground: { size: 3 },
    steps: [
      { afterMs: 0, to: 'controller', blow: 'delay-watch', delayMs: between(1_500, 3_500), ms: 4_500 },
      { afterMs: between(20, 200), to: 'follower', blow: 'crash', ms: between(20, 150) },
    ],
  }),
  (between) => ({
    name: 'what brokers catch up with is cut',
    spring: 'elected',
    times: between(1, 2),
    apart: ['follower', 'controller'],
    ground: {
      size: 3,
      calm: true,
      settings: { 'metadata.lease.ttl.ms': 10_000, 'metadata.store.request.timeout.ms': 1_000 },
      store: { newestInHeaders: true, chunk: 1, chunkPauseMs: 2 },
    },
    steps: [
      { afterMs: 0, to: 'follower', blow: 'cut-catch-up', ms: between(600, 1_500) },
      { afterMs: between(0, 200), to: 'controller', blow: 'kill', ms: between(100, 300) },
    ],
  }),
  (between) => ({
    name: 'a follower behind a slow link loses its tail',
    spring: 'elected',
    times: between(1, 2),
    steps: [
      { afterMs: 0, to: 'follower', from: 'leader', blow: 'slow-link', delayMs: between(100, 600), ms: 8_000 },
      { afterMs: between(500, 2_500), to: 'follower', blow: 'crash', ms: between(50, 400) },
    ],
  }),
];

/** Several things that have to come together. */
const plots: readonly Recipe[] = [
  (between) => ({
    name: 'leaders with long tails die in turn',
    spring: 'elected',
    times: between(2, 4),
    stays: true,
    ground: { size: 3, topics: { 'min.insync.replicas': '2' }, settings: { 'min.insync.replicas': 2 } },
    steps: [
      { afterMs: 0, to: 'leader', blow: 'slow-sending', delayMs: between(100, 500), ms: 2_000 },
      { afterMs: between(400, 1_400), to: 'leader', blow: 'kill', ms: between(600, 2_500) },
    ],
  }),
  (between) => {
    const backMs = between(2_600, 3_200);
    return {
      name: 'one comes back while another is eligible, and the leader cannot tell the store',
      spring: 'elected',
      times: between(1, 2),
      apart: ['leader', 'follower', 'other-follower', 'controller'],
      ground: {
        size: 5,
        calm: true,
        topics: { 'min.insync.replicas': '2' },
        settings: {
          ...{ 'replica.lag.time.max.ms': 1_000, 'metadata.lease.ttl.ms': 6_000 },
          'metadata.store.request.timeout.ms': 2_000,
          'leader.imbalance.check.interval.seconds': 300,
        },
      },
      steps: [
        { afterMs: 0, to: 'other-follower', from: 'leader', blow: 'deafen', ms: backMs },
        { afterMs: between(300, 500), to: 'follower', from: 'leader', blow: 'deafen', ms: backMs + 4_000 },
        { afterMs: backMs - between(0, 300), to: 'leader', blow: 'cut-from-store', ms: 3_000 },
        { afterMs: backMs + between(1_200, 2_800), to: 'leader', blow: 'kill', ms: between(2_500, 4_000) },
      ],
    };
  },
  (between) => ({
    name: 'the leader dies when the controller has not heard of a smaller ISR',
    spring: 'fell-behind',
    times: between(1, 2),
    apart: ['leader', 'removed', 'controller'],
    ground: {
      size: 3,
      calm: true,
      topics: { 'min.insync.replicas': '1' },
      settings: { 'replica.lag.time.max.ms': 1_000 },
    },
    steps: [
      { afterMs: 0, to: 'controller', blow: 'delay-watch', delayMs: between(800, 2_000), ms: 2_500 },
      { afterMs: between(0, 300), to: 'leader', blow: 'kill', ms: between(1_500, 4_000) },
    ],
    besides: {
      name: 'a follower hears nothing of its leader',
      spring: 'elected',
      times: between(2, 4),
      apart: ['leader', 'follower', 'controller'],
      steps: [{ afterMs: 0, to: 'follower', from: 'leader', blow: 'deafen', ms: between(1_500, 2_500) }],
    },
  }),
  (between) => {
    const at = between(100, 900);
    return {
      name: 'a machine crashes while it writes what it has rolled',
      spring: 'elected',
      times: between(2, 4),
      ground: { size: 3, topics: { 'segment.bytes': '1024' }, settings: { 'log.segment.bytes': 2_048 } },
      steps: [
        { afterMs: at, to: 'follower', blow: 'slow-disk', factor: between(20, 300), ms: 2_000 },
        { afterMs: at + between(100, 900), to: 'follower', blow: 'crash', ms: between(50, 600) },
      ],
    };
  },
];

/** What any run may have as its second. */
const SIMPLE = [...chases, ...isrRaces, ...memberships, ...restores, ...stragglers];
const RECIPES = [...SIMPLE, ...plots];
/** The seed's remainder by this says which recipe the run is about; the remainders beyond the recipes: none. */
const PERIOD = 32;
/** Of the recipes' runs so many have a second ambush, drawn at random: one in this many. */
const SECOND_IN = 3;
/** Where nothing else goes wrong, an ambush waits from then on at the latest, and is set off by then, virtual ms. */
const CALM_FROM_MS = 2_000;

/** The remainder of seeds, by `PERIOD`, whose runs have this ambush. Throws when there is none of that name. */
export function seedsOf(name: string): { readonly first: number; readonly period: number } {
  const first = RECIPES.findIndex((recipe) => recipe((least) => least).name === name);
  if (first < 0) throw new Error(`there is no ambush called "${name}"`);
  return { first, period: PERIOD };
}

/** What the cluster must be like for the ambush of a seed. */
export function groundOf(seed: number): Ground {
  return RECIPES[seed % PERIOD]?.((least) => least).ground ?? {};
}

export function hasAmbush(seed: number): boolean {
  return seed % PERIOD < RECIPES.length;
}

export function drawAmbushes(random: Random, seed: number, faultMs: number, brokers: readonly number[]): AmbushPlan {
  const between: Between = (least, most) => least + random.below(most - least + 1);
  const main = RECIPES[seed % PERIOD];
  if (main === undefined) return { ambushes: [], stirs: [] };
  const { calm = false } = groundOf(seed);
  const recipes = !calm && random.below(SECOND_IN) === 0 ? [main, SIMPLE[random.below(SIMPLE.length)]!] : [main];
  const ambushes = recipes.flatMap((recipe): Ambush[] => {
    const { ground: _ground, besides, fromMs, ...drawn } = recipe(between);
    const from = { fromMs: fromMs ?? between(500, calm ? CALM_FROM_MS : faultMs >> 1) };
    const ambush = { times: 1, ...drawn, ...from };
    return besides === undefined ? [ambush] : [ambush, { ...besides, ...from }];
  });
  const last = calm ? CALM_FROM_MS : Math.floor(faultMs * 0.8);
  const stirs = Array.from({ length: calm ? 2 : between(2, 4) }, (): Stir => {
    const how = (['kill', 'kill', 'pause', 'stop'] as const)[random.below(4)]!;
    const broker = brokers[random.below(brokers.length)]!;
    return { at: between(900, last), broker, how, ms: between(50, calm ? 500 : 2_500) };
  });
  return { ambushes, stirs };
}
