import { OttlaError } from '@ottla/protocol';
import * as z from 'zod/mini';
import { clusterSettings, groupSettings } from './cluster-settings';
import { contradictions } from './contradictions';
import { logSettings } from './log-settings';
import { nearest } from './nearest';
import { networkSettings } from './network-settings';
import type { Setting, ValuesOf } from './setting';

/** Every setting of a broker. Names are Kafka's where Kafka has the setting. */
export const brokerSettings = { ...clusterSettings, ...networkSettings, ...logSettings, ...groupSettings };

export type BrokerValues = ValuesOf<typeof brokerSettings>;
export type SettingName = keyof BrokerValues;

/** Where a value came from, as a reader would look for it: 'file /etc/ottla.json', 'environment OTTLA_NODE_ID', ... */
export interface Origin {
  readonly kind: 'file' | 'environment' | 'flag' | 'program';
  readonly where: string;
}

/** A broker's settings by name, every one present, and where those that are not defaults came from. */
export type BrokerConfig = BrokerValues & {
  readonly origins: ReadonlyMap<SettingName, Origin>;
  readonly layers: ConfigLayers;
};

/** What a broker's values were chosen from: the first layer that has a setting wins; without any it has its default. */
export interface ConfigLayers {
  /** Changed while the broker runs, for it alone. */
  readonly ofBroker: ReadonlyMap<SettingName, unknown>;
  /** Changed while brokers run, for all of them. */
  readonly ofCluster: ReadonlyMap<SettingName, unknown>;
  /** What the broker was started with, defaults included. */
  readonly started: BrokerValues;
}

/** One value as given, not yet checked. */
export interface Given {
  readonly name: string;
  readonly value: unknown;
  readonly origin: Origin;
}

const schema = z.partial(z.object(mapValues(brokerSettings, (setting) => setting.kind.schema)));

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(brokerSettings, name);
}

export function settingNamed(name: SettingName): Setting<unknown> {
  return brokerSettings[name] as Setting<unknown>;
}

/** Settings from values in a program. Throws INVALID_CONFIG, naming everything that is wrong. */
export function brokerConfig(values: Readonly<Partial<Record<SettingName, unknown>>> = {}): BrokerConfig {
  const origin: Origin = { kind: 'program', where: 'program' };
  return checkedConfig(Object.entries(values).map(([name, value]) => ({ name, value, origin })));
}

/** Checks values, of which later ones win, and fills in the defaults. Throws INVALID_CONFIG, naming everything that is wrong. */
export function checkedConfig(given: readonly Given[], faults: readonly string[] = []): BrokerConfig {
  const problems = [...faults];
  const chosen = new Map<SettingName, Given>();
  for (const item of given) {
    if (isSettingName(item.name)) chosen.set(item.name, item);
    else problems.push(unknownSetting(item));
  }
  const parsed = z.safeParse(schema, Object.fromEntries([...chosen].map(([name, item]) => [name, item.value])));
  if (!parsed.success) {
    const wrong = new Set(parsed.error.issues.map((issue) => issue.path[0] as SettingName));
    problems.push(...[...wrong].map((name) => wrongValue(chosen.get(name)!, name)));
  }
  if (problems.length > 0 || !parsed.success) throw invalid(problems);
  const defaults = mapValues(brokerSettings, (setting) => setting.default);
  const values = { ...defaults, ...parsed.data } as BrokerValues;
  const clashes = contradictions(values);
  if (clashes.length > 0) throw invalid(clashes);
  const origins = new Map([...chosen].map(([name, item]) => [name, item.origin]));
  return { ...values, origins, layers: { ofBroker: new Map(), ofCluster: new Map(), started: values } };
}

/** One value, from JSON or from text; null when the setting doesn't take it. */
export function parseSetting(name: SettingName, value: unknown): { readonly value: unknown } | null {
  const parsed = z.safeParse(settingNamed(name).kind.schema, value);
  return parsed.success ? { value: parsed.data } : null;
}

/** Completes "expected ...". */
export function expectationOf(name: SettingName): string {
  const { kind } = settingNamed(name);
  return kind.unit === null ? kind.expects : `${kind.expects} (${kind.unit})`;
}

function invalid(problems: readonly string[]): OttlaError {
  return new OttlaError(
    'INVALID_CONFIG',
    `the configuration is not valid:\n${problems.map((p) => `  ${p}`).join('\n')}`,
  );
}

function unknownSetting(item: Given): string {
  const close = nearest(item.name, Object.keys(brokerSettings));
  const advice = close === null ? '`ottla config --help` lists them' : `did you mean ${close}?`;
  return `unknown setting ${item.name} (${item.origin.where}): ${advice}`;
}

function wrongValue(item: Given, name: SettingName): string {
  return `${item.name} is ${JSON.stringify(item.value)} (${item.origin.where}): expected ${expectationOf(name)}`;
}

function mapValues<T extends object, R>(of: T, map: (value: Setting<unknown>) => R): { [K in keyof T]: R } {
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, map(value)])) as { [K in keyof T]: R };
}
