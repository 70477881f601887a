import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import { type BrokersView, replicaStatus } from './liveness';

export interface InSync {
  readonly isr: readonly ReplicaId[];
  readonly elr: readonly ReplicaId[];
}

/** `min.insync.replicas` as it can be met: never more than the replicas there are. */
export function effectiveMinIsr(configured: number, replicas: number): number {
  return Math.max(1, Math.min(configured, replicas));
}

/**
 * The ISR and ELR with what is no longer true taken out. The ISR may become empty: its last members are then eligible
 * leaders, so that nothing is forgotten about who holds the committed records (KIP-966).
 */
export function settleInSync(record: PartitionRecord, view: BrokersView): InSync {
  const isr = record.isr.filter((member) => staysInSync(record, view, member));
  return { isr, elr: eligibleLeaders(record, view, isr) };
}

/** A member stays while its broker is registered with that very log, or it's too early to tell that the broker is gone. */
export function staysInSync(record: PartitionRecord, view: BrokersView, member: ReplicaId): boolean {
  if (!record.replicas.includes(member.broker)) return false;
  const status = replicaStatus(view, member);
  return status === 'active' || status === 'draining' || status === 'unjudged';
}

/**
 * Eligible leaders beside this ISR: all that were eligible or in sync and still may hold their log. Only below the
 * minimum: from there on the high watermark stands still, so they miss nothing that was committed.
 */
export function eligibleLeaders(record: PartitionRecord, view: BrokersView, isr: readonly ReplicaId[]): ReplicaId[] {
  if (isr.length >= record.minIsr) return [];
  const eligible: ReplicaId[] = [];
  for (const replica of [...record.elr, ...record.isr]) {
    if (isr.some((member) => member.broker === replica.broker)) continue;
    if (eligible.some((other) => other.broker === replica.broker)) continue;
    if (staysEligible(record, view, replica)) eligible.push(replica);
  }
  return eligible;
}

/** Its broker came back without the log: it may miss committed records. While the broker is away the log may be whole. */
export function staysEligible(record: PartitionRecord, view: BrokersView, replica: ReplicaId): boolean {
  return record.replicas.includes(replica.broker) && replicaStatus(view, replica) !== 'lost';
}

/**
 * Draining followers leave the ISR ahead of their broker, so that nobody waits for them when it stops; as far as the
 * minimum allows.
 */
export function withoutDraining(
  record: PartitionRecord,
  view: BrokersView,
  isr: readonly ReplicaId[],
  leader: number | null,
): readonly ReplicaId[] {
  let left = isr;
  for (const member of isr) {
    if (left.length <= record.minIsr) break;
    if (member.broker === leader || replicaStatus(view, member) !== 'draining') continue;
    left = left.filter((other) => other !== member);
  }
  return left;
}

export function sameReplicas(a: readonly ReplicaId[], b: readonly ReplicaId[]): boolean {
  return a.length === b.length && a.every((replica, index) => sameReplica(replica, b[index]!));
}

function sameReplica(a: ReplicaId, b: ReplicaId): boolean {
  return a.broker === b.broker && a.logId === b.logId;
}
