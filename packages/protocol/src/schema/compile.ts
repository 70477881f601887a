import { OttlaError } from '../errors';
import type { Reader } from '../wire/reader';
import { type Codec, type FieldCodec, wrongValue } from './codec';
import type { Field, FieldType, Shape } from './field';
import { primitiveCodec } from './primitives';
import { compileTags, type TagCodec } from './tags';
import { includesVersion } from './versions';

interface Version {
  readonly number: number;
  readonly flexible: boolean;
}

/** Compiles one version of a struct; `path` is how errors call it, empty for the message itself. */
export function compileStruct(shape: Shape, number: number, flexible: boolean, path: string): Codec {
  const version = { number, flexible };
  const all = Object.entries(shape).map(([name, field]) =>
    compileField(name, field, version, path === '' ? name : `${path}.${name}`),
  );
  const present = all.filter(({ declaration }) => includesVersion(declaration.versions, number));
  const plain = present.filter(({ declaration }) => declaration.tag === null);
  const tags = flexible ? compileTags(present.filter(({ declaration }) => declaration.tag !== null)) : null;
  const minBytes = plain.reduce((sum, { codec }) => sum + codec.minBytes, flexible ? 1 : 0);
  return {
    minBytes,
    read: structReader(all, plain, tags),
    write: structWriter(plain, tags, path),
    zero: () => zeroStruct(all),
  };
}

/** Reads into an object whose fields are in declared order, so that all messages of a schema have one hidden class. */
function structReader(all: FieldCodec[], plain: FieldCodec[], tags: TagCodec | null): (reader: Reader) => unknown {
  const names = all.map(({ name }) => name);
  const steps = all.map((field) => (plain.includes(field) ? field.codec.read : field.absent));
  return (reader) => {
    const message: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) message[names[i]!] = steps[i]!(reader);
    if (tags !== null) tags.read(reader, message);
    return message;
  };
}

function structWriter(plain: FieldCodec[], tags: TagCodec | null, path: string): Codec['write'] {
  return (writer, value) => {
    if (typeof value !== 'object' || value === null) throw wrongValue(path || 'the message', 'an object', value);
    const message = value as Record<string, unknown>;
    for (let i = 0; i < plain.length; i++) {
      const field = plain[i]!;
      const given = message[field.name];
      field.codec.write(writer, given === undefined ? omitted(field) : given);
    }
    if (tags !== null) tags.write(writer, message);
  };
}

function omitted(field: FieldCodec): unknown {
  if (!field.declaration.optional) throw new OttlaError('INVALID_REQUEST', `${field.path} is missing`);
  return field.absent();
}

function zeroStruct(all: FieldCodec[]): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const field of all) message[field.name] = field.absent();
  return message;
}

function compileField(
  name: string,
  field: Field<unknown, unknown, boolean>,
  version: Version,
  path: string,
): FieldCodec {
  const { declaration } = field;
  const nullable = declaration.nullable !== null && includesVersion(declaration.nullable, version.number);
  const base = compileType(declaration.type, version, nullable, path);
  // A string that other versions may send as null is sent empty by this one.
  const codec =
    !nullable && declaration.nullable !== null && declaration.type.kind === 'string' ? emptyForNull(base) : base;
  return { name, codec, declaration, absent: absentValue(declaration, base), path };
}

function absentValue({ default: value, nullable }: FieldCodec['declaration'], codec: Codec): () => unknown {
  if (value !== undefined) return () => value;
  return nullable === null ? codec.zero : () => null;
}

function emptyForNull(codec: Codec): Codec {
  return { ...codec, write: (writer, value) => codec.write(writer, value === null ? '' : value) };
}

function compileType(type: FieldType, version: Version, nullable: boolean, path: string): Codec {
  switch (type.kind) {
    case 'struct': {
      const struct = compileStruct(type.shape, version.number, version.flexible, path);
      return nullable ? nullableStruct(struct) : struct;
    }
    case 'array':
      return arrayCodec(compileType(type.element, version, false, `${path}[]`), version.flexible, nullable, path);
    default:
      return primitiveCodec(type.kind, version.flexible, nullable, path);
  }
}

/** A byte before the struct tells whether there is one: negative for null, 1 otherwise. */
function nullableStruct(struct: Codec): Codec {
  return {
    minBytes: 1,
    read: (reader) => (reader.int8() < 0 ? null : struct.read(reader)),
    write(writer, value) {
      writer.int8(value === null ? -1 : 1);
      if (value !== null) struct.write(writer, value);
    },
    zero: () => null,
  };
}

function arrayCodec(element: Codec, compact: boolean, nullable: boolean, path: string): Codec {
  const elementBytes = Math.max(element.minBytes, 1);
  return {
    minBytes: compact ? 1 : 4,
    read(reader) {
      const count = reader.arrayLength(compact, elementBytes);
      if (count < 0) {
        if (nullable) return null;
        throw reader.malformed(`${path} must not be null,`);
      }
      const values: unknown[] = [];
      for (let i = 0; i < count; i++) values.push(element.read(reader));
      return values;
    },
    write(writer, value) {
      if (Array.isArray(value)) {
        writer.arrayLength(value.length, compact);
        for (let i = 0; i < value.length; i++) element.write(writer, value[i]);
      } else if (value === null && nullable) {
        writer.arrayLength(-1, compact);
      } else {
        throw wrongValue(path, 'an array', value);
      }
    },
    zero: () => [],
  };
}
