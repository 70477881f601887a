import { OttlaError } from '../errors';
import type { InputOfShape, OutputOfShape, Shape } from './field';
import { Schema } from './schema';
import { parseVersions, type VersionSpec } from './versions';

interface DataDeclaration<S extends Shape> {
  readonly name: string;
  readonly versions: VersionSpec;
  /** The first flexible version; none when left out. */
  readonly flexibleFrom?: number;
  /**
   * What to do with a version above the last one known: `refuse`, or `read-as-latest`, which takes the fields known and
   * ignores what follows (Kafka's consumer protocol promises that later versions only append).
   */
  readonly newer?: 'refuse' | 'read-as-latest';
  readonly fields: S;
}

/** A message that stands alone, led by its version as an int16: what groups exchange, and what internal topics hold. */
export class DataSchema<S extends Shape> {
  readonly schema: Schema<S>;
  constructor(
    schema: Schema<S>,
    readonly newer: 'refuse' | 'read-as-latest',
  ) {
    this.schema = schema;
  }

  read(_bytes: Uint8Array): { version: number; message: OutputOfShape<S> } {
    throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
  }

  write(_version: number, _message: InputOfShape<S>): Uint8Array {
    throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
  }
}

/** Declares a message that stands alone. */
export function dataSchema<S extends Shape>(declaration: DataDeclaration<S>): DataSchema<S> {
  const { from, to } = parseVersions(declaration.versions);
  const flexibleFrom = declaration.flexibleFrom ?? Number.POSITIVE_INFINITY;
  const schema = new Schema(declaration.name, declaration.fields, from, to, flexibleFrom);
  return new DataSchema(schema, declaration.newer ?? 'refuse');
}

/** The version that leads a stand-alone message; throws CORRUPT_MESSAGE when there are no two bytes. */
export function dataVersion(_bytes: Uint8Array): number {
  throw new OttlaError('UNKNOWN_SERVER_ERROR', '');
}
