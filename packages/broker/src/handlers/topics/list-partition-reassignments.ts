import { isReassigning } from '@ottla/controller';
import type { ClusterImage } from '@ottla/metadata';
import { apis, ErrorCode, type ListPartitionReassignmentsRequest } from '@ottla/protocol';
import { defineHandler } from '../handler';
import { partitionRecord } from '../topic-lookup';

/** The reassignments under way: of the partitions asked for, or all. Partitions that don't exist are left out. */
export const listPartitionReassignments = defineHandler(apis.ListPartitionReassignments, {
  handle({ body }, services) {
    const image = services.image();
    const topics = askedFor(body, image)
      .map(({ name, partitionIndexes }) => ({ name, partitions: reassignmentsOf(image, name, partitionIndexes) }))
      .filter(({ partitions }) => partitions.length > 0);
    return { errorCode: ErrorCode.NONE, errorMessage: null, topics };
  },

  failure: (_request, error) => ({ errorCode: error.errorCode, errorMessage: error.message, topics: [] }),
});

function askedFor({ topics }: ListPartitionReassignmentsRequest, image: ClusterImage) {
  if (topics !== null) return topics;
  return [...image.topics.values()].map(({ value: { name, partitions } }) => ({
    name,
    partitionIndexes: Array.from({ length: partitions }, (_, partition) => partition),
  }));
}

function reassignmentsOf(image: ClusterImage, name: string, partitions: readonly number[]) {
  const topic = image.topics.get(name)?.value;
  if (topic === undefined) return [];
  return [...new Set(partitions)].flatMap((partitionIndex) => {
    const record = partitionRecord(image, topic.topicId, partitionIndex);
    if (record === null || partitionIndex >= topic.partitions || !isReassigning(record)) return [];
    const { replicas, adding, removing } = record;
    return { partitionIndex, replicas, addingReplicas: adding, removingReplicas: removing };
  });
}
