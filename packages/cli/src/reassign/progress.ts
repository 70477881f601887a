import type { PartitionDescription, Reassignment } from '@ottla/client';

/** How far a replica that is being added is. Offsets are null while nobody tells. */
export interface AddedReplica {
  readonly broker: number;
  readonly inSync: boolean;
  readonly logEnd: number | null;
  /** Of what the leader has, in percent. */
  readonly percent: number | null;
}

export interface ReassignmentProgress extends Reassignment {
  readonly leader: number | null;
  readonly leaderLogEnd: number | null;
  readonly added: readonly AddedReplica[];
}

export function progressOf(
  reassignment: Reassignment,
  partition: PartitionDescription | undefined,
): ReassignmentProgress {
  const replicas = partition?.replicas ?? [];
  const leader = partition === undefined || partition.leader < 0 ? null : partition.leader;
  const leading = replicas.find(({ broker }) => broker === leader);
  const added = reassignment.adding.map((broker) => {
    const replica = replicas.find((one) => one.broker === broker);
    const logEnd = replica?.logEndOffset ?? null;
    const inSync = replica?.inSync ?? false;
    return {
      broker,
      inSync,
      logEnd,
      percent: percentOf(logEnd, leading?.logStartOffset ?? null, leading?.logEndOffset ?? null),
    };
  });
  return { ...reassignment, leader, leaderLogEnd: leading?.logEndOffset ?? null, added };
}

/** Rounded down: what isn't all is not 100. */
function percentOf(logEnd: number | null, start: number | null, end: number | null): number | null {
  if (logEnd === null || start === null || end === null) return null;
  if (logEnd >= end) return 100;
  return Math.max(0, Math.floor(((logEnd - start) * 100) / (end - start)));
}
