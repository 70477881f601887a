/** The layout of one cluster's keys. All begin with `prefix`. */
export interface ClusterKeys {
  readonly clusterId: string;
  /** `/ottla/<cluster>/`. */
  readonly prefix: string;
  generation(): string;
  broker(id: number): string;
  brokers(): string;
  controller(): string;
  topic(name: string): string;
  topics(): string;
  partition(topicId: string, partition: number): string;
  /** Prefix of all partitions, or of one topic's. */
  partitions(topicId?: string): string;
  deletion(topicId: string): string;
  deletions(): string;
  producerIds(): string;
  /** Dynamic settings of a resource, e.g. ('brokers', '1'). */
  config(resourceType: string, name: string): string;
  configs(): string;
}

export type ParsedKey =
  | { readonly kind: 'generation' | 'controller' | 'producer-ids' }
  | { readonly kind: 'broker'; readonly broker: number }
  | { readonly kind: 'topic'; readonly name: string }
  | { readonly kind: 'partition'; readonly topicId: string; readonly partition: number }
  | { readonly kind: 'deletion'; readonly topicId: string }
  | { readonly kind: 'config'; readonly resourceType: string; readonly name: string };

/** @throws OttlaError INVALID_REQUEST when the id is empty or has characters other than letters, digits, `.`, `_`, `-`. */
export function keysFor(clusterId: string): ClusterKeys {
  const prefix = `/ottla/${clusterId}/`;
  return {
    clusterId,
    prefix,
    generation: () => `${prefix}generation`,
    broker: (id) => `${prefix}brokers/${id}`,
    brokers: () => `${prefix}brokers/`,
    controller: () => `${prefix}controller`,
    topic: (name) => `${prefix}topics/${name}`,
    topics: () => `${prefix}topics/`,
    partition: (topicId, partition) => `${prefix}partitions/${topicId}/${partition}`,
    partitions: (topicId) => (topicId === undefined ? `${prefix}partitions/` : `${prefix}partitions/${topicId}/`),
    deletion: (topicId) => `${prefix}deletions/${topicId}`,
    deletions: () => `${prefix}deletions/`,
    producerIds: () => `${prefix}producer-ids`,
    config: (resourceType, name) => `${prefix}configs/${resourceType}/${name}`,
    configs: () => `${prefix}configs/`,
  };
}

/** What a key of this cluster names; null for one that this build doesn't know. */
export function parseKey(_keys: ClusterKeys, _key: string): ParsedKey | null {
  throw new Error('being written');
}
