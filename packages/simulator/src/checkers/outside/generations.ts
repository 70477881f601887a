import { eventsOf, groupedBy, type Placed } from '../../history/history';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';
import { isUnheard } from './coordinators';

const INVARIANT = '7 generations';

/**
 * A group's generation never goes back: whoever joins after a generation was synced (and so is in the log) comes into that
 * one or a later one. A generation that no member was told to act in may be given again, and a coordinator that hasn't heard
 * that it was deposed may give an old one. Exempt: groups whose coordinator's
 * partition may have lost records.
 */
export function generationsForward({ history, exemptions, truth }: Seen): Violation[] {
  const violations: Violation[] = [];
  const losses = (truth.topics.get('__consumer_offsets') ?? []).flatMap(({ value }) =>
    value === null
      ? []
      : Array.from({ length: value.partitions }, (_, partition) =>
          exemptions.of(`${value.topicId}/${partition}`),
        ).flat(),
  );
  const placed = eventsOf(history, 'generation-synced', 'group-joined');
  for (const [group, events] of groupedBy(placed, ({ event }) => event.group)) {
    const synced: Placed<'generation-synced'>[] = [];
    for (const { index, event } of events) {
      if (event.type === 'generation-synced') {
        synced.push({ index, event });
        continue;
      }
      const newer = synced.find((one) => one.index < event.sent && one.event.generation > event.generation);
      if (isUnheard(truth, group, event.broker, event.at)) continue;
      if (newer === undefined || losses.some(({ at }) => at <= event.at)) continue;
      const message = `group ${group}: ${event.client} joined generation ${event.generation} after ${newer.event.client} had synced ${newer.event.generation}`;
      violations.push({ invariant: INVARIANT, at: event.at, message });
    }
  }
  return violations;
}
