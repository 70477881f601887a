import type { ClusterImage, TopicRecord } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { imageWhen } from '../image-wait';

/** Where consumer groups and their committed offsets are kept. */
export const OFFSETS_TOPIC = '__consumer_offsets';
/** Kafka's other internal topics. They can't come into being by accident. */
const RESERVED = new Set(['__transaction_state', '__share_group_state', '__cluster_metadata']);
const NAME = /^[a-zA-Z0-9._-]{1,249}$/;

export function isInternalTopic(name: string): boolean {
  return name === OFFSETS_TOPIC || RESERVED.has(name);
}

/** Throws INVALID_TOPIC_EXCEPTION for a name that no topic can have. */
export function requireTopicName(name: string): void {
  if (NAME.test(name) && name !== '.' && name !== '..') return;
  throw new OttlaError(
    'INVALID_TOPIC_EXCEPTION',
    `${JSON.stringify(name.slice(0, 300))} can't be the name of a topic: it takes 1 to 249 letters, digits, dots, underscores or dashes, and not . or ..`,
  );
}

/** Creates a topic that a client asked about. Resolves when this broker's image has it, with all its leaders. */
export async function autoCreateTopic(services: BrokerServices, name: string): Promise<TopicRecord> {
  if (name === OFFSETS_TOPIC) return ensureOffsetsTopic(services);
  if (RESERVED.has(name)) {
    throw new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', `${name} is a reserved name and is not created on demand`);
  }
  const { config } = services;
  const timeoutMs = config['topic.creation.timeout.ms'];
  const replicationFactor = await grownReplicationFactor(services, config['default.replication.factor'], timeoutMs);
  const request = { name, partitions: config['num.partitions'], replicationFactor };
  return services.topics.ensureTopic(request, { timeoutMs });
}

/** `__consumer_offsets`, created now if there is none. */
export async function ensureOffsetsTopic(services: BrokerServices): Promise<TopicRecord> {
  const known = services.image().topics.get(OFFSETS_TOPIC);
  if (known !== undefined) return known.value;
  const { config } = services;
  const timeoutMs = config['topic.creation.timeout.ms'];
  const wanted = config['offsets.topic.replication.factor'];
  const request = {
    name: OFFSETS_TOPIC,
    partitions: config['offsets.topic.num.partitions'],
    replicationFactor: await grownReplicationFactor(services, wanted, timeoutMs),
    internal: true,
    configs: {
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': String(config['offsets.topic.segment.bytes']),
    },
  };
  return services.topics.ensureTopic(request, { timeoutMs });
}

/**
 * How many replicas a topic gets that should have `wanted`: no more than the cluster has brokers, and no fewer because some
 * have not started yet. Throws LEADER_NOT_AVAILABLE when the brokers that are expected don't come within `timeoutMs`.
 */
export async function grownReplicationFactor(
  services: BrokerServices,
  wanted: number,
  timeoutMs: number,
): Promise<number> {
  const expected = services.config['cluster.expected.brokers'];
  const needed = Math.min(wanted, expected);
  const image = await imageWhen(services, (current) => activeBrokers(current) >= needed, timeoutMs);
  if (image !== null) return Math.min(wanted, Math.max(expected, activeBrokers(image)));
  const present = activeBrokers(services.image());
  throw new OttlaError(
    'LEADER_NOT_AVAILABLE',
    `${needed} replicas need ${needed} brokers, ${present} of the ${expected} in cluster.expected.brokers have come within ${timeoutMs} ms: start the others`,
  );
}

function activeBrokers(image: ClusterImage): number {
  let count = 0;
  for (const { value } of image.brokers.values()) if (value.state === 'active') count += 1;
  return count;
}
