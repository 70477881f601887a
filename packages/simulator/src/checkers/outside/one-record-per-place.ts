import { eventsOf, partitionKey } from '../../history/history';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';

const INVARIANT = '1 one record per place';

/** No two different records have the same topic id, partition, leader epoch and offset. Nothing is exempt. */
export function oneRecordPerPlace({ history }: Seen): Violation[] {
  const violations: Violation[] = [];
  const written = new Map<string, string>();
  for (const { event } of eventsOf(history, 'records-read')) {
    const key = partitionKey(event);
    for (const { offset, leaderEpoch, value } of event.records) {
      const place = `${key} ${leaderEpoch} ${offset}`;
      const before = written.get(place) ?? value;
      written.set(place, before);
      if (before === value) continue;
      const message = `${event.topic}-${event.partition} offset ${offset} of epoch ${leaderEpoch} is "${before.slice(0, 60)}" and "${value.slice(0, 60)}"`;
      violations.push({ invariant: INVARIANT, at: event.at, message });
    }
  }
  return violations;
}
