import type { ValueType } from '../config/kinds';
import { type BrokerConfig, brokerSettings, type SettingName, settingNamed } from '../config/schema';
import { documentation } from '../config/setting';
import { topicConfig, topicSettingNames, topicSettings } from '../config/topic-settings';

/** Where a value comes from, by Kafka's numbers (KIP-226). */
export const ConfigSource = { TOPIC: 1, BROKER: 2, ALL_BROKERS: 3, STATIC_BROKER: 4, DEFAULT: 5 } as const;

/** Types of values, by Kafka's numbers (KIP-569). */
const TYPES: Readonly<Record<ValueType, number>> = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 };

/** One setting of a resource as DescribeConfigs and CreateTopics answer it. */
export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  /** The values that it has had the choice of, the effective one first. */
  readonly synonyms: { name: string; value: string; source: number }[];
  readonly configType: number;
  readonly documentation: string;
}

/** The effective settings of a topic. */
export function describeTopicConfigs(broker: BrokerConfig, configs: Readonly<Record<string, string>>): ConfigEntry[] {
  const effective = topicConfig(broker, configs);
  return topicSettingNames.map((name) => {
    const source = topicSettings[name];
    const { kind } = settingNamed(source);
    const own = Object.hasOwn(configs, name);
    const value = kind.format(effective[name]);
    const inherited = brokerSynonyms(broker, source);
    const synonyms = own ? [{ name, value, source: ConfigSource.TOPIC }, ...inherited] : inherited;
    return entry(name, value, false, synonyms, source);
  });
}

/** The settings of this broker; those that can't be changed while it runs are read-only. */
export function describeBrokerConfigs(broker: BrokerConfig): ConfigEntry[] {
  return (Object.keys(brokerSettings) as SettingName[]).map((name) => {
    const setting = settingNamed(name);
    const value = setting.kind.format(broker[name]);
    return entry(name, value, setting.update === 'read-only', brokerSynonyms(broker, name), name);
  });
}

/** What was changed for all brokers while they run; nothing else is known of all of them. */
export function describeClusterConfigs({ layers }: BrokerConfig): ConfigEntry[] {
  return [...layers.ofCluster].map(([name, stored]) => {
    const value = settingNamed(name).kind.format(stored);
    return entry(name, value, false, [{ name, value, source: ConfigSource.ALL_BROKERS }], name);
  });
}

function brokerSynonyms({ layers, origins }: BrokerConfig, name: SettingName): ConfigEntry['synonyms'] {
  const setting = settingNamed(name);
  const synonym = (value: unknown, source: number) => ({ name, value: setting.kind.format(value), source });
  const { ofBroker, ofCluster, started } = layers;
  return [
    ...(ofBroker.has(name) ? [synonym(ofBroker.get(name), ConfigSource.BROKER)] : []),
    ...(ofCluster.has(name) ? [synonym(ofCluster.get(name), ConfigSource.ALL_BROKERS)] : []),
    ...(origins.has(name) ? [synonym(started[name], ConfigSource.STATIC_BROKER)] : []),
    synonym(setting.default, ConfigSource.DEFAULT),
  ];
}

function entry(
  name: string,
  value: string,
  readOnly: boolean,
  synonyms: ConfigEntry['synonyms'],
  documentedAs: SettingName,
): ConfigEntry {
  const setting = settingNamed(documentedAs);
  return {
    name,
    value,
    readOnly,
    configSource: synonyms[0]!.source,
    isSensitive: false,
    synonyms,
    configType: TYPES[setting.kind.type],
    documentation: documentation(setting),
  };
}
