import { apis, errorName, OttlaError } from '@ottla/protocol';
import type { AskKafka } from './kafka-request';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface AskedAssignment extends TopicPartition {
  /** The brokers that shall hold it, the preferred leader first; null cancels the reassignment under way. */
  readonly replicas: readonly number[] | null;
}

/** What became of one partition; `error` is null when it was done. */
export interface PartitionResult extends TopicPartition {
  readonly error: OttlaError | null;
}

/** A reassignment under way. */
export interface Reassignment extends TopicPartition {
  /** All that hold it, or are to: those to come first. */
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

export type ElectionKind = 'preferred' | 'unclean';

const ELECTION_TYPES: Readonly<Record<ElectionKind, number>> = { preferred: 0, unclean: 1 };

export async function reassign(
  ask: AskKafka,
  asked: readonly AskedAssignment[],
  timeoutMs: number,
): Promise<PartitionResult[]> {
  const topics = byTopic(asked).map(({ topic, partitions }) => ({
    name: topic,
    partitions: partitions.map(({ partition, replicas }) => ({
      partitionIndex: partition,
      replicas: replicas === null ? null : [...replicas],
    })),
  }));
  const response = await ask(apis.AlterPartitionReassignments, { topics, timeoutMs });
  throwIfError(response.errorCode, response.errorMessage);
  const errors = new Map(
    response.responses.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode, errorMessage }) => [
        `${name}-${partitionIndex}`,
        errorOf(errorCode, errorMessage),
      ]),
    ),
  );
  return asked.map(({ topic, partition }) => ({
    topic,
    partition,
    error: errors.get(`${topic}-${partition}`) ?? null,
  }));
}

export async function listReassignments(ask: AskKafka): Promise<Reassignment[]> {
  const response = await ask(apis.ListPartitionReassignments, { topics: null });
  throwIfError(response.errorCode, response.errorMessage);
  return response.topics
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
        ...{ topic: name, partition: partitionIndex },
        ...{ replicas, adding: addingReplicas, removing: removingReplicas },
      })),
    )
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
}

export async function electLeaders(
  ask: AskKafka,
  kind: ElectionKind,
  partitions: readonly TopicPartition[] | null,
  timeoutMs: number,
): Promise<PartitionResult[]> {
  const topicPartitions =
    partitions === null
      ? null
      : byTopic(partitions).map((of) => ({ topic: of.topic, partitions: of.partitions.map((each) => each.partition) }));
  const response = await ask(apis.ElectLeaders, { electionType: ELECTION_TYPES[kind], topicPartitions, timeoutMs });
  throwIfError(response.errorCode, null);
  return response.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map(({ partitionId, errorCode, errorMessage }) => ({
      ...{ topic, partition: partitionId },
      error: errorOf(errorCode, errorMessage),
    })),
  );
}

function byTopic<T extends TopicPartition>(partitions: readonly T[]): { topic: string; partitions: T[] }[] {
  const topics = new Map<string, T[]>();
  for (const one of partitions) topics.set(one.topic, [...(topics.get(one.topic) ?? []), one]);
  return [...topics].map(([topic, of]) => ({ topic, partitions: of }));
}

function errorOf(code: number, message: string | null): OttlaError | null {
  return code === 0 ? null : new OttlaError(errorName(code), message ?? errorName(code));
}

function throwIfError(code: number, message: string | null): void {
  const error = errorOf(code, message);
  if (error !== null) throw error;
}
