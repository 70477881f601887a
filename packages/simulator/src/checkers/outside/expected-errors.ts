import { eventsOf } from '../../history/history';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';

/** What well-formed requests are never answered with: the broker didn't foresee something, or misread them. */
const NEVER = new Set([
  'UNKNOWN_SERVER_ERROR',
  'CORRUPT_MESSAGE',
  'INVALID_RECORD',
  'INVALID_REQUEST',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
]);

/** Clients that do everything right hear only of what is wrong with the cluster. Nothing is exempt. */
export function expectedErrors({ history }: Seen): Violation[] {
  const violations: Violation[] = [];
  for (const { event } of eventsOf(history, 'produce-refused', 'commit-refused', 'admin-answered')) {
    if (!NEVER.has(event.error)) continue;
    const what = event.type === 'admin-answered' ? event.request : event.type;
    const message = `${event.client} was answered ${event.error} (${what})`;
    violations.push({ invariant: '0 expected errors', at: event.at, message });
  }
  return violations;
}
