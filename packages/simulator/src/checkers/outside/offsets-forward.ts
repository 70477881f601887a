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
 * what was read. A high watermark and the earliest offset that one broker tells don't go back within a leader epoch. Exempt: epochs that
 * `Exemptions` names between two answers, or that a restore of the store may have repeated.
 */
export function offsetsForward({ history, exemptions }: Seen): Violation[] {
  const violations: Violation[] = [];
  for (const [key, told] of groupedBy(allTold(history), ({ key }) => key)) {
    const known = new KnownEnds();
    for (const { answer } of told) known.add(answer);
    for (const { answer } of told) {
      for (const before of known.notAbove(answer)) {
        if (before.offset <= answer.offset) continue;
        if (exemptions.betweenEpochs(key, before.leaderEpoch, answer.leaderEpoch)) continue;
        if (exemptions.mayRepeat(key, before.leaderEpoch, before.at, answer.at)) continue;
        violations.push(wentBack(key, before, answer));
        break;
      }
    }
  }
  return violations;
}

/** What was told of one partition, so that it's quickly found what an answer may not be below. */
class KnownEnds {
  private readonly highWatermarks = new Map<string, HighestBefore>();
  private readonly ends = new Map<number, HighestBefore>();
  private readonly starts = new Map<string, HighestBefore>();

  add(answer: Told): void {
    if (answer.what === 'earliest') return of(this.starts, placeOf(answer)).add(answer);
    if (answer.what === 'high-watermark') of(this.highWatermarks, placeOf(answer)).add(answer);
    of(this.ends, answer.leaderEpoch).add(answer);
  }

  *notAbove(answer: Told): Generator<Told> {
    const { leaderEpoch, sent } = answer;
    let before: Told | null = null;
    if (answer.what === 'earliest') before = of(this.starts, placeOf(answer)).before(sent);
    if (answer.what === 'high-watermark') before = of(this.highWatermarks, placeOf(answer)).before(sent);
    if (answer.what === 'latest') before = of(this.ends, leaderEpoch).before(sent);
    if (before !== null) yield before;
    if (answer.what !== 'latest') return;
    for (const [epoch, ends] of this.ends) {
      const highest = epoch < leaderEpoch ? ends.before(Number.POSITIVE_INFINITY) : null;
      if (highest !== null) yield highest;
    }
  }
}

/** The highest of the answers that came before some place in the history. */
class HighestBefore {
  private readonly indexes: number[] = [];
  private readonly highest: Told[] = [];

  /** In the order of the history. */
  add(answer: Told): void {
    const last = this.highest.at(-1);
    this.indexes.push(answer.index);
    this.highest.push(last === undefined || answer.offset > last.offset ? answer : last);
  }

  before(index: number): Told | null {
    let low = 0;
    let high = this.indexes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.indexes[middle]! < index) low = middle + 1;
      else high = middle;
    }
    return this.highest[low - 1] ?? null;
  }
}

function of<K>(map: Map<K, HighestBefore>, key: K): HighestBefore {
  const known = map.get(key) ?? new HighestBefore();
  map.set(key, known);
  return known;
}

/** What followers know lags, so that log starts and high watermarks are compared where one broker told them in one epoch. */
function placeOf({ broker, leaderEpoch }: Told): string {
  return `${broker} ${leaderEpoch}`;
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
