import type { StoreHabits } from '../../store/habits';

/** What is waited for, as the true store shows it. */
export type Spring =
  | 'elected'
  | 'handed-over'
  | 'isr-grew'
  | 'isr-shrank'
  /** The leader took somebody out of the ISR. */
  | 'fell-behind'
  | 'elr-grew'
  | 'minimum-changed'
  | 'registered'
  | 'unregistered'
  | 'claimed'
  | 'topic-created'
  | 'topic-deleted';

/** Whom it happened to. */
export type Role =
  | 'leader'
  | 'former-leader'
  | 'added'
  | 'removed'
  | 'follower'
  | 'other-follower'
  | 'broker'
  | 'controller';

/** Who has which part in what happened; some are nobody. */
export type Scene = Readonly<Partial<Record<Role, number>>>;

/** One thing that is done, `afterMs` after what was waited for. */
export type Step = { readonly afterMs: number; readonly to: Role } & (
  | { readonly blow: 'kill' | 'crash' | 'stop' | 'pause' | 'isolate' | 'cut-from-store'; readonly ms: number }
  | { readonly blow: 'cut'; readonly from: Role; readonly ms: number }
  /** Nothing comes from there any more; what is sent there arrives. */
  | { readonly blow: 'deafen'; readonly from: Role; readonly ms: number }
  /** What it sends to other brokers is late. */
  | { readonly blow: 'slow-sending'; readonly delayMs: number; readonly ms: number }
  | { readonly blow: 'slow-link'; readonly from: Role; readonly delayMs: number; readonly ms: number }
  | { readonly blow: 'cut-catch-up'; readonly ms: number }
  | { readonly blow: 'slow-disk'; readonly factor: number; readonly ms: number }
  | { readonly blow: 'reset'; readonly from: Role }
  | { readonly blow: 'refuse-connects'; readonly ms: number }
  | { readonly blow: 'delay-watch'; readonly delayMs: number; readonly ms: number }
  | { readonly blow: 'fill-disk'; readonly bytesLeft: number; readonly ms: number }
  /** The store is taken back to what it holds now, `ms` later. */
  | { readonly blow: 'restore-store'; readonly ms: number }
  | { readonly blow: 'lose-answer' | 'end-lease' }
);

/** Something done at the very moment that matters, where a time drawn at random would hardly ever hit. */
export interface Ambush {
  readonly name: string;
  readonly spring: Spring;
  /** Virtual ms from which on it waits. */
  readonly fromMs: number;
  /** How often it strikes. */
  readonly times: number;
  readonly steps: readonly Step[];
  /** Those who must be different brokers. */
  readonly apart?: readonly Role[];
  /** It strikes again only at the partition where it struck first. */
  readonly stays?: boolean;
}

/** What has to be so of the cluster, or else the ambush could hardly succeed. */
export interface Ground {
  readonly size?: number;
  /** Nothing else goes wrong but what sets it off. */
  readonly calm?: boolean;
  /** Of lasting topics. */
  readonly topics?: Readonly<Record<string, string>>;
  readonly store?: Partial<StoreHabits>;
  /** All producers are idempotent, and every other one begins when half of the fault phase is over. */
  readonly latecomers?: boolean;
  /** A topic is deleted and soon made again. */
  readonly recreates?: boolean;
  /** Of all brokers. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Something ordinary that sets off what an ambush waits for. */
export interface Stir {
  readonly at: number;
  readonly broker: number;
  readonly how: 'kill' | 'pause' | 'stop';
  readonly ms: number;
}

/** What a run is about. */
export interface AmbushPlan {
  readonly ambushes: readonly Ambush[];
  readonly stirs: readonly Stir[];
}

export function textOf({ name, spring, fromMs, times, steps }: Ambush): string {
  const told = steps.map((step) => {
    const { blow, to, afterMs } = step;
    const from = 'from' in step ? ` from ${step.from}` : '';
    return `${blow} ${to}${from}${'ms' in step ? ` for ${step.ms} ms` : ''} at +${afterMs} ms`;
  });
  return `${name}: ${spring} from ${fromMs} ms on, ${times} times: ${told.join(', ')}`;
}
