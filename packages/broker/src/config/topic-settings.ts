import { OttlaError } from '@ottla/protocol';
import { nearest } from './nearest';
import {
  type BrokerConfig,
  type BrokerValues,
  expectationOf,
  parseSetting,
  type SettingName,
  settingNamed,
} from './schema';

/** The settings that a topic can have of its own, and the broker's settings that are their defaults. */
export const topicSettings = {
  'cleanup.policy': 'log.cleanup.policy',
  'compression.type': 'compression.type',
  'delete.retention.ms': 'log.cleaner.delete.retention.ms',
  'file.delete.delay.ms': 'log.segment.delete.delay.ms',
  'flush.messages': 'log.flush.interval.messages',
  'flush.ms': 'log.flush.interval.ms',
  'follower.replication.throttled.replicas': 'follower.replication.throttled.replicas',
  'index.interval.bytes': 'log.index.interval.bytes',
  'leader.replication.throttled.replicas': 'leader.replication.throttled.replicas',
  'max.compaction.lag.ms': 'log.cleaner.max.compaction.lag.ms',
  'max.message.bytes': 'message.max.bytes',
  'message.timestamp.after.max.ms': 'log.message.timestamp.after.max.ms',
  'message.timestamp.type': 'log.message.timestamp.type',
  'min.cleanable.dirty.ratio': 'log.cleaner.min.cleanable.ratio',
  'min.compaction.lag.ms': 'log.cleaner.min.compaction.lag.ms',
  'min.insync.replicas': 'min.insync.replicas',
  'retention.bytes': 'log.retention.bytes',
  'retention.ms': 'log.retention.ms',
  'segment.bytes': 'log.segment.bytes',
  'segment.index.bytes': 'log.index.size.max.bytes',
  'segment.ms': 'log.roll.ms',
  'unclean.leader.election.enable': 'unclean.leader.election.enable',
} as const satisfies Record<string, SettingName>;

export type TopicSettingName = keyof typeof topicSettings;

/** The effective settings of a topic: its own over the broker's. */
export type TopicConfig = { readonly [N in TopicSettingName]: BrokerValues[(typeof topicSettings)[N]] };

export const topicSettingNames = Object.keys(topicSettings) as TopicSettingName[];

const cache = new WeakMap<BrokerConfig, WeakMap<Readonly<Record<string, string>>, TopicConfig>>();

/**
 * What a topic's configs, as the store holds them, come to on this broker. A value that no longer parses gives way to
 * the default. Remembered for as long as the two objects live, which don't change.
 */
export function topicConfig(broker: BrokerConfig, configs: Readonly<Record<string, string>>): TopicConfig {
  const known = cache.get(broker) ?? new WeakMap<Readonly<Record<string, string>>, TopicConfig>();
  cache.set(broker, known);
  const config = known.get(configs) ?? effectiveConfig(broker, configs);
  known.set(configs, config);
  return config;
}

function effectiveConfig(broker: BrokerConfig, configs: Readonly<Record<string, string>>): TopicConfig {
  const values = topicSettingNames.map((name) => {
    const own = Object.hasOwn(configs, name) ? parseSetting(topicSettings[name], configs[name]) : null;
    return [name, own === null ? broker[topicSettings[name]] : own.value];
  });
  return Object.fromEntries(values) as TopicConfig;
}

/**
 * Checks the configs that a topic is to get. Answers them in the form in which they are stored; throws INVALID_CONFIG
 * for an unknown name or a value that the setting doesn't take.
 */
export function checkTopicConfigs(
  configs: Iterable<readonly [name: string, value: string | null]>,
): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of configs) {
    if (!isTopicSetting(name)) throw unknownTopicSetting(name);
    const parsed = value === null ? null : parseSetting(topicSettings[name], value);
    if (parsed === null) {
      const expected = expectationOf(topicSettings[name]);
      throw new OttlaError('INVALID_CONFIG', `${name} is ${JSON.stringify(value)}: expected ${expected}`);
    }
    checked[name] = settingNamed(topicSettings[name]).kind.format(parsed.value);
  }
  return checked;
}

export function isTopicSetting(name: string): name is TopicSettingName {
  return Object.hasOwn(topicSettings, name);
}

export function unknownTopicSetting(name: string): OttlaError {
  const close = nearest(name, topicSettingNames);
  const advice = close === null ? `a topic has ${topicSettingNames.join(', ')}` : `did you mean ${close}?`;
  return new OttlaError('INVALID_CONFIG', `unknown topic config ${name}: ${advice}`);
}
