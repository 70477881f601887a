export { crc32c } from './batch/crc';
export { type Decompress, decodeBatch } from './batch/decode';
export { type BatchInput, encodeBatch } from './batch/encode';
export {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  type CompressionName,
  compressionOf,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastOffset,
  readBatchHeader,
} from './batch/header';
export { checkProducedBatches, type ProduceLimits } from './batch/produced';
export type { KafkaRecord, RecordHeader, RecordInput } from './batch/record';
export { setLogAppendTime, stampBatch, verifyBatch } from './batch/verify';
export { ErrorCode, type ErrorName, errorName, isRetriable, OttlaError, toOttlaError } from './errors';
export {
  encodeRequest,
  encodeResponse,
  type Request,
  type RequestHeader,
  type ResponseFrame,
  readRequest,
  readRequestHeader,
  readResponse,
} from './frames';
export { type ApiName, apiByKey, apis } from './messages/apis';
export type { AlterConfigsRequest, AlterConfigsResponse } from './messages/cluster/alter-configs';
export type { ApiVersionsRequest, ApiVersionsResponse } from './messages/cluster/api-versions';
export type { DescribeClusterRequest, DescribeClusterResponse } from './messages/cluster/describe-cluster';
export type { DescribeConfigsRequest, DescribeConfigsResponse } from './messages/cluster/describe-configs';
export type { DescribeLogDirsRequest, DescribeLogDirsResponse } from './messages/cluster/describe-log-dirs';
export type { ElectLeadersRequest, ElectLeadersResponse } from './messages/cluster/elect-leaders';
export type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from './messages/cluster/incremental-alter-configs';
export type { MetadataRequest, MetadataResponse } from './messages/cluster/metadata';
export { AUTHORIZED_OPERATIONS_OMITTED } from './messages/cluster/metadata';
export type { DeleteGroupsRequest, DeleteGroupsResponse } from './messages/groups/delete-groups';
export type { DescribeGroupsRequest, DescribeGroupsResponse } from './messages/groups/describe-groups';
export type { FindCoordinatorRequest, FindCoordinatorResponse } from './messages/groups/find-coordinator';
export type { HeartbeatRequest, HeartbeatResponse } from './messages/groups/heartbeat';
export type { JoinGroupRequest, JoinGroupResponse } from './messages/groups/join-group';
export type { LeaveGroupRequest, LeaveGroupResponse } from './messages/groups/leave-group';
export type { ListGroupsRequest, ListGroupsResponse } from './messages/groups/list-groups';
export type { OffsetCommitRequest, OffsetCommitResponse } from './messages/groups/offset-commit';
export type { OffsetFetchRequest, OffsetFetchResponse } from './messages/groups/offset-fetch';
export type { SyncGroupRequest, SyncGroupResponse } from './messages/groups/sync-group';
export type { DeleteRecordsRequest, DeleteRecordsResponse } from './messages/log/delete-records';
export type { DescribeProducersRequest, DescribeProducersResponse } from './messages/log/describe-producers';
export type { FetchRequest, FetchResponse } from './messages/log/fetch';
export type { InitProducerIdRequest, InitProducerIdResponse } from './messages/log/init-producer-id';
export type { ListOffsetsRequest, ListOffsetsResponse } from './messages/log/list-offsets';
export type { OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse } from './messages/log/offset-for-leader-epoch';
export type { ProduceRequest, ProduceResponse } from './messages/log/produce';
export type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from './messages/topics/alter-partition-reassignments';
export type { CreatePartitionsRequest, CreatePartitionsResponse } from './messages/topics/create-partitions';
export type { CreateTopicsRequest, CreateTopicsResponse } from './messages/topics/create-topics';
export type { DeleteTopicsRequest, DeleteTopicsResponse } from './messages/topics/delete-topics';
export type {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from './messages/topics/describe-topic-partitions';
export type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from './messages/topics/list-partition-reassignments';
export type { AnyApi, Api } from './schema/api';
export { type DataSchema, dataSchema, dataVersion } from './schema/data';
export { f } from './schema/field';
export type { AnySchema, InputOf, MessageOf, Schema } from './schema/schema';
export type { VersionSpec } from './schema/versions';
export type { Chunk, FileRegion, RecordsInput } from './wire/chunk';
export { ZERO_UUID } from './wire/uuid';
