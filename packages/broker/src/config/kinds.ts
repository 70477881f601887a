import * as z from 'zod/mini';

/** Types of values as DescribeConfigs names them (KIP-569). */
export type ValueType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list';

/** What values a setting takes, from JSON or from text. */
export interface Kind<T> {
  readonly type: ValueType;
  readonly unit: string | null;
  /** Completes "expected ...", for error messages and documentation. */
  readonly expects: string;
  readonly schema: z.ZodMiniType<T, unknown>;
  /** The value as Kafka's tools print it. */
  format(value: T): string;
}

/** A listener as Kafka writes it, `NAME://host:port`; an empty host means every interface. */
export interface ListenerAddress {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export const INT_MAX = 2147483647;
/** Stands for Java's Long.MAX_VALUE, which a number can't hold. */
export const LONG_MAX = Number.MAX_SAFE_INTEGER;
const JAVA_LONG_MAX = '9223372036854775807';

interface Range {
  readonly min?: number;
  readonly max?: number;
}

function formatLong(value: number): string {
  return value >= LONG_MAX ? JAVA_LONG_MAX : String(value);
}

function numberOf(raw: unknown): unknown {
  if (typeof raw === 'number') return raw > LONG_MAX ? LONG_MAX : raw;
  if (typeof raw !== 'string' || !/^\s*[+-]?\d+(\.\d+)?\s*$/.test(raw)) return raw;
  return Math.min(Number(raw), LONG_MAX);
}

function whole(type: 'int' | 'long', unit: string | null, range: Range): Kind<number> {
  const min = range.min ?? (type === 'int' ? -INT_MAX - 1 : -LONG_MAX);
  const max = range.max ?? (type === 'int' ? INT_MAX : LONG_MAX);
  const limits = max >= LONG_MAX ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    type,
    unit,
    expects: `a whole number ${limits}`,
    schema: z.pipe(z.pipe(z.unknown(), z.transform(numberOf)), z.int().check(z.gte(min), z.lte(max))),
    format: formatLong,
  };
}

export const int = (unit: string | null, range: Range = {}): Kind<number> => whole('int', unit, range);
export const long = (unit: string | null, range: Range = {}): Kind<number> => whole('long', unit, range);

export function double(range: Required<Range>): Kind<number> {
  return {
    type: 'double',
    unit: null,
    expects: `a number from ${range.min} to ${range.max}`,
    schema: z.pipe(z.pipe(z.unknown(), z.transform(numberOf)), z.number().check(z.gte(range.min), z.lte(range.max))),
    format: String,
  };
}

const TRUTH: Readonly<Record<string, boolean>> = { true: true, false: false };

export const boolean: Kind<boolean> = {
  type: 'boolean',
  unit: null,
  expects: 'true or false',
  schema: z.pipe(
    z.pipe(
      z.unknown(),
      z.transform((raw) => (typeof raw === 'string' ? (TRUTH[raw.trim().toLowerCase()] ?? raw) : raw)),
    ),
    z.boolean(),
  ),
  format: String,
};

export function text(expects: string, pattern: RegExp): Kind<string> {
  return { type: 'string', unit: null, expects, schema: z.string().check(z.regex(pattern)), format: (value) => value };
}

/** Text that may be left out: empty text and null are the same. */
export function optionalText(expects: string, pattern: RegExp): Kind<string | null> {
  return {
    type: 'string',
    unit: null,
    expects: `${expects}, or nothing`,
    schema: z.pipe(
      z.pipe(
        z.unknown(),
        z.transform((raw) => (raw === '' ? null : raw)),
      ),
      z.nullable(z.string().check(z.regex(pattern))),
    ),
    format: (value) => value ?? '',
  };
}

