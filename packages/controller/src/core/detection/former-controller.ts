import type { ControllerClaim } from '@ottla/metadata';
import type { MembershipTimings } from '../settings';

/** A controller as this broker heard it until its claim was gone. Times are monotonic milliseconds. */
export interface HeardController {
  readonly claim: ControllerClaim;
  /** The create revision of its registration when the session with it began. */
  readonly registeredIn: number;
  /** When it last answered, or could first have; later when this process was paused. */
  readonly heardAt: number;
  /** When its claim was seen to be gone: what it did from then on wasn't heard. */
  readonly goneAt: number;
}

/** The run that was controller right before this term, and from when its silence counts already. */
export interface FormerController {
  readonly broker: number;
  readonly run: string;
  readonly registeredIn: number;
  readonly silentSince: number;
}

/**
 * What of its silence counts in the term that begins: only what this broker heard of the claim right before its own, and
 * not the time without a controller. A heartbeat less, for pauses of this process too short to be noticed. However long
 * that was, the run has half a heartbeat interval to open a session with its successor: it may have gone on meanwhile.
 *
 * @returns null when it counts for nothing: another controller came between, or there was none for too long.
 */
export function formerController(
  heard: HeardController | null,
  claim: ControllerClaim,
  now: number,
  timings: MembershipTimings,
): FormerController | null {
  const { sessionTimeoutMs, heartbeatIntervalMs } = timings;
  if (heard === null || heard.claim.epoch !== claim.epoch - 1) return null;
  const unheardMs = now - heard.goneAt;
  if (unheardMs > sessionTimeoutMs / 2) return null;
  const { broker, run } = heard.claim;
  const silentSince = Math.max(
    heard.heardAt + heartbeatIntervalMs + unheardMs,
    now + heartbeatIntervalMs / 2 - sessionTimeoutMs,
  );
  return { broker, run, registeredIn: heard.registeredIn, silentSince };
}
