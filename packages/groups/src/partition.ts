/**
 * The partition of `__consumer_offsets` whose leader coordinates a group: the absolute value of Java's `String.hashCode`
 * of the group id (0 for the one int that has none), modulo `partitions`, as Kafka computes it.
 */
export function partitionForGroup(groupId: string, partitions: number): number {
  let hash = 0;
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(31, hash) + groupId.charCodeAt(i)) | 0;
  return hash === -0x80000000 ? 0 : Math.abs(hash) % partitions;
}
