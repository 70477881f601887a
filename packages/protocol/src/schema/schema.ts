import { OttlaError } from '../errors';
import type { Reader } from '../wire/reader';
import type { Writer } from '../wire/writer';
import type { Codec } from './codec';
import { compileStruct } from './compile';
import type { InputOfShape, OutputOfShape, Shape } from './field';

/**
 * One message in all its versions. A version is compiled into a reader and a writer when it is first used, so that
 * start-up pays nothing for those that no client asks for.
 */
export class Schema<S extends Shape> {
  private readonly codecs: Codec[] = [];

  constructor(
    /** As errors call it, for example `Fetch request`. */
    readonly name: string,
    readonly shape: S,
    readonly minVersion: number,
    readonly maxVersion: number,
    /** The first flexible version (KIP-482); Infinity when there is none. */
    readonly flexibleFrom: number,
  ) {}

  /** Reads one message; throws the reader's error code on bytes that aren't one. */
  read(reader: Reader, version: number): OutputOfShape<S> {
    const codec = this.codec(version);
    try {
      return codec.read(reader) as OutputOfShape<S>;
    } catch (error) {
      throw this.named(error, version);
    }
  }

  /** Writes one message; throws INVALID_REQUEST, naming the field, on a value that the version can't carry. */
  write(writer: Writer, version: number, message: InputOfShape<S>): void {
    const codec = this.codec(version);
    try {
      codec.write(writer, message);
    } catch (error) {
      throw this.named(error, version);
    }
  }

  private named(error: unknown, version: number): unknown {
    if (!(error instanceof OttlaError)) return error;
    return new OttlaError(error.code, `${this.name} version ${version}: ${error.message}`, { cause: error });
  }

  private codec(version: number): Codec {
    const known = this.codecs[version];
    if (known !== undefined) return known;
    if (!Number.isInteger(version) || version < this.minVersion || version > this.maxVersion) {
      const served = `${this.minVersion} to ${this.maxVersion}`;
      throw new OttlaError('UNSUPPORTED_VERSION', `${this.name}: version ${version} is not among ${served}`);
    }
    const codec = compileStruct(this.shape, version, version >= this.flexibleFrom, '');
    this.codecs[version] = codec;
    return codec;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a schema of any shape
export type AnySchema = Schema<any>;

/** What reading a message gives: every field is present, defaults filled in. */
export type MessageOf<T extends AnySchema> = T extends Schema<infer S> ? OutputOfShape<S> : never;

/** What writing a message takes: fields with a default, tagged ones, and those that not every version has may be omitted. */
export type InputOf<T extends AnySchema> = T extends Schema<infer S> ? InputOfShape<S> : never;
