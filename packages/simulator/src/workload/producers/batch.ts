import { encodeBatch } from '@ottla/protocol';
import type { PartitionRef } from '../../history/events';
import { recordValue } from '../../history/record-value';

/** A batch that a producer wants to have written, until it is acknowledged or given up. */
export interface Batch {
  /** Unique in the run. */
  readonly id: number;
  readonly values: readonly string[];
  readonly producerId: number;
  readonly producerEpoch: number;
  /** -1 when the producer isn't idempotent. */
  readonly baseSequence: number;
  readonly bytes: Uint8Array;
  /** When it was made, in virtual ms. */
  readonly madeAt: number;
  attempts: number;
  inFlight: boolean;
}

export interface BatchContent {
  readonly producer: string;
  readonly to: PartitionRef;
  /** Number of the first record among all of this producer and partition. */
  readonly firstNumber: number;
  readonly count: number;
  readonly padding: number;
  readonly timestamp: number;
}

export interface Sequencing {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

export const NOT_IDEMPOTENT: Sequencing = { producerId: -1, producerEpoch: -1, baseSequence: -1 };

const text = new TextEncoder();

export function makeBatch(id: number, content: BatchContent, sequencing: Sequencing, madeAt: number): Batch {
  const { producer, to, firstNumber, count, padding, timestamp } = content;
  const values: string[] = [];
  for (let n = 0; n < count; n++) values.push(recordValue(producer, to, firstNumber + n, padding));
  const records = values.map((value) => ({ timestamp, key: null, value: text.encode(value) }));
  return {
    id,
    values,
    ...sequencing,
    bytes: encodeBatch({ records, ...sequencing }),
    madeAt,
    attempts: 0,
    inFlight: false,
  };
}
