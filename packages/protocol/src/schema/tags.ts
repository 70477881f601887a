import type { Reader } from '../wire/reader';
import type { Writer } from '../wire/writer';
import type { FieldCodec } from './codec';

/** The tagged fields that end a struct of a flexible version (KIP-482). */
export interface TagCodec {
  read(reader: Reader, message: Record<string, unknown>): void;
  write(writer: Writer, message: Record<string, unknown>): void;
}

/** A tag and a size take at least a byte each. */
const TAG_MIN_BYTES = 2;

export function compileTags(fields: FieldCodec[]): TagCodec {
  const ascending = [...fields].sort((a, b) => a.declaration.tag! - b.declaration.tag!);
  const byTag = new Map(ascending.map((field) => [field.declaration.tag!, field]));
  return {
    read(reader, message) {
      const count = reader.unsignedVarint();
      if (count * TAG_MIN_BYTES > reader.remaining) throw reader.malformed(`${count} tagged fields`);
      for (let i = 0; i < count; i++) {
        const field = byTag.get(reader.unsignedVarint());
        const size = reader.unsignedVarint();
        if (field === undefined) reader.skip(size);
        else message[field.name] = readTag(reader, field, size);
      }
    },
    write(writer, message) {
      const given = ascending.filter((field) => !isDefault(message[field.name], field));
      writer.unsignedVarint(given.length);
      for (const field of given) {
        writer.unsignedVarint(field.declaration.tag!);
        const mark = writer.mark;
        field.codec.write(writer, message[field.name]);
        writer.insertSize(mark);
      }
    },
  };
}

/** Reads the value within its own bytes, all of which it must take. */
function readTag(reader: Reader, field: FieldCodec, size: number): unknown {
  if (size > reader.remaining) throw reader.malformed(`${field.path}: a tagged field of ${size} bytes`);
  const { end } = reader;
  reader.end = reader.pos + size;
  const value = field.codec.read(reader);
  if (reader.remaining > 0) throw reader.malformed(`${field.path}: ${reader.remaining} bytes too many`);
  reader.end = end;
  return value;
}

/** True when the value is what a reader fills in by itself, so that the field needn't be sent. */
function isDefault(value: unknown, field: FieldCodec): boolean {
  return value === undefined || sameValue(value, field.absent());
}

function sameValue(value: unknown, absent: unknown): boolean {
  if (Array.isArray(absent)) return Array.isArray(value) && value.length === 0;
  if (absent instanceof Uint8Array) return value instanceof Uint8Array && value.length === 0;
  if (typeof absent !== 'object' || absent === null) return value === absent;
  if (typeof value !== 'object' || value === null) return false;
  const given = value as Record<string, unknown>;
  return Object.entries(absent).every(([name, one]) => given[name] === undefined || sameValue(given[name], one));
}
