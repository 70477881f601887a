import type { BrokerRegistration, Versioned } from '@ottla/metadata';
import type { FenceEvidence } from '../controller-event';
import type { ControllerState, SessionView } from '../controller-state';
import { claimGuard, registrationGuard } from '../txn/guards';
import { type PlannedTxn, planTxn, Urgency } from '../txn/planned-txn';

/** The deletion of a registration. */
export interface Fencing {
  readonly registration: Versioned<BrokerRegistration>;
  readonly evidence: FenceEvidence;
  readonly txn: PlannedTxn;
}

export interface FencingPlan {
  readonly fencings: readonly Fencing[];
  /** The controller hears nobody and should give up its claim: it's likelier that it's the one cut off. */
  readonly standDown: boolean;
  /** When the next broker will have been silent for too long; Infinity when none will. */
  readonly nextDeadline: number;
}

/** Which registrations to delete: of brokers whose process is known dead, or that were silent for too long. */
export function planFencing(state: ControllerState, now: number): FencingPlan {
  const others = [...state.image.brokers.values()].filter(({ value }) => value.broker !== state.self.broker);
  const silent = others.filter((registration) => isSilent(state, registration, now));
  const refused = others.filter((registration) => isRefused(state, registration, now));
  const standDown = state.mayStandDown && silent.length > 0 && refused.length === 0 && isCutOff(state, others, now);
  const fencings = [
    ...refused.map((registration) => fence(state, registration, 'refused')),
    ...silent
      .filter((registration) => !standDown && !refused.includes(registration))
      .map((registration) => fence(state, registration, 'silent')),
  ];
  const deadlines = others.map((registration) => silenceDeadline(state, registration, now)).filter((at) => at > now);
  return { fencings, standDown, nextDeadline: Math.min(...deadlines) };
}

/** The session's stream broke and nobody listens at the broker's address: unless that was misleading before. */
export function isRefused(state: ControllerState, registration: Versioned<BrokerRegistration>, now: number): boolean {
  const session = sessionOf(state, registration);
  return (session?.refused ?? false) && state.suspicion.refusalCounts(registration.value.run, now);
}

export function isSilent(state: ControllerState, registration: Versioned<BrokerRegistration>, now: number): boolean {
  return now >= silenceDeadline(state, registration, now);
}

/**
 * A session timeout after it was last heard, after it registered, and after silence began to count. Of the former
 * controller's silence counts what this broker heard of it before its own term, in the registration that it still has.
 */
export function silenceDeadline(
  state: ControllerState,
  registration: Versioned<BrokerRegistration>,
  now: number,
): number {
  const heardAt = sessionOf(state, registration)?.heardAt ?? Number.NEGATIVE_INFINITY;
  const registeredSince = state.observations.registeredSince(registration.value.broker) ?? now;
  const ordinary = Math.max(registeredSince, state.silenceCountsFrom);
  const countsFrom = Math.min(ordinary, silenceBeforeTerm(state, registration));
  return Math.max(heardAt, countsFrom) + state.timings.sessionTimeoutMs;
}

/**
 * From when the former controller's silence counts; Infinity when nothing from before the term does. Nothing does as long
 * as no other broker is heard, if there is one: then this broker may be the one that is cut off.
 */
function silenceBeforeTerm(state: ControllerState, { value, createRevision }: Versioned<BrokerRegistration>): number {
  const former = state.formerController;
  if (former === null || former.run !== value.run || former.registeredIn !== createRevision) {
    return Number.POSITIVE_INFINITY;
  }
  const others = [...state.image.brokers.values()].filter(
    (other) => other.value.broker !== value.broker && other.value.broker !== state.self.broker,
  );
  const heardAny = others.length === 0 || others.some((other) => sessionOf(state, other) !== null);
  return heardAny ? former.silentSince : Number.POSITIVE_INFINITY;
}

/** Two or more others, none of them heard for at least half a session timeout. */
export function isCutOff(
  state: ControllerState,
  others: readonly Versioned<BrokerRegistration>[],
  now: number,
): boolean {
  const half = state.timings.sessionTimeoutMs / 2;
  return others.length >= 2 && others.every((registration) => silenceDeadline(state, registration, now) - now <= half);
}

/** Only a session of the registered run says something about the registration. */
function sessionOf(state: ControllerState, registration: Versioned<BrokerRegistration>): SessionView | null {
  const session = state.sessions.get(registration.value.broker);
  return session?.run === registration.value.run ? session : null;
}

/** Guarded by the registration as it was read: a successor's is never deleted. */
function fence(state: ControllerState, registration: Versioned<BrokerRegistration>, evidence: FenceEvidence): Fencing {
  const { broker, run } = registration.value;
  const change = {
    reason: `fence broker ${broker} (run ${run}): ${evidence}`,
    urgency: Urgency.FENCE,
    compare: [registrationGuard(state.keys, registration)],
    success: [{ type: 'delete' as const, key: state.keys.broker(broker) }],
    event: { type: 'fenced' as const, broker, run, evidence },
  };
  return { registration, evidence, txn: planTxn([change], [claimGuard(state.keys, state.claim)]) };
}
