import type { ConfigAdmin, PartitionAdmin, TopicAdmin } from '@ottla/controller';
import type { GroupApi, GroupRequests, GroupResponses } from '@ottla/groups';
import type { ClusterImage } from '@ottla/metadata';
import type { BatchHeader, Chunk, OttlaError } from '@ottla/protocol';
import type { ProducerSnapshotEntry, ReplicaProgress } from '@ottla/replication';
import type { Clock, Codecs, Logger, Random } from '@ottla/runtime';
import type { BrokerConfig } from './config/schema';
import type { Doubts } from './peers/doubts';
import type { ProduceForwarder } from './peers/produce-forwarder';

/** Everything a handler can reach. Handlers know nothing of sockets, files or the store. */
export interface BrokerServices {
  /** As it is now: another object after a setting was changed. Ask for it again for each request. */
  readonly config: BrokerConfig;
  readonly self: { readonly broker: number; readonly run: string };
  readonly clusterId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly codecs: Codecs;
  /** The broker's newest image of the metadata store. */
  image(): ClusterImage;
  /** Calls back after each change of the image, until the returned function is called. */
  onImageChange(listener: (image: ClusterImage) => void): () => void;
  /** Which brokers may have just died. */
  readonly doubts: Pick<Doubts, 'remainingMs'>;
  readonly forwarder: Pick<ProduceForwarder, 'forward' | 'untilQuiet'>;
  readonly partitions: Partitions;
  readonly topics: Pick<TopicAdmin, 'createTopic' | 'ensureTopic' | 'deleteTopic' | 'createPartitions'>;
  readonly partitionAdmin: Pick<PartitionAdmin, 'reassign' | 'elect'>;
  readonly configs: Pick<ConfigAdmin, 'alterTopic' | 'alterBrokers'>;
  /** The data directory of this broker, and the volume that it is on. */
  logDir(): Promise<LogDirState>;
  readonly groups: Groups;
  readonly producerIds: ProducerIds;
}

export interface LogDirState {
  readonly path: string;
  /** Why the directory is offline; null while it works. */
  readonly failure: OttlaError | null;
  /** -1 when unknown. */
  readonly totalBytes: number;
  /** What this process may still write; -1 when unknown. */
  readonly usableBytes: number;
}

export interface ProducerIds {
  /** A producer id that no broker of the cluster has given out before, with its first epoch. */
  next(): Promise<{ readonly producerId: number; readonly producerEpoch: number }>;
}

export interface GroupRequest<A extends GroupApi = GroupApi> {
  readonly version: number;
  readonly clientId: string;
  /** The client's address, as Kafka shows it in group descriptions: '/10.0.0.7'. */
  readonly clientHost: string;
  readonly body: GroupRequests[A];
}

/** The group coordinators on this broker. */
export interface Groups {
  /**
   * Takes a group request to the coordinator of its group, or of each of its groups, and merges the answers. Errors are
   * in the response body: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, ...
   */
  handle<A extends GroupApi>(api: A, request: GroupRequest<A>): Promise<GroupResponses[A]>;
}

/** The partitions of which this broker holds a replica. */
export interface Partitions {
  /** Null when this broker holds no replica of the partition, or has not opened it yet. */
  get(topicId: string, partition: number): LocalPartition | null;
  /** Every replica that is open here. */
  all(): Iterable<LocalPartition>;
  /** The partitions that this broker leads now. */
  led(): Iterable<LocalPartition>;
  /**
   * Calls back after a replica's role or leader epoch changed, with the new values readable on the partition,
   * until the returned function is called. Not called for the state at the time of subscription: read `led()`.
   */
  onRoleChange(listener: (partition: LocalPartition) => void): () => void;
}

