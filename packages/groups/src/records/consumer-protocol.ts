import { dataSchema, f, OttlaError } from '@ottla/protocol';
import { type Group, metadataFor } from '../group';

/** `protocol.type` of groups of consumers, whose members exchange the messages below. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/** What a consumer subscribes to. Version 1 adds its partitions (KIP-429); 2 its generation (KIP-792); 3 its rack (KIP-881). */
export const consumerProtocolSubscription = dataSchema({
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  newer: 'read-as-latest',
  fields: {
    topics: f.array('0+', 'string'),
    userData: f.bytes('0+').nullable('0+').default(null),
    ownedPartitions: f.array('1+', {
      topic: f.string('0+'),
      partitions: f.array('0+', 'int32'),
    }),
    generationId: f.int32('2+').default(-1),
    rackId: f.string('3+').nullable('3+').default(null),
  },
});

/** What a consumer is assigned. */
export const consumerProtocolAssignment = dataSchema({
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  newer: 'read-as-latest',
  fields: {
    assignedPartitions: f.array('0+', {
      topic: f.string('0+'),
      partitions: f.array('0+', 'int32'),
    }),
    userData: f.bytes('0+').nullable('0+').default(null),
  },
});

/** What all versions of a subscription begin with: enough to know the topics, whatever version a client speaks. */
const subscriptionPrefix = dataSchema({
  name: 'ConsumerProtocolSubscription',
  versions: '0',
  newer: 'read-as-latest',
  fields: {
    topics: f.array('0+', 'string'),
  },
});

/** The topics that the members subscribe to; null when they are no consumers, or what they say can't be read. */
export function subscribedTopicsOf(group: Group): ReadonlySet<string> | null {
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) return null;
  const topics = new Set<string>();
  for (const member of group.members.values()) {
    const subscription = readTopics(metadataFor(member, group.protocolName));
    if (subscription === null) return null;
    for (const topic of subscription) topics.add(topic);
  }
  return topics;
}

function readTopics(metadata: Uint8Array): readonly string[] | null {
  try {
    return subscriptionPrefix.read(metadata).message.topics;
  } catch (error) {
    // Clients may exchange what they like; the coordinator then doesn't know their topics, and expires no offsets.
    if (error instanceof OttlaError) return null;
    throw error;
  }
}
