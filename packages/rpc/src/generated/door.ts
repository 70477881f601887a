// Written by scripts/proto.mjs from proto/. Do not edit.

export interface KafkaFrame {
  /** A request or a response with its header, without the four bytes of length before it. */
  frame: Uint8Array;
}

export interface CreateTopicsRequest {
  topics: NewTopic[];
  /** How long to wait until every broker asked knows the topic. */
  timeoutMs: number;
  /** Check only, create nothing. */
  validateOnly: boolean;
}

export interface NewTopic {
  name: string;
  /** -1 for the broker's `num.partitions`. */
  partitions: number;
  /** -1 for the broker's `default.replication.factor`. */
  replicationFactor: number;
  /** Replicas by partition, leader first; when given, `partitions` and `replication_factor` are -1. */
  assignments: ReplicaAssignment[];
  configs: Record<string, string>;
}

export interface ReplicaAssignment {
  partition: number;
  brokers: number[];
}

export interface CreateTopicsResponse {
  topics: TopicResult[];
}

export interface TopicResult {
  name: string;
  topicId: string;
  errorCode: number;
  errorMessage: string;
  /** As created; 0 on error. */
  partitions: number;
  replicationFactor: number;
}

export interface DeleteTopicsRequest {
  names: string[];
  timeoutMs: number;
}

export interface DeleteTopicsResponse {
  topics: TopicResult[];
}

export interface CreatePartitionsRequest {
  topics: NewPartitions[];
  timeoutMs: number;
  validateOnly: boolean;
}

export interface NewPartitions {
  name: string;
  /** The new number of partitions, larger than the present one. */
  count: number;
  /** Replicas of the partitions added, in order; none lets the cluster choose. */
  assignments: ReplicaAssignment[];
}

export interface CreatePartitionsResponse {
  topics: TopicResult[];
}

export interface DescribeReplicasRequest {
  /** None means all. */
  topics: string[];
}

export interface DescribeReplicasResponse {
  broker: number;
  replicas: ReplicaState[];
}

export interface ReplicaState {
  topic: string;
  topicId: string;
  partition: number;
  isLeader: boolean;
  leaderEpoch: number;
  logStartOffset: number;
  /** LEO: the offset that the next record gets. */
  logEndOffset: number;
  highWatermark: number;
  /** On the leader: what it knows of the others. */
  followers: FollowerState[];
}

export interface FollowerState {
  broker: number;
  /** -1 when the follower has not reported in this epoch. */
  logEndOffset: number;
  inIsr: boolean;
}

export type DescribeClusterRequest = Record<string, never>;

export interface DescribeClusterResponse {
  clusterId: string;
  /** -1 when there is none at the moment. */
  controllerId: number;
  controllerEpoch: number;
  brokers: BrokerState[];
}

export interface BrokerState {
  id: number;
  /** Addresses as host:port. */
  kafka: string;
  grpc: string;
  rack: string;
  /** active or draining. */
  state: string;
  run: string;
  /** Milliseconds since 1970. */
  startedAt: number;
}

export interface MetadataRequest {
  /** Names of topics; none means none, unless `all_topics`. */
  topics: string[];
  allTopics: boolean;
  /** Create named topics that don't exist, if the broker's `auto.create.topics.enable` allows it. */
  allowAutoTopicCreation: boolean;
}

export interface MetadataResponse {
  clusterId: string;
  /** -1 when there is none at the moment. */
  controllerId: number;
  brokers: BrokerAddress[];
  topics: TopicMetadata[];
}

/** An address under which this client can reach a broker's gRPC services. */
export interface BrokerAddress {
  id: number;
  host: string;
  port: number;
  rack: string;
}

export interface TopicMetadata {
  errorCode: number;
  errorMessage: string;
  name: string;
  topicId: string;
  internal: boolean;
  partitions: PartitionMetadata[];
  /** What is set on the topic itself; the broker's defaults hold for the rest. */
  configs: Record<string, string>;
}

