import {
  type ClusterImage,
  type ClusterKeys,
  type TopicRecord,
  topicRecordCodec,
  type Versioned,
} from '@ottla/metadata';
import type { ControllerState } from './controller-state';
import { hasLeftovers } from './detection/observations';
import { absentGuard, deletionGuard, topicGuard } from './txn/guards';
import { MAX_BATCH_OPS, type PlannedChange, Urgency } from './txn/planned-txn';

/** Deletions that every broker which held a replica has acknowledged. Brokers that are away keep theirs pending. */
export function planCompletedDeletions(state: ControllerState): PlannedChange[] {
  return [...state.image.deletions.values()]
    .filter((deletion) => deletion.value.brokers.length === 0)
    .map((deletion) => ({
      reason: `topic ${deletion.value.name} (${deletion.value.topicId}): deleted everywhere`,
      urgency: Urgency.CLEANUP,
      compare: [deletionGuard(state.keys, deletion)],
      success: [{ type: 'delete', key: state.keys.deletion(deletion.value.topicId) }],
    }));
}

/** Partition records that no topic came to show, once whoever wrote them must have given up. */
export function planLeftovers(state: ControllerState, now: number): PlannedChange[] {
  const { image, keys } = state;
  return [...image.partitions.keys()]
    .filter((topicId) => now >= leftoverDeadline(state, topicId))
    .map((topicId) => {
      const topic = image.topics.get(image.topicNames.get(topicId) ?? '');
      return topic === undefined
        ? removeUnfinishedTopic(image, keys, topicId)
        : removeUnfinishedGrowth(image, keys, topic);
    });
}

export function nextLeftoverDeadline(state: ControllerState, now: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const topicId of state.image.partitions.keys()) {
    const deadline = leftoverDeadline(state, topicId);
    if (deadline > now) next = Math.min(next, deadline);
  }
  return next;
}

function leftoverDeadline(state: ControllerState, topicId: string): number {
  const since = hasLeftovers(state.image, topicId) ? state.observations.leftoversSince(topicId) : null;
  return since === null ? Number.POSITIVE_INFINITY : since + state.timings.leftoverAgeMs;
}

/**
 * A topic's key and its partition 0 are written by one transaction, the last of its creation: while partition 0 doesn't
 * exist, neither does the topic.
 */
export function removeUnfinishedTopic(image: ClusterImage, keys: ClusterKeys, topicId: string): PlannedChange {
  const first = image.partitions.get(topicId)?.get(0);
  const key = keys.partition(topicId, 0);
  return {
    reason: `topic id ${topicId}: remove what its unfinished creation left`,
    urgency: Urgency.CLEANUP,
    compare: [first === undefined ? absentGuard(key) : { key, target: 'mod', equals: first.modRevision }],
    success: [{ type: 'delete-prefix', prefix: keys.partitions(topicId) }],
  };
}

/** Rewrites the topic's key as it is, so that whoever is still adding partitions to it is refused. */
function removeUnfinishedGrowth(image: ClusterImage, keys: ClusterKeys, topic: Versioned<TopicRecord>): PlannedChange {
  const { topicId, name, partitions } = topic.value;
  const beyond = [...(image.partitions.get(topicId)?.keys() ?? [])].filter((partition) => partition >= partitions);
  const batch = beyond.slice(0, MAX_BATCH_OPS - 1);
  return {
    reason: `topic ${name}: remove ${batch.length} partition(s) that its unfinished growth left`,
    urgency: Urgency.CLEANUP,
    compare: [topicGuard(keys, topic)],
    success: [
      { type: 'put', key: keys.topic(name), value: topicRecordCodec.encode(topic.value) },
      ...batch.map((partition) => ({ type: 'delete' as const, key: keys.partition(topicId, partition) })),
    ],
  };
}
