import type { OttlaError } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import type {
  BrokerRegistration,
  ConfigRecord,
  ControllerClaim,
  DeletionRecord,
  GenerationRecord,
  ProducerIdsRecord,
  TopicRecord,
} from '../records/records';

export interface Versioned<T> {
  readonly value: T;
  readonly createRevision: number;
  readonly modRevision: number;
}

/**
 * The cluster's metadata at one revision. Immutable: a change makes a new image that shares what didn't change.
 * Maps iterate in no particular, but a reproducible, order.
 */
export interface ClusterImage {
  readonly clusterId: string;
  /** The image equals the store at this revision. */
  readonly revision: number;
  readonly generation: Versioned<GenerationRecord> | null;
  readonly controller: Versioned<ControllerClaim> | null;
  readonly producerIds: Versioned<ProducerIdsRecord> | null;
  readonly brokers: ReadonlyMap<number, Versioned<BrokerRegistration>>;
  /** By name. */
  readonly topics: ReadonlyMap<string, Versioned<TopicRecord>>;
  /** Topic id to name, for the topics above. */
  readonly topicNames: ReadonlyMap<string, string>;
  /** By topic id, then partition. May hold ids without a topic (being created or deleted). */
  readonly partitions: ReadonlyMap<string, ReadonlyMap<number, Versioned<PartitionRecord>>>;
  /** By topic id. */
  readonly deletions: ReadonlyMap<string, Versioned<DeletionRecord>>;
  /** By `<resource type>/<name>`. */
  readonly configs: ReadonlyMap<string, Versioned<ConfigRecord>>;
  /** Keys whose value this build can't read, such as a later version's; absent from the maps above. */
  readonly unreadable: ReadonlyMap<string, OttlaError>;
}

/** What differs between two images. */
export interface ImageDelta {
  readonly fromRevision: number;
  readonly toRevision: number;
  readonly generation: boolean;
  readonly controller: boolean;
  readonly producerIds: boolean;
  readonly brokers: readonly number[];
  /** Names. */
  readonly topics: readonly string[];
  readonly partitions: readonly (readonly [topicId: string, partition: number])[];
  /** Topic ids. */
  readonly deletions: readonly string[];
  readonly configs: readonly string[];
  /** The store was found to have another past: revisions of the old image mean nothing in the new one. */
  readonly historyChanged: boolean;
}
