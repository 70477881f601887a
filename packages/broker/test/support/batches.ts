import { type BatchInput, encodeBatch } from '@ottla/protocol';

const text = new TextEncoder();

/** A batch of records with these values, keyed when a key is given. */
export function batchOf(
  values: readonly string[],
  over: Partial<BatchInput> & { key?: string; timestamp?: number } = {},
) {
  const { key, timestamp = 1_700_000_000_000, ...input } = over;
  const records = values.map((value) => ({
    timestamp,
    key: key === undefined ? null : text.encode(key),
    value: text.encode(value),
  }));
  return encodeBatch({ records, ...input });
}
