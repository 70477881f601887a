import type { KafkaRecord } from '@ottla/protocol';

const NEWLINE = new Uint8Array([0x0a]);
const NOTHING = new Uint8Array(0);
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The value, with a newline behind it; with the key and a separator before it, if there is one. */
export function lineOf({ key, value }: KafkaRecord, keySeparator: Uint8Array | null): Uint8Array[] {
  const line = [value ?? NOTHING, NEWLINE];
  return keySeparator === null ? line : [key ?? NOTHING, keySeparator, ...line];
}

/**
 * A record as a JSON object on a line. Bytes that are UTF-8 are strings, others objects `{"base64": "..."}`; what the
 * record doesn't have is null.
 */
export function jsonRecord(topic: string, partition: number, record: KafkaRecord): Uint8Array {
  const { offset, timestamp, key, value, headers } = record;
  const object = {
    topic,
    partition,
    offset,
    timestamp,
    key: readable(key),
    value: readable(value),
    headers: headers.map((header) => ({ key: header.key, value: readable(header.value) })),
  };
  return encoder.encode(`${JSON.stringify(object)}\n`);
}

function readable(bytes: Uint8Array | null): string | { base64: string } | null {
  if (bytes === null) return null;
  try {
    return strictDecoder.decode(bytes);
  } catch {
    // Not UTF-8.
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}
