import type { ClusterImage } from '@ottla/metadata';
import { OttlaError } from '@ottla/protocol';
import type { Assignments } from './topic-requests';

/**
 * The replicas of partitions 0, 1, ..., as a client assigned them.
 * @throws OttlaError INVALID_REPLICA_ASSIGNMENT.
 */
export function checkAssignments(topic: string, assignments: Assignments, image: ClusterImage): number[][] {
  const replicas: number[][] = [];
  for (let partition = 0; partition < assignments.size; partition++) {
    const assigned = assignments.get(partition);
    if (assigned === undefined) {
      throw refusal(
        topic,
        `partitions must be numbered 0 to ${assignments.size - 1} without gaps; partition ${partition} is missing`,
      );
    }
    replicas.push(checkAssignment(topic, partition, assigned, replicas[0]?.length ?? null, image));
  }
  return replicas;
}

/** @param replicationFactor that the topic's other partitions have; null when there are none. */
export function checkAssignment(
  topic: string,
  partition: number,
  assigned: readonly number[],
  replicationFactor: number | null,
  image: ClusterImage,
): number[] {
  if (assigned.length === 0) throw refusal(topic, `partition ${partition} is assigned no broker`);
  const duplicate = assigned.find((broker, index) => assigned.indexOf(broker) !== index);
  if (duplicate !== undefined) {
    throw refusal(topic, `partition ${partition} is assigned broker ${duplicate} more than once`);
  }
  const unknown = assigned.find((broker) => !image.brokers.has(broker));
  if (unknown !== undefined) {
    throw refusal(topic, `partition ${partition} is assigned broker ${unknown}, which is not registered`);
  }
  if (replicationFactor !== null && assigned.length !== replicationFactor) {
    throw refusal(
      topic,
      `partition ${partition} is assigned ${assigned.length} replica(s), the partitions before it have ${replicationFactor}`,
    );
  }
  if (!assigned.some((broker) => image.brokers.get(broker)?.value.state === 'active')) {
    throw refusal(topic, `all brokers assigned to partition ${partition} are draining: none of them could lead it`);
  }
  return [...assigned];
}

function refusal(topic: string, reason: string): OttlaError {
  return new OttlaError('INVALID_REPLICA_ASSIGNMENT', `Topic '${topic}': ${reason}`);
}
