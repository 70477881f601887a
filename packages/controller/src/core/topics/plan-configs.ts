import {
  ALL_BROKERS,
  type ClusterImage,
  type ClusterKeys,
  configRecordCodec,
  type TopicRecord,
  topicRecordCodec,
} from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import { absentGuard, topicGuard } from '../txn/guards';
import { type PlannedTxn, planTxn, Urgency } from '../txn/planned-txn';
import type { ConfigEdit } from './topic-requests';

/** One transaction, guarded by the overrides as they were read; it writes nothing when nothing differs. */
export interface ConfigPlan {
  readonly key: string;
  readonly configs: Readonly<Record<string, string>>;
  readonly transaction: PlannedTxn;
}

/** @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, and what `edit` throws. */
export function planTopicConfigs(image: ClusterImage, keys: ClusterKeys, name: string, edit: ConfigEdit): ConfigPlan {
  const topic = image.topics.get(name);
  if (topic === undefined) throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic '${name}' does not exist`);
  const configs = edit(topic.value.configs);
  const key = keys.topic(name);
  const record: TopicRecord = { ...topic.value, configs: { ...configs } };
  const change = {
    reason: `topic ${name}: configs ${describe(configs)}`,
    urgency: Urgency.SETTINGS,
    compare: [topicGuard(keys, topic)],
    success: isSame(configs, topic.value.configs)
      ? []
      : [{ type: 'put' as const, key, value: topicRecordCodec.encode(record) }],
  };
  return { key, configs, transaction: planTxn([change]) };
}

/** The settings of one broker, or with null of all. Throws what `edit` throws. */
export function planBrokerConfigs(
  image: ClusterImage,
  keys: ClusterKeys,
  broker: number | null,
  edit: ConfigEdit,
): ConfigPlan {
  const name = broker === null ? ALL_BROKERS : String(broker);
  const key = keys.config('brokers', name);
  const present = image.configs.get(`brokers/${name}`);
  const configs = edit(present?.value.configs ?? {});
  const isUnchanged = isSame(configs, present?.value.configs ?? {});
  const record = { ...(present?.value ?? { version: 1 as const }), configs: { ...configs } };
  const change = {
    reason: `${broker === null ? 'all brokers' : `broker ${broker}`}: configs ${describe(configs)}`,
    urgency: Urgency.SETTINGS,
    compare: [present === undefined ? absentGuard(key) : { key, target: 'mod' as const, equals: present.modRevision }],
    success: isUnchanged ? [] : [{ type: 'put' as const, key, value: configRecordCodec.encode(record) }],
  };
  return { key, configs, transaction: planTxn([change]) };
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function describe(configs: Readonly<Record<string, string>>): string {
  const entries = Object.entries(configs).map(([name, value]) => `${name}=${value}`);
  return entries.length === 0 ? 'none' : entries.join(', ');
}
