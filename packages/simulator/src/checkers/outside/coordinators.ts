import { partitionForGroup } from '@ottla/groups';
import { type Truth, valueAt } from '../truth';

const OFFSETS_TOPIC = '__consumer_offsets';

/** The partition of `__consumer_offsets` whose leader coordinates a group at a time; null while there is none. */
export function coordinatingPartition(truth: Truth, group: string, at: number): string | null {
  const topic = valueAt(truth.topics.get(OFFSETS_TOPIC), at);
  return topic === null ? null : `${topic.topicId}/${partitionForGroup(group, topic.partitions)}`;
}

/**
 * Whether a coordinator hadn't heard of the present leader epoch of its partition: until it does it answers what it knows,
 * and can change nothing.
 */
export function isUnheard(truth: Truth, group: string, broker: number, at: number): boolean {
  const partition = coordinatingPartition(truth, group, at);
  if (partition === null) return false;
  const heard = valueAt(truth.heard.get(`${broker} ${partition}`), at);
  return (heard ?? -1) < (valueAt(truth.partitions.get(partition), at)?.leaderEpoch ?? -1);
}
