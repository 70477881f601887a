import type { ClusterImage, ClusterKeys, ControllerClaim, Versioned } from '@ottla/metadata';
import type { FormerController } from './detection/former-controller';
import type { Observations } from './detection/observations';
import type { Suspicion } from './detection/suspicion';
import type { MembershipTimings, TopicDefaults } from './settings';

/** A broker's session, as the controller sees it. Times are monotonic milliseconds. */
export interface SessionView {
  readonly run: string;
  /** When its stream was opened or its last heartbeat came. */
  readonly heardAt: number;
  /** Its stream is open. */
  readonly open: boolean;
  /** Its stream broke, and a raw connect to its address was refused afterwards. */
  readonly refused: boolean;
}

/** All that the controller decides by. */
export interface ControllerState {
  readonly image: ClusterImage;
  readonly keys: ClusterKeys;
  readonly self: { readonly broker: number; readonly run: string };
  readonly claim: Versioned<ControllerClaim>;
  readonly sessions: ReadonlyMap<number, SessionView>;
  /**
   * From when silence counts: when this controller won its claim, or woke from a pause in which it heard nobody. Every
   * broker has a full session timeout from then, but for the former controller.
   */
  readonly silenceCountsFrom: number;
  /** Null when it has as long as everybody else. */
  readonly formerController: FormerController | null;
  /**
   * Before it, a missing registration means nothing: the store stalled, and its leases may have vanished all at once.
   * Infinity during the stall.
   */
  readonly absenceCountsFrom: number;
  readonly observations: Observations;
  readonly suspicion: Suspicion;
  readonly timings: MembershipTimings;
  readonly defaults: TopicDefaults;
  readonly leaderBalance: {
    /** When leaderships are next balanced; Infinity for never. */
    readonly dueAt: number;
    /** As in `LeaderBalanceSettings`. */
    readonly perBrokerPercentage: number;
  };
  /** The controller may give up its claim when it hears nobody. */
  readonly mayStandDown: boolean;
}
