import { OttlaError } from '@ottla/protocol';
import type { Extra } from './records';

/** Between a value as stored (JSON, UTF-8) and as used. Unknown fields are kept in `extra` and written back. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  /** @throws OttlaError naming `key` when it's no such record or of a version this build doesn't know. */
  decode(bytes: Uint8Array, key: string): T;
}

/** What a field must be: a test, and its name in errors. */
export interface FieldType {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** The field may be left out, as records do that were written before there was such a field. */
  readonly mayBeAbsent?: boolean;
}

const VERSION = 1;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A codec for records of version 1 with these fields, `version` aside. */
export function recordCodec<T extends { version: 1; extra?: Extra }>(
  fields: Readonly<Record<Exclude<keyof T, 'version' | 'extra'>, FieldType>>,
): Codec<T> {
  const types = new Map(Object.entries<FieldType>(fields));
  return {
    encode: (value) => {
      const { extra, ...known } = value;
      return encoder.encode(JSON.stringify(extra === undefined ? known : { ...known, ...extra }));
    },
    decode: (bytes, key) => {
      const stored = parse(bytes, key);
      checkVersion(stored.version, key);
      const record: Record<string, unknown> = { version: VERSION };
      for (const [name, { accepts, expected, mayBeAbsent }] of types) {
        const value = stored[name];
        if (mayBeAbsent && value === undefined) continue;
        if (!accepts(value)) throw unreadable(key, `field ${name} is ${JSON.stringify(value)}, not ${expected}`);
        record[name] = value;
      }
      const extra = Object.entries(stored).filter(([name]) => name !== 'version' && !types.has(name));
      if (extra.length > 0) record.extra = Object.fromEntries(extra);
      return record as unknown as T;
    },
  };
}

function parse(bytes: Uint8Array, key: string): Record<string, unknown> {
  let stored: unknown;
  try {
    stored = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw unreadable(key, `not JSON (${(error as Error).message})`, error);
  }
  if (!isObject(stored)) throw unreadable(key, 'not a JSON object');
  return stored;
}

function checkVersion(version: unknown, key: string): void {
  if (version === VERSION) return;
  if (typeof version !== 'number') throw unreadable(key, 'it carries no version');
  throw new OttlaError(
    'UNSUPPORTED_VERSION',
    `metadata store: ${key} has version ${version}, this broker reads version ${VERSION}; start a newer Ottla`,
  );
}

function unreadable(key: string, why: string, cause?: unknown): OttlaError {
  return new OttlaError('UNKNOWN_SERVER_ERROR', `metadata store: ${key} can't be read: ${why}`, { cause });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const text: FieldType = { expected: 'a string', accepts: (value) => typeof value === 'string' };

export const flag: FieldType = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };

/** -1 upwards: epochs may be absent. */
export const count: FieldType = {
  expected: 'a whole number',
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= -1,
};

export const instant: FieldType = { expected: 'a time in ms', accepts: (value) => Number.isFinite(value) };

export function optional(type: FieldType): FieldType {
  return { expected: `${type.expected} or null`, accepts: (value) => value === null || type.accepts(value) };
}

/** The field may be left out. */
export function absentOr(type: FieldType): FieldType {
  return { ...type, mayBeAbsent: true };
}

export function listOf(type: FieldType): FieldType {
  return {
    expected: `a list, each ${type.expected}`,
    accepts: (value) => Array.isArray(value) && value.every(type.accepts),
  };
}

export function oneOf(...values: readonly string[]): FieldType {
  return { expected: values.join(' or '), accepts: (value) => values.includes(value as string) };
}

/** An object with these fields; others ride along. */
export function objectOf(fields: Readonly<Record<string, FieldType>>): FieldType {
  const types = Object.entries(fields);
  return {
    expected: `an object of ${types.map(([name]) => name).join(', ')}`,
    accepts: (value) => isObject(value) && types.every(([name, type]) => type.accepts(value[name])),
  };
}

export const textMap: FieldType = {
  expected: 'an object of strings',
  accepts: (value) => isObject(value) && Object.values(value).every((one) => typeof one === 'string'),
};
