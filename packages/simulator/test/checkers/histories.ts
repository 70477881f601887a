import type { PartitionRecord } from '@ottla/replication';
import type { Seen as Checked } from '../../src/checkers/checker';
import { Exemptions } from '../../src/checkers/exemptions';
import type { Truth, Version } from '../../src/checkers/truth';
import type { HistoryEvent, ReadRecord } from '../../src/history/events';
import { Recorder, type Seen } from '../../src/history/recorder';

export const TOPIC_ID = '00000000-0000-4000-8000-000000000001';
export const PARTITION = { topic: 'orders', topicId: TOPIC_ID, partition: 0 };
export const KEY = `${TOPIC_ID}/0`;

/** The value that producer `p` gives its record `number`. */
export const valueNumbered = (number: number, producer = 'p'): string => `${producer}|${TOPIC_ID}|0|${number}|`;

/** Writes a history by hand, one event each 10 ms. */
export class Script {
  private clock = 0;
  readonly recorder = new Recorder(() => this.clock);

  get events(): HistoryEvent[] {
    return this.recorder.events;
  }

  add(seen: Seen): this {
    this.clock += 10;
    this.recorder.record(seen);
    return this;
  }

  /** Lets time pass. */
  wait(ms: number): this {
    this.clock += ms;
    return this;
  }

  sent(batch: number, numbers: readonly number[], over: Partial<Extract<Seen, { type: 'produce-sent' }>> = {}): this {
    const idempotent = { producerId: -1, producerEpoch: -1, baseSequence: -1 };
    const values = numbers.map((number) => valueNumbered(number));
    const madeAt = this.clock + 10;
    return this.add({
      ...{ type: 'produce-sent', client: 'p', batch, broker: 1, acks: -1, values, madeAt, ...idempotent, ...PARTITION },
      ...over,
    });
  }

  acked(batch: number, baseOffset: number, over: Partial<Extract<Seen, { type: 'produce-acked' }>> = {}): this {
    const sent = this.recorder.mark;
    return this.add({
      ...{ type: 'produce-acked', client: 'p', sent, batch, broker: 1, acks: -1, baseOffset, ...PARTITION },
      ...over,
    });
  }

  read(records: readonly Partial<ReadRecord>[], over: Partial<Extract<Seen, { type: 'records-read' }>> = {}): this {
    const sent = over.sent ?? this.recorder.mark;
    const leaderEpoch = over.leaderEpoch ?? 1;
    const filled = records.map((record, offset): ReadRecord => {
      const nobody = { producerId: -1, producerEpoch: -1, sequence: -1 };
      return { offset, value: valueNumbered(offset), leaderEpoch, ...nobody, ...record };
    });
    const highWatermark = Math.max(0, ...filled.map(({ offset }) => offset + 1));
    const where = { client: 'c', broker: 1, fetchOffset: 0, logStart: 0, ...PARTITION };
    return this.add({ type: 'records-read', ...where, sent, leaderEpoch, highWatermark, records: filled, ...over });
  }

  /** A consumer that began after the faults reads everything. */
  readBack(values: readonly string[], over: { from?: number; damaged?: readonly number[]; epoch?: number } = {}): this {
    const from = over.from ?? 0;
    const client = 'read-back';
    const records = values.map((value, index) => ({ offset: from + index, value }));
    this.read(records, { client, leaderEpoch: over.epoch ?? 9, fetchOffset: from });
    const to = from + values.length;
    return this.add({ type: 'read-back', client, from, to, damaged: over.damaged ?? [], ...PARTITION });
  }
}

export const BROKER_1 = { broker: 1, logId: 'log-1' };
export const BROKER_2 = { broker: 2, logId: 'log-2' };

export function record(over: Partial<PartitionRecord> = {}): PartitionRecord {
  return {
    version: 1,
    ...{ replicas: [1, 2], adding: [], removing: [], leader: { broker: 1, run: 'run-1' }, leaderEpoch: 1 },
    ...{ isr: [BROKER_1, BROKER_2], elr: [], minIsr: 2, lastKnownLeader: BROKER_1, unclean: false },
    ...over,
  };
}

export const version = <T>(at: number, value: T | null, restored = false): Version<T> => ({ at, value, restored });

export function truth(over: Partial<Truth> = {}): Truth {
  return {
    ...{ partitions: new Map([[KEY, [version(0, record())]]]), topics: new Map(), registrations: new Map() },
    ...{ heard: new Map(), losses: new Map() },
    ...over,
  };
}

/** The same partition, whose second leader epoch began uncleanly at `at`. */
export function uncleanAt(at: number): Truth {
  const second = record({ leader: { broker: 2, run: 'run-2' }, leaderEpoch: 2, isr: [BROKER_2], unclean: true });
  return truth({ partitions: new Map([[KEY, [version(0, record()), version(at, second)]]]) });
}

export function seen(script: Script, known: Truth = truth(), producerExpirationMs = 60_000): Checked {
  return { history: script.events, truth: known, exemptions: new Exemptions(known), producerExpirationMs };
}

export const messages = (violations: readonly { message: string }[]): string[] =>
  violations.map(({ message }) => message);
