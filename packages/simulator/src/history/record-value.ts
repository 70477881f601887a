import type { PartitionRef } from './events';

/** What a record says of itself: who wrote it, where to, and as its how manieth. */
export interface RecordIdentity {
  readonly producer: string;
  readonly topicId: string;
  readonly partition: number;
  readonly number: number;
}

const PADDING = 'ottla keeps what it is given. ';

/** The value of a record: its identity and `padding` more characters, which follow from the identity. */
export function recordValue(
  producer: string,
  { topicId, partition }: Pick<PartitionRef, 'topicId' | 'partition'>,
  number: number,
  padding: number,
): string {
  const start = number % PADDING.length;
  const filler = padding === 0 ? '' : PADDING.repeat(Math.ceil((start + padding) / PADDING.length));
  return `${producer}|${topicId}|${partition}|${number}|${filler.slice(start, start + padding)}`;
}

/** Null when no client of ours wrote such a value. */
export function identityOf(value: string): RecordIdentity | null {
  const [producer, topicId, partition, number] = value.split('|', 4);
  if (producer === undefined || topicId === undefined || !isCount(partition) || !isCount(number)) return null;
  return { producer, topicId, partition: Number(partition), number: Number(number) };
}

function isCount(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text);
}
