import type { ControllerState } from '../controller-state';
import type { BrokersView } from '../partitions/liveness';

/** The brokers as elections may see them now. */
export function brokersView(state: ControllerState, now: number): BrokersView {
  const unjudged = new Map<number, boolean>();
  return {
    registrations: state.image.brokers,
    isUnjudged: (broker) => {
      const known = unjudged.get(broker) ?? now < absenceDeadline(state, broker, now);
      unjudged.set(broker, known);
      return known;
    },
  };
}

/**
 * From when a missing registration may be taken for a broker's absence. At once as a rule: registrations vanish because
 * the broker left, was fenced, or let its lease expire. Not while it's heard, nor shortly after the store stalled: then
 * the lease was lost by a broker that lives, and it's given a session timeout to register again.
 */
export function absenceDeadline(state: ControllerState, broker: number, now: number): number {
  const { sessionTimeoutMs } = state.timings;
  const missingSince = state.observations.missingSince(broker) ?? state.silenceCountsFrom;
  const heard = isHeard(state, broker, now) ? missingSince + sessionTimeoutMs : Number.NEGATIVE_INFINITY;
  return Math.max(heard, state.absenceCountsFrom);
}

function isHeard(state: ControllerState, broker: number, now: number): boolean {
  const session = state.sessions.get(broker);
  if (session === undefined || !session.open || session.refused) return false;
  return now - session.heardAt <= state.timings.sessionTimeoutMs;
}

/** When the next missing broker may be judged; Infinity when none is waited for. */
export function nextAbsenceDeadline(state: ControllerState, missing: Iterable<number>, now: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const broker of missing) {
    const deadline = absenceDeadline(state, broker, now);
    if (deadline > now) next = Math.min(next, deadline);
  }
  return next;
}
