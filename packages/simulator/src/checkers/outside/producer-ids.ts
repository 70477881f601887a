import { eventsOf } from '../../history/history';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';

const INVARIANT = '5 producer ids';

/** No producer id is issued twice, whatever became of the store in between. Nothing is exempt. */
export function producerIdsOnce({ history }: Seen): Violation[] {
  const violations: Violation[] = [];
  const issued = new Map<number, { client: string; at: number }>();
  for (const { event } of eventsOf(history, 'producer-id-issued')) {
    const { producerId, client, at } = event;
    const before = issued.get(producerId);
    if (before === undefined) {
      issued.set(producerId, { client, at });
      continue;
    }
    const message = `producer id ${producerId} was issued to ${before.client} at ${before.at.toFixed(1)} ms and to ${client}`;
    violations.push({ invariant: INVARIANT, at, message });
  }
  return violations;
}
