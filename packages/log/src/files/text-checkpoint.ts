import { OttlaError } from '@ottla/protocol';

const VERSION = 0;

/** Kafka's checkpoint files: the version, the number of entries, and a line an entry. */
export function encodeCheckpoint(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode([VERSION, lines.length, ...lines, ''].join('\n'));
}

/** The entries. Throws `KAFKA_STORAGE_ERROR` naming the file when it is no whole checkpoint. */
export function decodeCheckpoint(path: string, bytes: Uint8Array): string[] {
  const [version, count, ...rest] = new TextDecoder().decode(bytes).split('\n');
  if (version !== String(VERSION)) throw damaged(path, `its version is '${version}', not ${VERSION}`);
  const lines = rest.filter((line) => line !== '');
  if (count === undefined || !/^\d+$/.test(count) || lines.length !== Number(count)) {
    throw damaged(path, `it announces ${count} entries and has ${lines.length}`);
  }
  return lines;
}

/** A line of whole numbers, as many as asked for. */
export function parseNumbers(path: string, line: string, fields: readonly string[]): number[] {
  const numbers = fields.map(Number);
  if (numbers.some((value) => !Number.isSafeInteger(value))) throw damaged(path, `the line '${line}' makes no sense`);
  return numbers;
}

export function damaged(path: string, reason: string): OttlaError {
  return new OttlaError('KAFKA_STORAGE_ERROR', `${path} is damaged: ${reason}`);
}
