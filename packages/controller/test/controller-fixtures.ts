import { type ControllerClaim, keysFor } from '@ottla/metadata';
import type { ControllerState, SessionView } from '../src/core/controller-state';
import { Observations } from '../src/core/detection/observations';
import { Suspicion } from '../src/core/detection/suspicion';
import { CLUSTER, DEFAULTS, type ImageParts, imageOf, TIMINGS, versioned } from './fixtures';

export const KEYS = keysFor(CLUSTER);
export const CLAIM = versioned<ControllerClaim>({ version: 1, broker: 9, run: 'run-9', epoch: 3 }, 50);

export function session(run: string, heardAt: number, fields: Partial<SessionView> = {}): SessionView {
  return { run, heardAt, open: true, refused: false, ...fields };
}

export interface StateParts extends ImageParts, Partial<Omit<ControllerState, 'image' | 'sessions'>> {
  readonly sessions?: Readonly<Record<number, SessionView>>;
  /** When the image was first seen. */
  readonly seenAt?: number;
}

/** Broker 9 is the controller, since time 0. */
export function stateOf(parts: StateParts): ControllerState {
  const image = imageOf({ controller: CLAIM, ...parts });
  const observations = parts.observations ?? new Observations();
  if (parts.observations === undefined) observations.onImage(image, parts.seenAt ?? 0);
  return {
    image,
    keys: KEYS,
    self: { broker: 9, run: 'run-9' },
    claim: CLAIM,
    sessions: new Map(Object.entries(parts.sessions ?? {}).map(([broker, view]) => [Number(broker), view])),
    silenceCountsFrom: parts.silenceCountsFrom ?? 0,
    formerController: parts.formerController ?? null,
    absenceCountsFrom: parts.absenceCountsFrom ?? Number.NEGATIVE_INFINITY,
    observations,
    suspicion: parts.suspicion ?? new Suspicion(TIMINGS.distrustMs),
    timings: TIMINGS,
    defaults: parts.defaults ?? DEFAULTS,
    leaderBalance: parts.leaderBalance ?? { dueAt: Number.POSITIVE_INFINITY, perBrokerPercentage: 10 },
    mayStandDown: parts.mayStandDown ?? true,
  };
}