export interface PartitionMetadata {
  errorCode: number;
  partition: number;
  /** Broker id, -1 when the partition has no leader. */
  leader: number;
  leaderEpoch: number;
  replicas: number[];
  isr: number[];
  elr: number[];
  offlineReplicas: number[];
}

export interface ProduceRequest {
  /** Each is appended and answered on its own. */
  entries: ProduceEntry[];
}

export interface ProduceEntry {
  /** Chosen by the client, unique among the stream's unanswered entries. */
  id: number;
  topic: string;
  partition: number;
  /** 1: answered after the leader's append; -1: after the in-sync replicas have it; 0: answered only when it fails. */
  acks: number;
  /** How long the broker waits for the in-sync replicas. */
  timeoutMs: number;
  /** Whole record batches (v2). */
  records: Uint8Array;
}

export interface ProduceResponse {
  results: ProduceResult[];
}

export interface ProduceResult {
  id: number;
  errorCode: number;
  errorMessage: string;
  /** Offset of the first record, -1 on error. */
  baseOffset: number;
  /** When the topic's `message.timestamp.type` is LogAppendTime, else -1. */
  logAppendTime: number;
  logStartOffset: number;
  /** Set on NOT_LEADER_OR_FOLLOWER when this broker knows who leads. */
  currentLeader?: CurrentLeader | null;
}

export interface CurrentLeader {
  leader: number;
  leaderEpoch: number;
}

export interface FetchRequest {
  subscribe: FetchSubscribe[];
  credit: FetchCredit[];
  /** Subscriptions to end. */
  unsubscribe: number[];
}

export interface FetchSubscribe {
  /** Chosen by the client, never used twice on a stream. */
  subscription: number;
  topic: string;
  partition: number;
  offset: number;
  /** The client's knowledge of the partition's epoch, -1 for none: fences a stale leader, or a stale client. */
  currentLeaderEpoch: number;
  /** Largest size of `records` in one message; a larger batch comes alone. */
  maxBytes: number;
  /** How many bytes of records the broker may send before it is given more. The last message may exceed it. */
  creditBytes: number;
  /** Only records of committed transactions. */
  readCommitted: boolean;
}

export interface FetchCredit {
  subscription: number;
  bytes: number;
}

export interface FetchResponse {
  results: FetchResult[];
}

/**
 * Batches, or news of the offsets without batches. The first message of a subscription comes at once, so that the
 * client knows the offsets of a partition in which nothing happens. An error ends the subscription.
 */
export interface FetchResult {
  subscription: number;
  errorCode: number;
  errorMessage: string;
  highWatermark: number;
  lastStableOffset: number;
  logStartOffset: number;
  /** Where the subscription stands after this message. */
  nextOffset: number;
  /** Whole record batches (v2); the first may begin below the offset asked for. */
  records: Uint8Array;
  currentLeader?: CurrentLeader | null;
}

export interface ListOffsetsRequest {
  readCommitted: boolean;
  entries: ListOffsetsEntry[];
}

export interface ListOffsetsEntry {
  topic: string;
  partition: number;
  /** Milliseconds; or -1 for the latest offset, -2 for the earliest, -3 for the record with the largest timestamp. */
  timestamp: number;
  currentLeaderEpoch: number;
}

export interface ListOffsetsResponse {
  results: ListOffsetsResult[];
}

export interface ListOffsetsResult {
  topic: string;
  partition: number;
  errorCode: number;
  errorMessage: string;
  /** -1 when no record has such a timestamp. */
  offset: number;
  timestamp: number;
  leaderEpoch: number;
}

export interface InitProducerIdRequest {
  /** The present id and epoch of a producer that wants a higher epoch (KIP-360), -1 and -1 for a new producer. */
  producerId: number;
  producerEpoch: number;
}

export interface InitProducerIdResponse {
  producerId: number;
  producerEpoch: number;
}
