import type { PartitionRecord } from '@ottla/replication';

/** The part of a partition's record that says which brokers hold it. */
export type Assignment = Pick<PartitionRecord, 'replicas' | 'adding' | 'removing' | 'original'>;

export function isReassigning({ adding, removing }: Assignment): boolean {
  return adding.length > 0 || removing.length > 0;
}

/** The assignment before the reassignment under way, to which cancelling goes back; the present one when none is. */
export function originalReplicas({ replicas, adding, original }: Assignment): readonly number[] {
  if (adding.length === 0 && original === undefined) return replicas;
  return original ?? replicas.filter((broker) => !adding.includes(broker));
}

/** The assignment once the reassignment under way has completed. */
export function targetReplicas({ replicas, removing }: Assignment): readonly number[] {
  return removing.length === 0 ? replicas : replicas.filter((broker) => !removing.includes(broker));
}

/**
 * On the way to `target` (KIP-455): its brokers first, in its order, then those that leave. A reassignment that is under
 * way already is given this target instead; what it was adding beside it is not assigned any more.
 */
export function reassignedTo(present: Assignment, target: readonly number[]): Assignment {
  const original = originalReplicas(present);
  const adding = target.filter((broker) => !original.includes(broker));
  const removing = original.filter((broker) => !target.includes(broker));
  const next = { replicas: [...target, ...removing], adding, removing };
  return isReassigning(next) ? { ...next, original: [...original] } : next;
}

/** No reassignment is under way. */
export function settledOn(replicas: readonly number[]): Assignment {
  return { replicas: [...replicas], adding: [], removing: [] };
}

export function sameAssignment(a: Assignment, b: Assignment): boolean {
  return sameBrokers(a.replicas, b.replicas) && sameBrokers(a.adding, b.adding) && sameBrokers(a.removing, b.removing);
}

function sameBrokers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((broker, index) => broker === b[index]);
}
