import type { PositionLost, RecordsRead } from '../../history/events';
import { eventsOf, type History, partitionKey } from '../../history/history';
import { identityOf } from '../../history/record-value';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';
import { deletions, type FinalLog, finalLogs } from './final-logs';

const INVARIANT = '4 consumed';

interface FirstRead {
  readonly value: string;
  readonly leaderEpoch: number;
  readonly event: RecordsRead;
}

/**
 * What a consumer was given never changes or vanishes, and is what some producer sent to that very partition of that very
 * topic; it lies below the high watermark that came with it. Exempt from vanishing and changing: what was asked to be deleted,
 * and what was read in leader epochs that `Exemptions` names. Nothing is exempt from being what was sent.
 */
export function consumed(seen: Seen): Violation[] {
  const { history, exemptions } = seen;
  const violations: Violation[] = [];
  const sent = sentValues(history);
  const first = new Map<string, Map<number, FirstRead>>();
  for (const { event } of eventsOf(history, 'records-read')) {
    violations.push(...foreign(event, sent), ...aboveHighWatermark(event));
    const key = partitionKey(event);
    const known = first.get(key) ?? new Map<number, FirstRead>();
    first.set(key, known);
    for (const { offset, value } of event.records) {
      const before = known.get(offset);
      const read = { value, leaderEpoch: event.leaderEpoch, event };
      if (before === undefined) known.set(offset, read);
      else if (before.value !== value && !mayDiffer(seen, key, before, read))
        violations.push(changed(offset, before, read));
      else if (event.leaderEpoch > before.leaderEpoch) known.set(offset, read);
    }
  }
  for (const { event } of eventsOf(history, 'position-lost')) violations.push(...lostPosition(seen, event));
  for (const [key, log] of finalLogs(history)) {
    for (const [offset, read] of first.get(key) ?? []) {
      if (exemptions.ofEpoch(key, read.leaderEpoch)) continue;
      violations.push(...vanished(offset, read, log));
    }
  }
  return violations;
}

function sentValues(history: History): Set<string> {
  const sent = new Set<string>();
  for (const { event } of eventsOf(history, 'produce-sent')) for (const value of event.values) sent.add(value);
  return sent;
}

function foreign(event: RecordsRead, sent: ReadonlySet<string>): Violation[] {
  const found: Violation[] = [];
  for (const { offset, value } of event.records) {
    const identity = identityOf(value);
    const itsOwn = identity?.topicId === event.topicId && identity.partition === event.partition;
    if (itsOwn && sent.has(value)) continue;
    const message = `${place(event)} offset ${offset}: nobody sent "${value.slice(0, 80)}" to topic id ${event.topicId}`;
    found.push({ invariant: INVARIANT, at: event.at, message });
  }
  return found;
}

function aboveHighWatermark(event: RecordsRead): Violation[] {
  const above = event.records.find(({ offset }) => offset >= event.highWatermark);
  if (above === undefined) return [];
  const message = `${place(event)}: broker ${event.broker} gave offset ${above.offset} with a high watermark of ${event.highWatermark}`;
  return [{ invariant: INVARIANT, at: event.at, message }];
}

/** Two reads may differ only when an exempt epoch began between theirs. */
function mayDiffer({ exemptions }: Seen, key: string, a: FirstRead, b: FirstRead): boolean {
  const [earlier, later] = a.leaderEpoch <= b.leaderEpoch ? [a, b] : [b, a];
  return exemptions.betweenEpochs(key, earlier.leaderEpoch, later.leaderEpoch);
}

function changed(offset: number, before: FirstRead, now: FirstRead): Violation {
  const was = `"${before.value.slice(0, 60)}" (epoch ${before.leaderEpoch}, broker ${before.event.broker})`;
  const is = `"${now.value.slice(0, 60)}" (epoch ${now.leaderEpoch}, broker ${now.event.broker})`;
  const message = `${place(now.event)} offset ${offset} was ${was} and is ${is}`;
  return { invariant: INVARIANT, at: now.event.at, message };
}

function vanished(offset: number, { value, event }: FirstRead, log: FinalLog): Violation[] {
  if (offset < log.deletedBelow || log.damaged.has(offset)) return [];
  const there = log.values.get(offset);
  if (there === value) return [];
  const instead = there === undefined ? 'nothing' : `"${there.slice(0, 60)}"`;
  const message = `${place(event)} offset ${offset}: ${event.client} read "${value.slice(0, 60)}" from broker ${event.broker}, at the end ${instead} is there (the log is ${log.from} to ${log.to})`;
  return [{ invariant: INVARIANT, at: event.at, message }];
}

function lostPosition({ exemptions, history }: Seen, event: PositionLost): Violation[] {
  const key = partitionKey(event);
  if (event.position === 0 || exemptions.of(key).some(({ at }) => at <= event.at)) return [];
  if (event.position <= (deletions(history).get(key) ?? 0)) return [];
  const message = `${place(event)}: ${event.client} had read up to ${event.position}, and broker ${event.broker} says ${event.how} (the log is ${event.logStart} to ${event.end})`;
  return [{ invariant: INVARIANT, at: event.at, message }];
}

function place({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}-${partition}`;
}
