/**
 * The partition of `__consumer_offsets` whose leader coordinates a group: Java's `String.hashCode` of the group id, made
 * non-negative as Kafka does (the sign bit cleared), modulo `partitions`.
 */
export function partitionForGroup(groupId: string, partitions: number): number {
  let hash = 0;
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(31, hash) + groupId.charCodeAt(i)) | 0;
  return (hash & 0x7fffffff) % partitions;
}
