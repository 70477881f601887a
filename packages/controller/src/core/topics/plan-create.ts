import { type ClusterImage, type ClusterKeys, type Compare, type TopicRecord, topicRecordCodec } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { TopicDefaults } from '../settings';
import { absentGuard, presentGuard } from '../txn/guards';
import { batchChanges, type PlannedChange, type PlannedTxn, planTxn, Urgency } from '../txn/planned-txn';
import { checkAssignments } from './assignment';
import { newPartitionRecord, putNewPartition } from './new-partition';
import { place, placeableBrokers } from './placement';
import { checkTopicName, collidingTopic } from './topic-name';
import type { ConfigValidator, CreateTopicRequest } from './topic-requests';

/** Partitions of one topic; beyond it a single creation would keep the store busy for seconds. */
export const MAX_PARTITIONS = 10_000;
/** Partitions in the transaction that also shows the topic: with a guard for each, and for as many leaders. */
export const PARTITIONS_WITH_TOPIC = 60;

export interface CreationContext {
  readonly image: ClusterImage;
  readonly keys: ClusterKeys;
  readonly defaults: TopicDefaults;
  readonly validateConfigs: ConfigValidator;
}

export interface CreationPlan {
  /** The topic as it will be. */
  readonly topic: TopicRecord;
  /** The first partition that is new. */
  readonly firstPartition: number;
  readonly replicationFactor: number;
  /** In this order, each only after the one before succeeded. The last one shows the topic, complete. */
  readonly transactions: readonly PlannedTxn[];
}

/**
 * @param topicId drawn for this attempt: another attempt draws another.
 * @throws OttlaError INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
 *   INVALID_REPLICA_ASSIGNMENT, INVALID_REQUEST, INVALID_CONFIG.
 */
export function planCreateTopic(context: CreationContext, request: CreateTopicRequest, topicId: string): CreationPlan {
  checkTopicName(request.name);
  checkNameIsFree(context.image, request.name);
  const configs = { ...request.configs };
  const assignment = assignReplicas(context, request);
  context.validateConfigs(configs);
  const topic: TopicRecord = {
    version: 1,
    name: request.name,
    topicId,
    partitions: assignment.length,
    configs,
    internal: request.internal ?? false,
  };
  return {
    topic,
    firstPartition: 0,
    replicationFactor: assignment[0]!.length,
    transactions: planCreation(context, topic, assignment),
  };
}

function checkNameIsFree(image: ClusterImage, name: string): void {
  if (image.topics.has(name)) throw new OttlaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
  const other = collidingTopic(name, image.topics.keys());
  if (other === null) return;
  throw new OttlaError(
    'INVALID_TOPIC_EXCEPTION',
    `Topic '${name}' collides with existing topic: ${other} (names must differ in more than '.' and '_')`,
  );
}

function assignReplicas(context: CreationContext, request: CreateTopicRequest): number[][] {
  const { name, assignments } = request;
  if (assignments !== undefined && assignments.size > 0) {
    checkLeftToAssignments(name, 'replication factor', request.replicationFactor);
    checkLeftToAssignments(name, 'number of partitions', request.partitions);
    checkPartitionCount(name, assignments.size);
    return checkAssignments(name, assignments, context.image);
  }
  const replicationFactor =
    request.replicationFactor === -1 ? context.defaults.replicationFactor : request.replicationFactor;
  const partitions = request.partitions === -1 ? context.defaults.partitions : request.partitions;
  checkReplicas(name, replicationFactor);
  checkPartitionCount(name, partitions);
  return place(placeableBrokers(context.image), { firstPartition: 0, partitions, replicationFactor });
}

function checkLeftToAssignments(name: string, what: string, value: number): void {
  if (value === -1) return;
  throw new OttlaError(
    'INVALID_REQUEST',
    `Topic '${name}': the request assigns replicas by hand, so its ${what} must be -1, not ${value}`,
  );
}

function checkReplicas(name: string, replicationFactor: number): void {
  if (Number.isInteger(replicationFactor) && replicationFactor >= 1) return;
  throw new OttlaError(
    'INVALID_REPLICATION_FACTOR',
    `Topic '${name}': replication factor ${replicationFactor} must be 1 or more, or -1 for default.replication.factor`,
  );
}

export function checkPartitionCount(name: string, partitions: number): void {
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= MAX_PARTITIONS) return;
  throw new OttlaError(
    'INVALID_PARTITIONS',
    `Topic '${name}': number of partitions ${partitions} must be from 1 to ${MAX_PARTITIONS}, or -1 for num.partitions`,
  );
}

function planCreation(context: CreationContext, topic: TopicRecord, assignment: readonly number[][]): PlannedTxn[] {
  const { image, keys, defaults } = context;
  const topicAbsent = absentGuard(keys.topic(topic.name));
  const changes = assignment.map((replicas, partition) =>
    putNewPartition(image, keys, topic.topicId, partition, newPartitionRecord(replicas, topic, image, defaults)),
  );
  const earlier = batchChanges(changes.slice(PARTITIONS_WITH_TOPIC), [topicAbsent]);
  const show: PlannedChange = {
    reason: `create topic ${topic.name}`,
    urgency: Urgency.SETTINGS,
    compare: [topicAbsent, ...stillWritten(earlier)],
    success: [{ type: 'put', key: keys.topic(topic.name), value: topicRecordCodec.encode(topic) }],
  };
  return [...earlier, planTxn([show, ...changes.slice(0, PARTITIONS_WITH_TOPIC)])];
}

/**
 * What the earlier transactions wrote wasn't cleaned up meanwhile: cleaning takes all of a topic id at once, and what
 * the first one wrote is not written again.
 */
function stillWritten(earlier: readonly PlannedTxn[]): Compare[] {
  const op = earlier[0]?.success[0];
  return op?.type === 'put' ? [presentGuard(op.key)] : [];
}
