import type { ImageTracker, TopicRecord } from '@ottla/metadata';
import type { Clock, Logger, Random } from '@ottla/runtime';
import type { TopicDefaults } from '../core/settings';
import type {
  ConfigValidator,
  CreatePartitionsRequest,
  CreateTopicRequest,
  TopicReference,
} from '../core/topics/topic-requests';

/** What this package needs of the image of the cluster. */
export type ClusterView = Pick<ImageTracker, 'image' | 'store' | 'onChange' | 'waitFor'>;

export interface TopicAdminOptions {
  readonly view: ClusterView;
  readonly self: { readonly broker: number; readonly run: string };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly defaults: TopicDefaults;
  readonly validateConfigs: ConfigValidator;
}

export interface AdminOptions {
  /** How long the operation, and the wait for this broker's image to show it, may take. */
  readonly timeoutMs: number;
  /** Check everything, change nothing. */
  readonly validateOnly?: boolean;
}

export interface CreatedTopic {
  readonly topic: TopicRecord;
  readonly replicationFactor: number;
}

/**
 * Creates, grows and deletes topics. Works on any broker: the guards of each transaction make it safe. An operation
 * resolves when this broker's image shows its result, with a leader for every new partition.
 */
export class TopicAdmin {
  constructor(readonly options: TopicAdminOptions) {}

  /**
   * @throws OttlaError TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
   *   INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, INVALID_REQUEST, REQUEST_TIMED_OUT.
   */
  createTopic(_request: CreateTopicRequest, _options: AdminOptions): Promise<CreatedTopic> {
    throw new Error('being written');
  }

  /** The topic of this name, created now if there is none. Errors as `createTopic`, but that it may exist. */
  ensureTopic(_request: CreateTopicRequest, _options: AdminOptions): Promise<TopicRecord> {
    throw new Error('being written');
  }

  /** @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, REQUEST_TIMED_OUT. */
  deleteTopic(_topic: TopicReference, _options: AdminOptions): Promise<TopicRecord> {
    throw new Error('being written');
  }

  /** @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, REQUEST_TIMED_OUT. */
  createPartitions(_request: CreatePartitionsRequest, _options: AdminOptions): Promise<TopicRecord> {
    throw new Error('being written');
  }

  /** Says that this broker holds no replica of the deleted topic any more, and will never again. */
  acknowledgeDeletion(_topicId: string, _options: AdminOptions): Promise<void> {
    throw new Error('being written');
  }
}
