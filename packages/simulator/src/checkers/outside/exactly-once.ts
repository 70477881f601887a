import type { ProduceRefused, ReadRecord, RecordsRead } from '../../history/events';
import { eventsOf, type History, partitionKey } from '../../history/history';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';
import { deletions } from './final-logs';

const INVARIANT = '5 exactly once';

/** The broker said that it doesn't know how a sequence continues what it has. */
const SEQUENCE_ERRORS = new Set(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH']);

/**
 * An idempotent producer's records are in a log once, and in the order of their sequences without a gap; and no producer is
 * told that its sequence is wrong when it goes on with what follows its last acknowledged batch. Exempt: a batch that was still
 * sent after `producer.id.expiration.ms`, which the broker may have forgotten; gaps and wrong sequences where `Exemptions` lets
 * records vanish.
 */
export function exactlyOnce(seen: Seen): Violation[] {
  const violations: Violation[] = [];
  for (const [key, log] of logsAsRead(seen.history)) {
    const offsets = [...log.keys()].sort((a, b) => a - b);
    const reads = offsets.map((offset) => log.get(offset)!);
    const cut = seen.exemptions.of(key).length > 0;
    violations.push(...inLog(seen, key, cut ? withoutCut(reads) : reads));
  }
  for (const { event } of eventsOf(seen.history, 'produce-refused')) violations.push(...wronglyRefused(seen, event));
  return violations;
}

interface Read {
  readonly record: ReadRecord;
  readonly event: RecordsRead;
}

/** Of each offset what was read of it in the latest leader epoch. */
function logsAsRead(history: History): Map<string, Map<number, Read>> {
  const logs = new Map<string, Map<number, Read>>();
  for (const { event } of eventsOf(history, 'records-read')) {
    const key = partitionKey(event);
    const log = logs.get(key) ?? new Map<number, Read>();
    logs.set(key, log);
    for (const record of event.records) {
      const known = log.get(record.offset);
      if (known === undefined || known.event.leaderEpoch <= event.leaderEpoch)
        log.set(record.offset, { record, event });
    }
  }
  return logs;
}

/** Where logs may be cut, what was read of an epoch behind records of a later one isn't there any more. */
function withoutCut(reads: readonly Read[]): Read[] {
  let latest = -1;
  return reads.filter(({ record }) => {
    latest = Math.max(latest, record.leaderEpoch);
    return record.leaderEpoch === latest;
  });
}

function inLog(seen: Seen, key: string, log: readonly Read[]): Violation[] {
  const found: Violation[] = [];
  const mayMiss = seen.exemptions.of(key).length > 0 || (deletions(seen.history).get(key) ?? 0) > 0;
  const next = new Map<string, { sequence: number; offset: number }>();
  const places = new Map<string, number>();
  let previous = -1;
  for (const read of log) {
    const { record, event } = read;
    const { offset, value, producerId, producerEpoch, sequence } = record;
    const unread = offset !== previous + 1;
    previous = offset;
    if (producerId < 0) continue;
    const violation = (what: string) => {
      const message = `${event.topic}-${event.partition} offset ${offset}: "${value.slice(0, 60)}" of producer ${producerId} ${what}`;
      found.push({ invariant: INVARIANT, at: event.at, message });
    };
    const twice = places.get(value);
    places.set(value, offset);
    const producer = `${producerId}/${producerEpoch}`;
    const expected = next.get(producer) ?? { sequence: 0, offset: -1 };
    next.set(producer, { sequence: sequence + 1, offset });
    if (twice !== undefined) {
      if (!mayBeForgotten(seen, read)) violation(`is also at offset ${twice}`);
    } else if (sequence < expected.sequence) {
      if (!mayBeForgotten(seen, read)) violation(`has sequence ${sequence} behind sequence ${expected.sequence - 1}`);
    } else if (sequence > expected.sequence && !mayMiss && !unread) {
      violation(`has sequence ${sequence}, ${expected.sequence} is missing before it`);
    }
  }
  return found;
}

/**
 * Whether brokers may have forgotten the producer when a batch came again: it was still being sent so long after it had been
 * made, or it can only have come out of a connection long after the producer had sent its last to the partition.
 */
function mayBeForgotten({ history, producerExpirationMs }: Seen, { record, event }: Read): boolean {
  let madeAt = Number.POSITIVE_INFINITY;
  const attempts: number[] = [];
  let lastSent = Number.NEGATIVE_INFINITY;
  for (const { event: sent } of eventsOf(history, 'produce-sent')) {
    if (sent.producerId !== record.producerId || partitionKey(sent) !== partitionKey(event)) continue;
    lastSent = Math.max(lastSent, sent.at);
    if (!sent.values.includes(record.value)) continue;
    attempts.push(sent.at);
    madeAt = Math.min(madeAt, sent.madeAt);
  }
  if (attempts.length < 2) return false;
  return attempts.at(-1)! - madeAt >= producerExpirationMs || event.at - lastSent >= producerExpirationMs;
}

function wronglyRefused({ history, exemptions, producerExpirationMs }: Seen, event: ProduceRefused): Violation[] {
  if (!event.oldest || !SEQUENCE_ERRORS.has(event.error)) return [];
  if (exemptions.of(partitionKey(event)).some(({ at }) => at <= event.at)) return [];
  const sent = eventsOf(history, 'produce-sent');
  let acks = -1;
  for (const { event: candidate } of sent) if (candidate.batch === event.batch) acks = candidate.acks;
  if (acks !== -1 || event.idleMs >= producerExpirationMs) return [];
  const message = `${event.topic}-${event.partition}: ${event.client} goes on behind its last acknowledged batch, and broker ${event.broker} says ${event.error}`;
  return [{ invariant: INVARIANT, at: event.at, message }];
}
