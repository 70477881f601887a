import { eventsOf, groupedBy, type History, partitionKey } from '../../history/history';
import type { Violation } from '../../run/result';
import type { Seen } from '../checker';

const INVARIANT = '4 offsets';

/** Some broker let it be known that the log goes up to `end` at least, or begins at `start` at least, in a leader epoch. */
interface Told {
  readonly index: number;
  readonly at: number;
  readonly sent: number;
  readonly broker: number;
  readonly leaderEpoch: number;
  /** `latest` was promised by ListOffsets, `high-watermark` came with a fetch, `read` is the offset behind a record given. */
  readonly what: 'latest' | 'high-watermark' | 'read' | 'earliest';
  readonly offset: number;
}

/**
 * The latest offset never goes back: not within a leader epoch, and not from one to the next (KIP-207). It is never below
 * what was read. A high watermark and the earliest offset don't go back within a leader epoch. Exempt: epochs that
 * `Exemptions` names between two answers.
 */
export function offsetsForward({ history, exemptions }: Seen): Violation[] {
  const violations: Violation[] = [];
  for (const [key, told] of groupedBy(allTold(history), ({ key }) => key)) {
    for (const { answer } of told) {
      if (answer.what === 'read') continue;
      for (const { answer: before } of told) {
        if (!mustNotExceed(before, answer) || before.offset <= answer.offset) continue;
        if (exemptions.betweenEpochs(key, before.leaderEpoch, answer.leaderEpoch)) continue;
        violations.push(wentBack(key, before, answer));
        break;
      }
    }
  }
  return violations;
}

/** Whether `answer` may not be below `before`. */
function mustNotExceed(before: Told, answer: Told): boolean {
  const inOrder = before.index < answer.sent;
  const sameEpoch = before.leaderEpoch === answer.leaderEpoch;
  switch (answer.what) {
    case 'earliest':
      return before.what === 'earliest' && sameEpoch && inOrder && before.broker === answer.broker;
    case 'high-watermark':
      return before.what === 'high-watermark' && sameEpoch && inOrder;
    case 'latest':
      if (before.what === 'earliest') return false;
      return before.leaderEpoch < answer.leaderEpoch || (sameEpoch && inOrder);
    case 'read':
      return false;
  }
}

function* allTold(history: History): Generator<{ key: string; answer: Told }> {
  for (const { index, event } of eventsOf(history, 'offset-told', 'records-read')) {
    const { at, sent, broker, leaderEpoch } = event;
    const key = partitionKey(event);
    const shared = { index, at, sent, broker, leaderEpoch };
    if (event.type === 'offset-told') {
      yield { key, answer: { ...shared, what: event.which, offset: event.offset } };
      continue;
    }
    yield { key, answer: { ...shared, what: 'high-watermark', offset: event.highWatermark } };
    const last = event.records.at(-1);
    if (last !== undefined) yield { key, answer: { ...shared, what: 'read', offset: last.offset + 1 } };
  }
}

function wentBack(key: string, before: Told, answer: Told): Violation {
  const was = `${before.what} ${before.offset} by broker ${before.broker} in epoch ${before.leaderEpoch} at ${before.at.toFixed(1)} ms`;
  const is = `${answer.what} ${answer.offset} by broker ${answer.broker} in epoch ${answer.leaderEpoch}`;
  return { invariant: INVARIANT, at: answer.at, message: `${key}: after ${was} came ${is}` };
}
