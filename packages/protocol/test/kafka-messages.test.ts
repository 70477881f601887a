import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyApi, apis } from '../src';
import type { FieldType, Shape } from '../src/schema/field';
import { includesVersion, parseVersions, type VersionRange } from '../src/schema/versions';

/** What a version of a message has at one place, as one line. */
type Fact = string;

interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions: VersionRange;
  readonly facts: ReadonlyMap<string, string>;
  readonly fields: KafkaField[];
}

interface KafkaMessage {
  readonly key: number;
  readonly versions: VersionRange;
  readonly flexibleFrom: number;
  readonly fields: KafkaField[];
}

/** Reads Kafka's table of fields: a message at the margin, its fields below, indented. */
function readTable(): Map<string, KafkaMessage> {
  const messages = new Map<string, KafkaMessage>();
  let open: KafkaField[][] = [];
  for (const line of readFileSync(join(__dirname, 'golden', 'kafka-messages.txt'), 'utf8')
    .trimEnd()
    .split('\n')) {
    const depth = line.search(/\S/) / 2;
    const words = line.trim().split(' ');
    if (depth === 0) {
      const [name, kind, key, versions, flexible, unstable] = words as [
        string,
        string,
        string,
        string,
        string,
        string?,
      ];
      const { from, to } = parseVersions(versions);
      const message = {
        key: Number(key),
        versions: { from, to },
        flexibleFrom: parseVersions(flexible).from,
        fields: [],
      };
      messages.set(`${name} ${kind}`, unstable ? { ...message, versions: { from, to: to - 1 } } : message);
      open = [message.fields];
      continue;
    }
    const [name, type, versions, ...facts] = words as [string, string, string, ...string[]];
    const pairs = facts.map((fact) => fact.split('=') as [string, string]);
    const field: KafkaField = { name, type, versions: parseVersions(versions), facts: new Map(pairs), fields: [] };
    open[depth - 1]!.push(field);
    open[depth] = field.fields;
  }
  return messages;
}

function kafkaFacts(fields: KafkaField[], version: number, path: string): Fact[] {
  return fields
    .filter(({ versions }) => includesVersion(versions, version))
    .flatMap(({ name, type, facts, fields: inner }) => {
      const place = `${path}.${name.charAt(0).toLowerCase()}${name.slice(1)}`;
      const kind = inner.length === 0 ? type : type.startsWith('[]') ? '[]struct' : 'struct';
      const nullable = facts.has('nullable') && includesVersion(parseVersions(facts.get('nullable')!), version);
      const fact = describeFact(place, kind, nullable, facts.get('default'), facts.get('tag'));
      return [fact, ...kafkaFacts(inner, version, place)];
    });
}

function ourFacts(shape: Shape, version: number, path: string): Fact[] {
  return Object.entries(shape)
    .filter(([, { declaration }]) => includesVersion(declaration.versions, version))
    .flatMap(([name, { declaration }]) => {
      const place = `${path}.${name}`;
      const { type, nullable, tag } = declaration;
      const known = nullable !== null && includesVersion(nullable, version);
      const fact = describeFact(place, kindOf(type), known, text(declaration.default), text(tag ?? undefined));
      return [fact, ...ourFacts(shapeOf(type), version, place)];
    });
}

function describeFact(place: string, kind: string, nullable: boolean, value?: string, tag?: string): Fact {
  const plain = [undefined, '0', 'false', 'null', ''].includes(value) ? '' : ` default ${Number(value) || value}`;
  return `${place}: ${kind}${nullable ? ' nullable' : ''}${plain}${tag === undefined ? '' : ` tag ${tag}`}`;
}

function text(value: unknown): string | undefined {
  if (value === Number.MAX_SAFE_INTEGER) return '9223372036854775807';
  return value === undefined ? undefined : String(value);
}

function kindOf(type: FieldType): string {
  return type.kind === 'array' ? `[]${type.element.kind}` : type.kind;
}

function shapeOf(type: FieldType): Shape {
  if (type.kind === 'array') return shapeOf(type.element);
  return type.kind === 'struct' ? type.shape : {};
}

describe('declarations against the table of fields in Apache Kafka 4.1', () => {
  const table = readTable();

  it.each(Object.values(apis) as AnyApi[])('$name: has the key, versions and fields that Kafka has', (api) => {
    for (const [kind, schema] of [
      ['request', api.request],
      ['response', api.response],
    ] as const) {
      const kafka = table.get(`${api.name} ${kind}`)!;
      const { versions } = table.get(`${api.name} request`)!;
      const ours = { from: api.minVersion, to: api.maxVersion };
      expect([api.key, ours, api.flexibleFrom]).toEqual([kafka.key, versions, kafka.flexibleFrom]);
      for (let version = api.minVersion; version <= api.maxVersion; version++) {
        expect(ourFacts(schema.shape, version, `v${version}`)).toEqual(
          kafkaFacts(kafka.fields, version, `v${version}`),
        );
      }
    }
  });

  it.each(Object.values(apis) as AnyApi[])(
    '$name: spells "every version" 0+, so that such a field is required',
    (api) => {
      const check = (shape: Shape, around: VersionRange, path: string): void => {
        for (const [name, { declaration }] of Object.entries(shape)) {
          const { from, to } = declaration.versions;
          const always = from <= around.from && to >= around.to;
          if (always) expect([`${path}.${name}`, from, to]).toEqual([`${path}.${name}`, 0, Number.POSITIVE_INFINITY]);
          const inner = { from: Math.max(from, around.from), to: Math.min(to, around.to) };
          check(shapeOf(declaration.type), inner, `${path}.${name}`);
        }
      };
      const served = { from: api.minVersion, to: api.maxVersion };
      check(api.request.shape, served, api.request.name);
      check(api.response.shape, served, api.response.name);
    },
  );
});
