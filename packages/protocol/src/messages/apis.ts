import { OttlaError } from '../errors';
import type { AnyApi } from '../schema/api';
import { AlterConfigs } from './cluster/alter-configs';
import { ApiVersions } from './cluster/api-versions';
import { DescribeCluster } from './cluster/describe-cluster';
import { DescribeConfigs } from './cluster/describe-configs';
import { DescribeLogDirs } from './cluster/describe-log-dirs';
import { ElectLeaders } from './cluster/elect-leaders';
import { IncrementalAlterConfigs } from './cluster/incremental-alter-configs';
import { Metadata } from './cluster/metadata';
import { DeleteGroups } from './groups/delete-groups';
import { DescribeGroups } from './groups/describe-groups';
import { FindCoordinator } from './groups/find-coordinator';
import { Heartbeat } from './groups/heartbeat';
import { JoinGroup } from './groups/join-group';
import { LeaveGroup } from './groups/leave-group';
import { ListGroups } from './groups/list-groups';
import { OffsetCommit } from './groups/offset-commit';
import { OffsetFetch } from './groups/offset-fetch';
import { SyncGroup } from './groups/sync-group';
import { DeleteRecords } from './log/delete-records';
import { DescribeProducers } from './log/describe-producers';
import { Fetch } from './log/fetch';
import { InitProducerId } from './log/init-producer-id';
import { ListOffsets } from './log/list-offsets';
import { OffsetForLeaderEpoch } from './log/offset-for-leader-epoch';
import { Produce } from './log/produce';
import { AlterPartitionReassignments } from './topics/alter-partition-reassignments';
import { CreatePartitions } from './topics/create-partitions';
import { CreateTopics } from './topics/create-topics';
import { DeleteTopics } from './topics/delete-topics';
import { DescribeTopicPartitions } from './topics/describe-topic-partitions';
import { ListPartitionReassignments } from './topics/list-partition-reassignments';

/** Every API that this package can read and write, by Kafka's name. */
export const apis = {
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeConfigs,
  AlterConfigs,
  DescribeLogDirs,
  CreatePartitions,
  DeleteGroups,
  IncrementalAlterConfigs,
  DescribeCluster,
  DescribeProducers,
  DescribeTopicPartitions,
  ElectLeaders,
  AlterPartitionReassignments,
  ListPartitionReassignments,
} as const;

export type ApiName = keyof typeof apis;

const byKey: (AnyApi | undefined)[] = [];
for (const api of Object.values(apis) as AnyApi[]) {
  if (byKey[api.key] !== undefined) throw new OttlaError('UNKNOWN_SERVER_ERROR', `two APIs have the key ${api.key}`);
  byKey[api.key] = api;
}

/** The API of a key; undefined when this package doesn't know it. */
export function apiByKey(key: number): AnyApi | undefined {
  return byKey[key];
}
