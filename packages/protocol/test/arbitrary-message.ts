import fc from 'fast-check';
import type { FieldType, Shape } from '../src/schema/field';
import { includesVersion } from '../src/schema/versions';

const ZEROES: Record<string, unknown> = {
  bool: false,
  int8: 0,
  int16: 0,
  int32: 0,
  int64: 0,
  float64: 0,
  string: '',
  bytes: new Uint8Array(0),
  uuid: '00000000-0000-0000-0000-000000000000',
  records: null,
};

const text = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', 'orders', '\ufeffmarked'),
);

const bytes = fc.uint8Array({ maxLength: 20 });

const PRIMITIVES: Record<string, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -0x80, max: 0x7f }),
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  int32: fc.integer(),
  int64: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -1, 2 ** 32)),
  float64: fc.double({ noNaN: true }),
  string: text,
  bytes,
  uuid: fc.uuid(),
  records: fc.option(bytes),
};

/** A whole message as reading gives it: what the version lacks has its default. */
export function arbitraryMessage(shape: Shape, version: number): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(shape).map(([name, { declaration }]): [string, fc.Arbitrary<unknown>] => {
    if (!includesVersion(declaration.versions, version)) return [name, fc.constant(defaultOf(declaration))];
    const value = arbitraryValue(declaration.type, version);
    const nullable = declaration.nullable !== null && includesVersion(declaration.nullable, version);
    const usual = nullable ? fc.option(value) : value;
    const omitted = defaultOf(declaration);
    const canBeDefault = declaration.default !== undefined && (omitted !== null || nullable);
    return [name, canBeDefault ? fc.oneof(usual, fc.constant(omitted)) : usual];
  });
  return fc.record(Object.fromEntries(fields));
}

function arbitraryValue(type: FieldType, version: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'struct':
      return arbitraryMessage(type.shape, version);
    case 'array':
      return fc.array(arbitraryValue(type.element, version), { maxLength: 3 });
    default:
      return PRIMITIVES[type.kind]!;
  }
}

function defaultOf({ default: value, nullable, type }: Shape[string]['declaration']): unknown {
  if (value !== undefined) return value;
  if (nullable !== null) return null;
  if (type.kind === 'array') return [];
  if (type.kind === 'struct') {
    return Object.fromEntries(Object.entries(type.shape).map(([name, field]) => [name, defaultOf(field.declaration)]));
  }
  return ZEROES[type.kind];
}
