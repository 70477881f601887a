import type { RecordsInput } from '../wire/chunk';
import { parseVersions, type VersionRange, type VersionSpec } from './versions';

export type PrimitiveKind = 'bool' | 'int8' | 'int16' | 'int32' | 'int64' | 'float64' | 'string' | 'bytes' | 'uuid';

/** What a field's values are on the wire. */
export type FieldType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'records' }
  | { readonly kind: 'struct'; readonly shape: Shape }
  | { readonly kind: 'array'; readonly element: FieldType };

/** The fields of a message or struct in wire order, by their names in memory. */
export type Shape = { readonly [name: string]: Field<unknown, unknown, boolean> };

interface Declaration {
  readonly type: FieldType;
  readonly versions: VersionRange;
  readonly nullable: VersionRange | null;
  /** The declared default; undefined when the type's own zero value is the default. */
  readonly default: unknown;
  readonly tag: number | null;
  /** Writing may leave the field out. */
  readonly optional: boolean;
}

/**
 * One field of a message: its wire type and the versions that have it. `Out` is what reading gives, `In` what writing
 * takes, and `Optional` says whether writing may leave it out.
 */
export class Field<out Out, out In, out Optional extends boolean> {
  /** Carries the inferred types; never set. */
  declare readonly types: { readonly out: Out; readonly in: In; readonly optional: Optional };

  constructor(readonly declaration: Declaration) {}

  /** Null is allowed in these versions. */
  nullable(versions: VersionSpec): Field<Out | null, In | null, Optional> {
    return new Field({ ...this.declaration, nullable: parseVersions(versions) });
  }

  /** The value read where the version has no such field, and written where it is left out. */
  default(value: Out & DefaultValue): Field<Out, In, true> {
    return new Field({ ...this.declaration, default: value, optional: true });
  }

  /** A tagged field of flexible versions (KIP-482): on the wire only when its value differs from the default. */
  tag(tag: number): Field<Out, In, true> {
    return new Field({ ...this.declaration, tag, optional: true });
  }
}

type DefaultValue = boolean | number | string | null;

/** A field of every version has to be given; others may be left out, and are then written with their default. */
type IsOptional<V extends VersionSpec> = V extends '0+' ? false : true;

interface PrimitiveValues {
  bool: boolean;
  int8: number;
  int16: number;
  int32: number;
  int64: number;
  float64: number;
  string: string;
  bytes: Uint8Array;
  uuid: string;
}

type FieldOf<T, V extends VersionSpec> = Field<T, T, IsOptional<V>>;

/** What reading a shape gives: every field, with defaults filled in. */
export type OutputOfShape<S extends Shape> = { -readonly [K in keyof S]: S[K]['types']['out'] };

type RequiredNames<S extends Shape> = { [K in keyof S]: S[K]['types']['optional'] extends false ? K : never }[keyof S];
type Flatten<T> = { [K in keyof T]: T[K] };

/** What writing a shape takes: fields that have a default, a tag, or that not every version has may be left out. */
export type InputOfShape<S extends Shape> = Flatten<
  { -readonly [K in RequiredNames<S>]: S[K]['types']['in'] } & {
    -readonly [K in Exclude<keyof S, RequiredNames<S>>]?: S[K]['types']['in'] | undefined;
  }
>;

function field<Out, In, Optional extends boolean>(type: FieldType, versions: VersionSpec): Field<Out, In, Optional> {
  const range = parseVersions(versions);
  return new Field({
    type,
    versions: range,
    nullable: null,
    default: undefined,
    tag: null,
    optional: versions !== '0+',
  });
}

const primitive =
  <K extends PrimitiveKind>(kind: K) =>
  <const V extends VersionSpec>(versions: V): FieldOf<PrimitiveValues[K], V> =>
    field({ kind }, versions);

function struct<const V extends VersionSpec, S extends Shape>(
  versions: V,
  shape: S,
): Field<OutputOfShape<S>, InputOfShape<S>, IsOptional<V>> {
  return field({ kind: 'struct', shape }, versions);
}

function array<const V extends VersionSpec, S extends Shape>(
  versions: V,
  element: S,
): Field<OutputOfShape<S>[], InputOfShape<S>[], IsOptional<V>>;
function array<const V extends VersionSpec, K extends PrimitiveKind>(
  versions: V,
  element: K,
): Field<PrimitiveValues[K][], PrimitiveValues[K][], IsOptional<V>>;
function array(versions: VersionSpec, element: Shape | PrimitiveKind): Field<unknown, unknown, boolean> {
  const type: FieldType = typeof element === 'string' ? { kind: element } : { kind: 'struct', shape: element };
  return field({ kind: 'array', element: type }, versions);
}

/** Record batches: read as a view of the frame, written uncopied. Null is always allowed. */
function records<const V extends VersionSpec>(versions: V): Field<Uint8Array | null, RecordsInput, IsOptional<V>> {
  return field<Uint8Array, RecordsInput, IsOptional<V>>({ kind: 'records' }, versions).nullable('0+');
}

/**
 * The builders of a declaration. The first argument is the range of versions that have the field, within those of the
 * struct around it; `'0+'` means all of them.
 *
 * int64 is a number: what lies outside the safe integers reads as the nearest safe one, and the largest safe integer is
 * written as Long.MAX_VALUE. A uuid is the canonical string of 36 characters.
 */
export const f = {
  bool: primitive('bool'),
  int8: primitive('int8'),
  int16: primitive('int16'),
  int32: primitive('int32'),
  int64: primitive('int64'),
  float64: primitive('float64'),
  string: primitive('string'),
  bytes: primitive('bytes'),
  uuid: primitive('uuid'),
  records,
  struct,
  array,
} as const;