/** One replica held by this broker, as handlers see it. Offsets are as of this instant. */
export interface LocalPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly isLeader: boolean;
  /** Follows a leader who pushes to it: false elsewhere, and while there is no such leader. */
  readonly isFollowing: boolean;
  readonly leaderEpoch: number;
  readonly logStart: number;
  /** LEO: the offset that the next record gets. */
  readonly logEnd: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;

  /** The high watermark; throws OFFSET_NOT_AVAILABLE until it has reached the start of this leader's epoch (KIP-207). */
  latestReadable(): number;

  /**
   * Appends whole batches, which the partition may stamp in place (base offset, leader epoch). Resolves when `acks` is
   * satisfied: 0 and 1 after the leader's own append, -1 after the high watermark passed the last record.
   * Rejects with an OttlaError: NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS(_AFTER_APPEND), REQUEST_TIMED_OUT,
   * OUT_OF_ORDER_SEQUENCE_NUMBER, KAFKA_STORAGE_ERROR, ...
   */
  produce(records: Uint8Array, headers: BatchHeader[], options: ProduceOptions): Promise<ProduceResult>;

  /**
   * Deletes the records before `offset`; -1 means before the high watermark. Resolves when every replica in sync or
   * connected has deleted them, durably. A batch in which `offset` lies is kept until its segment goes.
   * Rejects with an OttlaError: OFFSET_OUT_OF_RANGE behind the high watermark, NOT_LEADER_OR_FOLLOWER,
   * REQUEST_TIMED_OUT (deleted here, not everywhere yet), KAFKA_STORAGE_ERROR.
   */
  deleteRecords(offset: number, timeoutMs: number): Promise<DeleteRecordsResult>;

  /**
   * Reads whole batches below the high watermark (or below the last stable offset), the first of which contains
   * `fromOffset`. Rejects with OFFSET_OUT_OF_RANGE below the log's start or above its end, and with
   * NOT_LEADER_OR_FOLLOWER. Between the high watermark and the end of the log it gives no data.
   */
  read(fromOffset: number, options: ReadOptions): Promise<ReadResult>;

  /** As `read`, up to the end of the log instead of the high watermark: a coordinator loads uncommitted records too. */
  readForLoad(fromOffset: number, maxBytes: number): Promise<{ records: readonly Uint8Array[]; endOffset: number }>;

  /** Calls back when the high watermark moved or the leadership changed, until the returned function is called. */
  onAdvance(listener: () => void): () => void;

  /** The largest epoch at or below `epoch`, and where it ended (KIP-101); epoch -1 when there is none. */
  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number };
  /** The leader epoch in which the record at `offset` was appended; -1 when the log no longer tells. */
  epochAt(offset: number): number;
  /** The first record with a timestamp at or above `timestamp`, null when there is none. */
  offsetForTimestamp(timestamp: number): Promise<TimestampedOffset | null>;
  /** The record with the largest timestamp (KIP-734); offset -1 when the log is empty. */
  maxTimestamp(): Promise<TimestampedOffset>;
  /** Bytes of its batches on this broker's disk. */
  readonly sizeBytes: number;
  /** The idempotent producers of what is written here. */
  producers(): ProducerSnapshotEntry[];
  /** Each replica's end offset as this leader knows it. */
  progress(): ReplicaProgress[];
}

export interface ProduceOptions {
  readonly acks: 0 | 1 | -1;
  readonly timeoutMs: number;
}

export interface ProduceResult {
  readonly baseOffset: number;
  readonly logStart: number;
}

export interface DeleteRecordsResult {
  /** The smallest log start of the replicas: at or above the offset asked for. */
  readonly lowWatermark: number;
}

export interface ReadOptions {
  readonly maxBytes: number;
  readonly isolation: 'read_uncommitted' | 'read_committed';
  /** Give the first batch even when it is larger than `maxBytes` (KIP-74). */
  readonly atLeastOne: boolean;
  /** Read although this replica only follows, up to the high watermark that it knows of (KIP-392). */
  readonly fromFollower?: boolean;
}

export interface ReadResult {
  readonly chunks: readonly Chunk[];
  readonly byteLength: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStart: number;
}

export interface TimestampedOffset {
  readonly offset: number;
  readonly timestamp: number;
  /** The epoch that the record was appended in, -1 when unknown. */
  readonly leaderEpoch: number;
}
