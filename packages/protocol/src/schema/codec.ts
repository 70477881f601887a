import { OttlaError } from '../errors';
import type { Reader } from '../wire/reader';
import type { Writer } from '../wire/writer';
import type { Field } from './field';

/** One version of a type, compiled to closures. */
export interface Codec<T = unknown> {
  /** The fewest bytes that a value takes; what an array's length is checked against. */
  readonly minBytes: number;
  read(reader: Reader): T;
  /** Throws INVALID_REQUEST, naming the field, when the value isn't of the type. */
  write(writer: Writer, value: unknown): void;
  /** The value of a field that is left out, new each time where it is mutable. */
  zero(): T;
}

/** A field of a struct, compiled. */
export interface FieldCodec {
  readonly name: string;
  readonly codec: Codec;
  readonly declaration: Field<unknown, unknown, boolean>['declaration'];
  /** What reading gives where the field isn't on the wire, and writing puts where it is left out. */
  readonly absent: () => unknown;
  readonly path: string;
}

/** The error for a value that a field can't carry. */
export function wrongValue(path: string, wanted: string, value: unknown): OttlaError {
  const got = typeof value === 'object' && value !== null ? 'an object' : String(value);
  return new OttlaError('INVALID_REQUEST', `${path} must be ${wanted}, not ${got}`);
}
