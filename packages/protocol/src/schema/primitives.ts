import type { Reader } from '../wire/reader';
import { isUuid, ZERO_UUID } from '../wire/uuid';
import type { Writer } from '../wire/writer';
import { type Codec, wrongValue } from './codec';
import type { PrimitiveKind } from './field';

const NO_BYTES = new Uint8Array(0);
/** Reads and writes one primitive; `compact` lengths are those of flexible versions. */
export function primitiveCodec(
  kind: PrimitiveKind | 'records',
  compact: boolean,
  nullable: boolean,
  path: string,
): Codec {
  switch (kind) {
    case 'bool':
      return fixed(
        1,
        false,
        (reader) => reader.bool(),
        (writer, value) => writer.bool(boolean(value, path)),
      );
    case 'int8':
      return fixed(
        1,
        0,
        (reader) => reader.int8(),
        (writer, value) => writer.int8(integer(value, 8, path)),
      );
    case 'int16':
      return fixed(
        2,
        0,
        (reader) => reader.int16(),
        (writer, value) => writer.int16(integer(value, 16, path)),
      );
    case 'int32':
      return fixed(
        4,
        0,
        (reader) => reader.int32(),
        (writer, value) => writer.int32(integer(value, 32, path)),
      );
    case 'int64':
      return fixed(
        8,
        0,
        (reader) => reader.int64(),
        (writer, value) => writer.int64(long(value, path)),
      );
    case 'float64':
      return fixed(
        8,
        0,
        (reader) => reader.float64(),
        (writer, value) => writer.float64(number(value, path)),
      );
    case 'uuid':
      return fixed(
        16,
        ZERO_UUID,
        (reader) => reader.uuid(),
        (writer, value) => writer.uuid(uuid(value, path)),
      );
    case 'string':
      return stringCodec(compact, nullable, path);
    case 'bytes':
      return bytesCodec(compact, nullable, path);
    case 'records':
      return recordsCodec(compact, path);
  }
}

function fixed<T>(
  minBytes: number,
  zero: T,
  read: (reader: Reader) => T,
  write: (writer: Writer, value: unknown) => void,
): Codec<T> {
  return { minBytes, read, write, zero: () => zero };
}

function stringCodec(compact: boolean, nullable: boolean, path: string): Codec<string | null> {
  return {
    minBytes: compact ? 1 : 2,
    read(reader) {
      const value = reader.string(compact);
      if (value === null && !nullable) throw reader.malformed(`${path} must not be null,`);
      return value;
    },
    write(writer, value) {
      if (value === null && nullable) {
        writer.nullString(compact);
        return;
      }
      writer.string(text(value, path), compact);
    },
    zero: () => '',
  };
}

function bytesCodec(compact: boolean, nullable: boolean, path: string): Codec<Uint8Array | null> {
  return {
    minBytes: compact ? 1 : 4,
    read(reader) {
      const value = reader.byteString(compact);
      if (value === null && !nullable) throw reader.malformed(`${path} must not be null,`);
      return value;
    },
    write(writer, value) {
      if (value instanceof Uint8Array) writer.byteString(value, compact);
      else if (value === null && nullable) writer.arrayLength(-1, compact);
      else throw wrongValue(path, 'a Uint8Array', value);
    },
    zero: () => NO_BYTES,
  };
}

function recordsCodec(compact: boolean, path: string): Codec<Uint8Array | null> {
  return {
    minBytes: compact ? 1 : 4,
    read: (reader) => reader.byteString(compact),
    write(writer, value) {
      if (value === null || value instanceof Uint8Array || Array.isArray(value)) writer.records(value, compact);
      else throw wrongValue(path, 'a Uint8Array, a list of chunks or null', value);
    },
    zero: () => null,
  };
}

function boolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw wrongValue(path, 'true or false', value);
  return value;
}

function integer(value: unknown, bits: 8 | 16 | 32, path: string): number {
  const shift = 32 - bits;
  if (typeof value !== 'number' || (value << shift) >> shift !== value) throw wrongValue(path, `an int${bits}`, value);
  return value;
}

function long(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongValue(path, 'an int64', value);
  return value;
}

function number(value: unknown, path: string): number {
  if (typeof value !== 'number') throw wrongValue(path, 'a number', value);
  return value;
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw wrongValue(path, 'a string', value);
  return value;
}

function uuid(value: unknown, path: string): string {
  if (typeof value !== 'string' || !isUuid(value)) throw wrongValue(path, 'a uuid of 36 characters', value);
  return value;
}
