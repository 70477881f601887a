import { eventsOf, type History, partitionKey } from '../../history/history';

/** A partition as a consumer read it that began after the faults. */
export interface FinalLog {
  readonly topic: string;
  readonly from: number;
  readonly to: number;
  readonly values: ReadonlyMap<number, string>;
  readonly damaged: ReadonlySet<number>;
  /** What lies below was asked to be deleted. */
  readonly deletedBelow: number;
}

/** What was read back, by partition. */
export function finalLogs(history: History): Map<string, FinalLog> {
  const deleted = deletions(history);
  const logs = new Map<string, FinalLog>();
  const values = new Map<string, Map<number, string>>();
  for (const { event } of eventsOf(history, 'records-read', 'read-back')) {
    const key = `${event.client} ${partitionKey(event)}`;
    if (event.type === 'records-read') {
      const known = values.get(key) ?? new Map<number, string>();
      for (const { offset, value } of event.records) known.set(offset, value);
      values.set(key, known);
      continue;
    }
    const partition = partitionKey(event);
    logs.set(partition, {
      topic: event.topic,
      from: event.from,
      to: event.to,
      values: values.get(key) ?? new Map(),
      damaged: new Set(event.damaged),
      deletedBelow: deleted.get(partition) ?? 0,
    });
  }
  return logs;
}

/** Up to where records were asked to be deleted, by partition. */
export function deletions(history: History): Map<string, number> {
  const deleted = new Map<string, number>();
  for (const { event } of eventsOf(history, 'delete-records-sent')) {
    const key = partitionKey(event);
    deleted.set(key, Math.max(deleted.get(key) ?? 0, event.before));
  }
  return deleted;
}
