import type { ProduceAcked, ProduceSent } from '../../history/events';
import { eventsOf, partitionKey } from '../../history/history';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';
import { type FinalLog, finalLogs } from './final-logs';

const INVARIANT = '3 acknowledged';

/**
 * What was acknowledged with acks=all is read by a consumer that begins afterwards, at the offset that the producer was told.
 * A batch that is acknowledged twice is acknowledged at one offset. Exempt: topics that were deleted, records that were asked
 * to be deleted, batches whose bytes rotted on the leader's disk, and what `Exemptions` names.
 */
export function acknowledged({ history, exemptions }: Seen): Violation[] {
  const violations: Violation[] = [];
  const logs = finalLogs(history);
  const sent = new Map<number, ProduceSent>();
  const first = new Map<number, ProduceAcked>();
  for (const { event } of eventsOf(history, 'produce-sent', 'produce-acked')) {
    if (event.type === 'produce-sent') {
      sent.set(event.batch, event);
      continue;
    }
    const batch = sent.get(event.batch);
    if (event.acks !== -1 || batch === undefined) continue;
    const key = partitionKey(event);
    const sentAt = history[event.sent - 1]?.at ?? 0;
    if (exemptions.ofAcknowledgement(key, event.broker, sentAt)) continue;
    const before = first.get(event.batch);
    if (before !== undefined && before.baseOffset !== event.baseOffset && batch.producerId >= 0) {
      const message = `${where(event)}: batch ${event.batch} of ${event.client} was acknowledged at ${before.baseOffset} and at ${event.baseOffset}`;
      violations.push({ invariant: INVARIANT, at: event.at, message });
    }
    first.set(event.batch, before ?? event);
    const log = logs.get(key);
    if (log !== undefined) violations.push(...missing(event, batch, log));
  }
  return violations;
}

function missing(acked: ProduceAcked, batch: ProduceSent, log: FinalLog): Violation[] {
  const found: Violation[] = [];
  for (const [index, value] of batch.values.entries()) {
    const offset = acked.baseOffset + index;
    if (offset < log.deletedBelow || log.damaged.has(offset)) continue;
    const there = log.values.get(offset);
    if (there === value) continue;
    const instead = there === undefined ? 'nothing' : `"${there.slice(0, 80)}"`;
    const told = `${acked.client} was told at ${acked.at.toFixed(1)} ms by broker ${acked.broker}`;
    const message = `${where(acked)}: ${told} that "${value.slice(0, 80)}" is at ${offset}; a later consumer reads ${instead} there (the log is ${log.from} to ${log.to})`;
    found.push({ invariant: INVARIANT, at: acked.at, message });
  }
  return found;
}

function where({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}-${partition}`;
}
