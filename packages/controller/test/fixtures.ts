import type {
  BrokerRegistration,
  ClusterImage,
  ControllerClaim,
  DeletionRecord,
  TopicRecord,
  Versioned,
} from '@ottla/metadata';
import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import { DEFAULT_TIMINGS, type TopicDefaults } from '../src/core/settings';

export const CLUSTER = 'test';
export const TIMINGS = DEFAULT_TIMINGS;
export const DEFAULTS: TopicDefaults = {
  partitions: 1,
  replicationFactor: 1,
  minInsyncReplicas: 1,
  uncleanLeaderElection: false,
};

/** `'2'` is broker 2 with the log that `registration(2)` has; `'2:x'` with another one. */
export function replica(name: string): ReplicaId {
  const [broker, log] = name.split(':');
  return { broker: Number(broker), logId: log ?? `log-${broker}` };
}

/** `'1 2 3:old'`. */
export function replicas(names: string): ReplicaId[] {
  return names.split(' ').filter(Boolean).map(replica);
}

export function show(members: readonly ReplicaId[]): string {
  return members.map(({ broker, logId }) => (logId === `log-${broker}` ? `${broker}` : `${broker}:${logId}`)).join(' ');
}

/**
 * The state of a broker in one word: `up`, `draining`, `restarted` (another run, same log), `wiped` (another run,
 * another log).
 */
export type BrokerState = 'up' | 'draining' | 'restarted' | 'wiped';

export function registration(
  broker: number,
  state: BrokerState = 'up',
  rack: string | null = null,
): BrokerRegistration {
  const again = state === 'restarted' || state === 'wiped';
  return {
    version: 1,
    broker,
    run: again ? `run-${broker}b` : `run-${broker}`,
    logIds: [state === 'wiped' ? 'new' : `log-${broker}`],
    state: state === 'draining' ? 'draining' : 'active',
    rack,
    kafka: [{ listener: 'PLAINTEXT', host: 'localhost', port: 9092 + broker }],
    grpc: { host: 'localhost', port: 9192 + broker },
    peer: { host: 'localhost', port: 9292 + broker },
    startedAt: 0,
  };
}

export function record(fields: Partial<PartitionRecord> = {}): PartitionRecord {
  return {
    version: 1,
    replicas: [1, 2, 3],
    adding: [],
    removing: [],
    leader: { broker: 1, run: 'run-1' },
    leaderEpoch: 5,
    isr: replicas('1 2 3'),
    elr: [],
    minIsr: 1,
    lastKnownLeader: replica('1'),
    unclean: false,
    ...fields,
  };
}

export function versioned<T>(value: T, modRevision = 1, createRevision = modRevision): Versioned<T> {
  return { value, createRevision, modRevision };
}

export function topic(name: string, partitions: number, configs: Record<string, string> = {}): TopicRecord {
  return { version: 1, name, topicId: `id-${name}`, partitions, configs, internal: name.startsWith('__') };
}

export interface ImageParts {
  readonly revision?: number;
  readonly controller?: Versioned<ControllerClaim> | null;
  readonly brokers?: readonly Versioned<BrokerRegistration>[];
  readonly topics?: readonly Versioned<TopicRecord>[];
  /** By topic id. */
  readonly partitions?: Readonly<Record<string, readonly (readonly [number, Versioned<PartitionRecord>])[]>>;
  readonly deletions?: readonly Versioned<DeletionRecord>[];
}

export function imageOf(parts: ImageParts): ClusterImage {
  return {
    clusterId: CLUSTER,
    revision: parts.revision ?? 100,
    generation: null,
    controller: parts.controller ?? null,
    producerIds: null,
    brokers: new Map((parts.brokers ?? []).map((broker) => [broker.value.broker, broker])),
    topics: new Map((parts.topics ?? []).map((item) => [item.value.name, item])),
    topicNames: new Map((parts.topics ?? []).map((item) => [item.value.topicId, item.value.name])),
    partitions: new Map(Object.entries(parts.partitions ?? {}).map(([id, records]) => [id, new Map(records)])),
    deletions: new Map((parts.deletions ?? []).map((deletion) => [deletion.value.topicId, deletion])),
    configs: new Map(),
    unreadable: new Map(),
  };
}