export function oneOf<const V extends string>(...values: readonly [V, ...V[]]): Kind<V> {
  const byLowerCase = new Map(values.map((value) => [value.toLowerCase(), value]));
  return {
    type: 'string',
    unit: null,
    expects: values.length === 1 ? `"${values[0]}"` : `one of ${values.join(', ')}`,
    schema: z.pipe(
      z.pipe(
        z.unknown(),
        z.transform((raw) => (typeof raw === 'string' ? (byLowerCase.get(raw.trim().toLowerCase()) ?? raw) : raw)),
      ),
      z.enum(values),
    ),
    format: (value) => value,
  };
}

function listOf(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  return raw.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
}

export function list(expects: string, each: RegExp, length: Range = {}): Kind<readonly string[]> {
  const { min = 0, max = INT_MAX } = length;
  return {
    type: 'list',
    unit: null,
    expects,
    schema: z.pipe(
      z.pipe(z.unknown(), z.transform(listOf)),
      z.array(z.string().check(z.regex(each))).check(z.minLength(min), z.maxLength(max)),
    ),
    format: (value) => value.join(','),
  };
}

/** A list of items that have a text form of their own. `parse` answers null for text that isn't one. */
function parsedList<T>(expects: string, parse: (item: string) => T | null, print: (item: T) => string) {
  const schema = z.pipe(
    z.pipe(z.pipe(z.unknown(), z.transform(listOf)), z.array(z.string())),
    z.transform((items: string[], context): readonly T[] => {
      const parsed = items.map(parse);
      if (parsed.includes(null)) context.issues.push({ code: 'custom', message: expects, input: items });
      return parsed.filter((item): item is Awaited<T> & {} => item !== null);
    }),
  );
  const kind: Kind<readonly T[]> = {
    type: 'list',
    unit: null,
    expects,
    schema,
    format: (value) => value.map(print).join(','),
  };
  return kind;
}

export function formatHostPort(address: HostPort): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/** Reads `host:port` and `[::1]:port`; null when the text is neither. */
export function parseHostPort(value: string): HostPort | null {
  const match = /^(?:\[([0-9a-fA-F:.%\w]*)\]|([^\s:[\]/]*)):(\d{1,5})$/.exec(value.trim());
  if (match === null) return null;
  const port = Number(match[3]);
  return port > 65535 ? null : { host: match[1] ?? match[2] ?? '', port };
}

function parseListener(value: string): ListenerAddress | null {
  const match = /^([A-Za-z0-9_-]+):\/\/(.*)$/.exec(value);
  const address = match === null ? null : parseHostPort(match[2]!);
  return address === null ? null : { name: match![1]!.toUpperCase(), ...address };
}

export const listeners: Kind<readonly ListenerAddress[]> = parsedList(
  'a list of NAME://host:port, such as PLAINTEXT://0.0.0.0:9092',
  parseListener,
  (listener) => `${listener.name}://${formatHostPort(listener)}`,
);

export const hostPorts: Kind<readonly HostPort[]> = parsedList(
  'a list of host:port, such as 127.0.0.1:2379',
  (value) => parseHostPort(value.replace(/^http:\/\//, '').replace(/\/$/, '')),
  formatHostPort,
);

const hostPortText = 'host:port, such as 127.0.0.1:9644 (port 0 takes any free port)';

function parsedHostPort(value: string, context: { issues: unknown[] }): HostPort {
  const parsed = parseHostPort(value);
  if (parsed === null) context.issues.push({ code: 'custom', message: hostPortText, input: value });
  return parsed ?? { host: '', port: 0 };
}

/** One address to listen on; an empty host means every interface. */
export const hostPort: Kind<HostPort> = {
  type: 'string',
  unit: null,
  expects: hostPortText,
  schema: z.pipe(z.string(), z.transform(parsedHostPort)),
  format: formatHostPort,
};

/** One address, or nothing. */
export const optionalHostPort: Kind<HostPort | null> = {
  type: 'string',
  unit: null,
  expects: `${hostPortText}, or nothing`,
  schema: z.pipe(
    z.nullable(z.string()),
    z.transform((value, context) => (value === null || value === '' ? null : parsedHostPort(value, context))),
  ),
  format: (value) => (value === null ? '' : formatHostPort(value)),
};
