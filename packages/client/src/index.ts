export {
  Admin,
  type CreatedTopic,
  type CreatePartitionsOptions,
  type CreateTopicOptions,
  type KafkaRequestOptions,
  type NewTopic,
  type TopicOptions,
} from './admin/admin';
export type { BrokerDescription, ClusterDescription } from './admin/cluster-description';
export type {
  ConfigChange,
  ConfigDescription,
  ConfigResource,
  ConfigSource,
  ConfigSynonym,
} from './admin/configs';
export type {
  AskedAssignment,
  ElectionKind,
  PartitionResult,
  Reassignment,
  TopicPartition,
} from './admin/partitions';
export type {
  DeletedRecords,
  LogDirDescription,
  LogDirReplica,
  ProducerDescription,
  RecordDeletion,
} from './admin/replicas';
export type { PartitionDescription, ReplicaDescription, TopicDescription } from './admin/topic-description';
export { ClusterClient, connect } from './client';
export type { RequestOptions } from './cluster/cluster';
export type { OffsetAt, OffsetQuery } from './cluster/list-offsets';
export type { PartitionInfo, TopicInfo } from './cluster/topic-info';
export { ConsumedRecords } from './consumer/consumed-records';
export { Consumer } from './consumer/consumer';
export type { AssignedPartition, ConsumerOptions, StartOffset } from './consumer/options';
export type { ClientOptions } from './options';
export type { ProducerOptions, ProducerRecord, RecordHeaders, RecordMetadata } from './producer/options';
export { murmur2, partitionForKey } from './producer/partitioner';
export type { Delivered } from './producer/pending-batch';
export { Producer } from './producer/producer';
