import { OttlaError } from '@ottla/protocol';

/** The layout of one cluster's keys. All begin with `prefix`. */
export interface ClusterKeys {
  readonly clusterId: string;
  /** `/ottla/<cluster>/`. */
  readonly prefix: string;
  generation(): string;
  broker(id: number): string;
  brokers(): string;
  /** In which run a broker registered last. */
  lastRun(broker: number): string;
  controller(): string;
  topic(name: string): string;
  topics(): string;
  partition(topicId: string, partition: number): string;
  /** Prefix of all partitions, or of one topic's. */
  partitions(topicId?: string): string;
  deletion(topicId: string): string;
  deletions(): string;
  producerIds(): string;
  /** Dynamic settings of a resource, e.g. ('brokers', '1') or ('brokers', ALL_BROKERS). */
  config(resourceType: string, name: string): string;
  configs(): string;
}

export type ParsedKey =
  | { readonly kind: 'generation' | 'controller' | 'producer-ids' }
  | { readonly kind: 'broker'; readonly broker: number }
  | { readonly kind: 'last-run'; readonly broker: number }
  | { readonly kind: 'topic'; readonly name: string }
  | { readonly kind: 'partition'; readonly topicId: string; readonly partition: number }
  | { readonly kind: 'deletion'; readonly topicId: string }
  | { readonly kind: 'config'; readonly resourceType: string; readonly name: string };

/** Stands where a broker's id does, for the dynamic settings that all brokers share. */
export const ALL_BROKERS = 'default';

const CLUSTER_ID = /^[A-Za-z0-9._-]{1,255}$/;

/** @throws OttlaError INVALID_CONFIG unless the id consists of 1 to 255 letters, digits, `.`, `_` and `-`. */
export function keysFor(clusterId: string): ClusterKeys {
  if (!CLUSTER_ID.test(clusterId)) {
    throw new OttlaError(
      'INVALID_CONFIG',
      `cluster id ${JSON.stringify(clusterId)}: use 1 to 255 letters, digits, '.', '_' and '-'`,
    );
  }
  const prefix = `/ottla/${clusterId}/`;
  return {
    clusterId,
    prefix,
    generation: () => `${prefix}generation`,
    broker: (id) => `${prefix}brokers/${id}`,
    brokers: () => `${prefix}brokers/`,
    lastRun: (broker) => `${prefix}last-runs/${broker}`,
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
export function parseKey(keys: ClusterKeys, key: string): ParsedKey | null {
  if (!key.startsWith(keys.prefix)) return null;
  const parts = key.slice(keys.prefix.length).split('/');
  if (parts.includes('')) return null;
  const [area, first, second] = parts;
  switch (parts.length) {
    case 1:
      return area === 'generation' || area === 'controller' || area === 'producer-ids' ? { kind: area } : null;
    case 2:
      return parsePair(area!, first!);
    case 3:
      return parseTriple(area!, first!, second!);
    default:
      return null;
  }
}

function parsePair(area: string, name: string): ParsedKey | null {
  if (area === 'topics') return { kind: 'topic', name };
  if (area === 'deletions') return { kind: 'deletion', topicId: name };
  const broker = parseCount(name);
  if (broker === null) return null;
  if (area === 'last-runs') return { kind: 'last-run', broker };
  return area === 'brokers' ? { kind: 'broker', broker } : null;
}

function parseTriple(area: string, first: string, second: string): ParsedKey | null {
  if (area === 'configs') return { kind: 'config', resourceType: first, name: second };
  const partition = parseCount(second);
  return area === 'partitions' && partition !== null ? { kind: 'partition', topicId: first, partition } : null;
}

/** Only as written by this module: no sign, no leading zero. */
function parseCount(digits: string): number | null {
  return /^(0|[1-9]\d{0,9})$/.test(digits) ? Number(digits) : null;
}
