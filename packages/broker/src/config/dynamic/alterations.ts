import { OttlaError } from '@ottla/protocol';
import { contradictions } from '../contradictions';
import { nearest } from '../nearest';
import {
  type BrokerConfig,
  brokerSettings,
  expectationOf,
  isSettingName,
  parseSetting,
  type SettingName,
  settingNamed,
} from '../schema';
import { isTopicSetting, topicConfig, topicSettings, unknownTopicSetting } from '../topic-settings';
import { layered } from './dynamic-config';

/** Overrides of a resource's settings as they are stored. */
export type Overrides = Readonly<Record<string, string>>;

/** A change of one override: its value, or items that a list gains or loses (KIP-339). */
export type ConfigChange =
  | { readonly operation: 'set' | 'append' | 'subtract'; readonly name: string; readonly value: string }
  | { readonly operation: 'delete'; readonly name: string };

/** What a setting has without the override that is being changed. */
interface Table {
  /** The setting that takes this name's values. @throws OttlaError when there is none, or it can't be changed here. */
  settingOf(name: string): SettingName;
  inherited(name: string): string;
}

/** The changes that leave a resource with these overrides and no others. */
export function replacing(present: Overrides, wanted: ReadonlyMap<string, string>): ConfigChange[] {
  const gone = Object.keys(present).filter((name) => !wanted.has(name));
  const changes: ConfigChange[] = gone.map((name) => ({ operation: 'delete', name }));
  for (const [name, value] of wanted) changes.push({ operation: 'set', name, value });
  return changes;
}

/**
 * A topic's overrides after the changes. `broker` has the values of what isn't overridden.
 * @throws OttlaError INVALID_CONFIG, naming the setting, its value and what is allowed.
 */
export function alterTopicConfigs(
  broker: BrokerConfig,
  present: Overrides,
  changes: readonly ConfigChange[],
): Record<string, string> {
  return alter(present, changes, {
    settingOf(name) {
      if (!isTopicSetting(name)) throw unknownTopicSetting(name);
      return topicSettings[name];
    },
    inherited(name) {
      if (!isTopicSetting(name)) throw unknownTopicSetting(name);
      return settingNamed(topicSettings[name]).kind.format(topicConfig(broker, {})[name]);
    },
  });
}

/**
 * The overrides of one broker, or of all (`broker` null), after the changes. `config` has this broker's settings as they
 * are: a change of its own or of all must not contradict them.
 * @throws OttlaError INVALID_CONFIG, naming the setting, its value and what is allowed; INVALID_REQUEST when it can't be
 *   changed while brokers run.
 */
export function alterBrokerConfigs(
  config: BrokerConfig,
  broker: number | null,
  present: Overrides,
  changes: readonly ConfigChange[],
): Record<string, string> {
  const altered = alter(present, changes, {
    settingOf: (name) => changeableSetting(name, broker),
    inherited: (name) =>
      settingNamed(changeableSetting(name, broker)).kind.format(inheritedValue(config, name, broker)),
  });
  if (broker === null || broker === config['node.id']) requireNoContradiction(config, broker, altered);
  return altered;
}

function alter(present: Overrides, changes: readonly ConfigChange[], table: Table): Record<string, string> {
  const altered: Record<string, string> = { ...present };
  for (const change of changes) {
    const { name } = change;
    // What an older version left can be deleted whatever it is.
    if (change.operation === 'delete' && name in present) delete altered[name];
    else {
      const setting = table.settingOf(name);
      if (change.operation !== 'delete') altered[name] = changed(altered[name], change, setting, table);
    }
  }
  return altered;
}

function changed(
  present: string | undefined,
  change: Exclude<ConfigChange, { operation: 'delete' }>,
  setting: SettingName,
  table: Table,
): string {
  const { name, operation, value } = change;
  if (operation === 'set') return checked(name, value, setting);
  if (settingNamed(setting).kind.type !== 'list') {
    throw new OttlaError('INVALID_CONFIG', `${name} is not a list: set it, there is nothing to ${operation}`);
  }
  const items = itemsOf(present ?? table.inherited(name));
  const given = itemsOf(value);
  const result =
    operation === 'append'
      ? [...items, ...given.filter((item) => !items.includes(item))]
      : items.filter((item) => !given.includes(item));
  return checked(name, result.join(','), setting);
}

/** In the form in which it is stored. */
function checked(name: string, value: string, setting: SettingName): string {
  const parsed = parseSetting(setting, value);
  if (parsed !== null) return settingNamed(setting).kind.format(parsed.value);
  throw new OttlaError('INVALID_CONFIG', `${name} is ${JSON.stringify(value)}: expected ${expectationOf(setting)}`);
}

function itemsOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function changeableSetting(name: string, broker: number | null): SettingName {
  if (!isSettingName(name)) {
    const close = nearest(name, Object.keys(brokerSettings));
    const advice = close === null ? '`ottla config --help` lists the settings' : `did you mean ${close}?`;
    throw new OttlaError('INVALID_CONFIG', `unknown setting ${name}: ${advice}`);
  }
  const { update } = settingNamed(name);
  if (update === 'read-only') {
    const way = 'set it where the broker is started (file, environment or --set), and restart the broker';
    throw new OttlaError('INVALID_REQUEST', `${name} can't be changed while the broker runs: ${way}`);
  }
  if (update === 'cluster-wide' && broker !== null) {
    const way = 'alter it for all brokers, by leaving the broker out (--entity-default in kafka-configs)';
    throw new OttlaError('INVALID_REQUEST', `${name} has to be the same on all brokers: ${way}`);
  }
  return name;
}

function inheritedValue({ layers }: BrokerConfig, name: string, broker: number | null): unknown {
  const setting = name as SettingName;
  if (broker !== null && layers.ofCluster.has(setting)) return layers.ofCluster.get(setting);
  return layers.started[setting];
}

function requireNoContradiction(config: BrokerConfig, broker: number | null, altered: Overrides): void {
  const layer = new Map<SettingName, unknown>();
  for (const [name, text] of Object.entries(altered)) {
    const parsed = isSettingName(name) ? parseSetting(name, text) : null;
    if (parsed !== null) layer.set(name as SettingName, parsed.value);
  }
  const { ofBroker, ofCluster } = config.layers;
  const started = { ...config, ...config.layers.started };
  const found = contradictions(
    layered(started, broker === null ? ofBroker : layer, broker === null ? layer : ofCluster),
  );
  if (found.length > 0) throw new OttlaError('INVALID_CONFIG', found.join('; '));
}
