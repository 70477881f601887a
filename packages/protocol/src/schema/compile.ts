import { OttlaError } from '../errors';
import type { Reader } from '../wire/reader';
import type { Writer } from '../wire/writer';
import type { Shape } from './field';

/** One version of a message or struct, compiled. */
export interface Codec {
  read(reader: Reader): unknown;
  write(writer: Writer, value: unknown): void;
}

export function compileStruct(_shape: Shape, _version: number, _flexible: boolean, path: string): Codec {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', path);
}
