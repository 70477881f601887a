import type { HistoryEvent, HistoryEventType, PartitionRef } from './events';

/** What the clients of a run saw, in the order in which they saw it. An event's place is its index. */
export type History = readonly HistoryEvent[];

export type EventOf<T extends HistoryEventType> = Extract<HistoryEvent, { type: T }>;

/** An event with its place in the history. */
export interface Placed<T extends HistoryEventType> {
  readonly index: number;
  readonly event: EventOf<T>;
}

/** Identifies a partition of one incarnation of a topic. */
export function partitionKey({ topicId, partition }: Pick<PartitionRef, 'topicId' | 'partition'>): string {
  return `${topicId}/${partition}`;
}

/** The events of some types, in order. */
export function* eventsOf<T extends HistoryEventType>(history: History, ...types: readonly T[]): Generator<Placed<T>> {
  for (let index = 0; index < history.length; index++) {
    const event = history[index]!;
    if ((types as readonly string[]).includes(event.type)) yield { index, event: event as EventOf<T> };
  }
}

/** Groups what `keyOf` gives the same key, in order. */
export function groupedBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
