import { OttlaError } from '../errors';
import { int16At } from '../wire/bytes';
import { Reader } from '../wire/reader';
import { Writer } from '../wire/writer';
import type { InputOfShape, OutputOfShape, Shape } from './field';
import { Schema } from './schema';
import { parseVersions, type VersionSpec } from './versions';

/**
 * What to do with a version above the last one known: `refuse`, or `read-as-latest`, which takes the fields known and
 * ignores what follows (Kafka's consumer protocol promises that later versions only append).
 */
type NewerVersions = 'refuse' | 'read-as-latest';

interface DataDeclaration<S extends Shape> {
  /** As errors call it. */
  readonly name: string;
  readonly versions: VersionSpec;
  /** The first flexible version (KIP-482); none when left out. */
  readonly flexibleFrom?: number;
  /** `refuse` when left out. */
  readonly newer?: NewerVersions;
  readonly fields: S;
}

const VERSION_BYTES = 2;

/** A message that stands alone, led by its version as an int16: what groups exchange, and what internal topics hold. */
export class DataSchema<S extends Shape> {
  constructor(
    private readonly schema: Schema<S>,
    private readonly newer: NewerVersions,
  ) {}

  /**
   * Reads a version and its message. Byte strings are views. Throws CORRUPT_MESSAGE on malformed bytes and
   * UNSUPPORTED_VERSION on a version that isn't known.
   */
  read(bytes: Uint8Array): { version: number; message: OutputOfShape<S> } {
    const version = dataVersion(bytes);
    const reader = new Reader(bytes, VERSION_BYTES, bytes.length, 'CORRUPT_MESSAGE');
    const { name, maxVersion } = this.schema;
    const tolerated = version > maxVersion && this.newer === 'read-as-latest';
    const message = this.schema.read(reader, tolerated ? maxVersion : version);
    if (reader.remaining > 0 && !tolerated) throw reader.malformed(`${name}: ${reader.remaining} bytes too many`);
    return { version, message };
  }

  /** The version and the message. Throws UNSUPPORTED_VERSION, or INVALID_REQUEST on a value that can't be written. */
  write(version: number, message: InputOfShape<S>): Uint8Array {
    const writer = new Writer();
    writer.int16(version);
    this.schema.write(writer, version, message);
    return writer.toBytes();
  }
}

/** Declares a message that stands alone. */
export function dataSchema<S extends Shape>(declaration: DataDeclaration<S>): DataSchema<S> {
  const { from, to } = parseVersions(declaration.versions);
  const flexibleFrom = declaration.flexibleFrom ?? Number.POSITIVE_INFINITY;
  const schema = new Schema(declaration.name, declaration.fields, from, to, flexibleFrom);
  return new DataSchema(schema, declaration.newer ?? 'refuse');
}

/** The version that leads a message that stands alone; throws CORRUPT_MESSAGE when there are no two bytes. */
export function dataVersion(bytes: Uint8Array): number {
  if (bytes.length < VERSION_BYTES) {
    throw new OttlaError('CORRUPT_MESSAGE', `a version takes ${VERSION_BYTES} bytes, ${bytes.length} are there`);
  }
  return int16At(bytes, 0);
}
