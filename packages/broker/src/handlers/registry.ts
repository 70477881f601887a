import type { AnyApi } from '@ottla/protocol';
import { toOttlaError } from '@ottla/protocol';
import type { BrokerServices } from '../services';
import { alterConfigs } from './cluster/alter-configs';
import { apiVersions } from './cluster/api-versions';
import { describeCluster } from './cluster/describe-cluster';
import { describeConfigs } from './cluster/describe-configs';
import { describeLogDirs } from './cluster/describe-log-dirs';
import { electLeaders } from './cluster/elect-leaders';
import { incrementalAlterConfigs } from './cluster/incremental-alter-configs';
import { metadata } from './cluster/metadata';
import { deleteGroups } from './groups/delete-groups';
import { describeGroups } from './groups/describe-groups';
import { findCoordinator } from './groups/find-coordinator';
import { heartbeat } from './groups/heartbeat';
import { joinGroup } from './groups/join-group';
import { leaveGroup } from './groups/leave-group';
import { listGroups } from './groups/list-groups';
import { offsetCommit } from './groups/offset-commit';
import { offsetFetch } from './groups/offset-fetch';
import { syncGroup } from './groups/sync-group';
import type { Handler, HandlerRequest } from './handler';
import { deleteRecords } from './log/delete-records';
import { describeProducers } from './log/describe-producers';
import { fetch } from './log/fetch';
import { initProducerId } from './log/init-producer-id';
import { listOffsets } from './log/list-offsets';
import { offsetForLeaderEpoch } from './log/offset-for-leader-epoch';
import { produce } from './log/produce';
import { alterPartitionReassignments } from './topics/alter-partition-reassignments';
import { createPartitions } from './topics/create-partitions';
import { createTopics } from './topics/create-topics';
import { deleteTopics } from './topics/delete-topics';
import { describeTopicPartitions } from './topics/describe-topic-partitions';
import { listPartitionReassignments } from './topics/list-partition-reassignments';

const HANDLERS: readonly Handler[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeConfigs,
  alterConfigs,
  describeLogDirs,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
  describeCluster,
  describeProducers,
  describeTopicPartitions,
  electLeaders,
  alterPartitionReassignments,
  listPartitionReassignments,
];

/** The APIs served, by key. What ApiVersions promises is computed from it. */
export class ApiRegistry {
  private readonly handlers = new Map<number, Handler>();

  constructor(handlers: readonly Handler[]) {
    const served = [...handlers, apiVersions(() => this.apis())];
    for (const handler of served) this.handlers.set(handler.api.key, handler);
  }

  get(apiKey: number): Handler | undefined {
    return this.handlers.get(apiKey);
  }

  /** In the order of their keys. */
  apis(): AnyApi[] {
    return [...this.handlers.values()].map((handler) => handler.api).sort((a, b) => a.key - b.key);
  }
}

/** Every API that a broker serves. */
export function brokerApis(): ApiRegistry {
  return new ApiRegistry(HANDLERS);
}

/**
 * Has a request handled. A request that failed as a whole is answered with its error; only where the API has no way to
 * say so (a produce that expects no response) this rejects, with an OttlaError.
 */
export async function answerRequest(
  handler: Handler,
  request: HandlerRequest<unknown>,
  services: BrokerServices,
): Promise<unknown> {
  try {
    return await handler.handle(request, services);
  } catch (thrown) {
    const error = toOttlaError(thrown);
    const { name } = handler.api;
    if (error.code === 'UNKNOWN_SERVER_ERROR') {
      const fields = { api: name, version: request.header.apiVersion, stack: stackOf(thrown) };
      services.logger.error(`${name} failed: ${error.message}`, fields);
    }
    const failure = handler.failure(request, error);
    if (failure === null) throw error;
    return failure;
  }
}

function stackOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? thrown.stack : undefined;
}
