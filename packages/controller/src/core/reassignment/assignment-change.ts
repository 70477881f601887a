import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import { type Elected, electFromIsr } from '../partitions/election';
import { effectiveMinIsr } from '../partitions/in-sync';
import { type BrokersView, leaderStatus, replicaStatus } from '../partitions/liveness';
import { type Assignment, isReassigning, originalReplicas, settledOn, targetReplicas } from './assignment';

/** A record with another assignment, and who leads it from now on if that changes. */
export interface AssignmentChange {
  readonly record: PartitionRecord;
  readonly elected: Elected | null;
}

/** Why replicas can't leave the assignment, or not yet. */
export interface Refusal {
  readonly code: 'INVALID_REPLICA_ASSIGNMENT' | 'LEADER_NOT_AVAILABLE';
  readonly refused: string;
}

/**
 * The record under another assignment, in one step. Replicas leave only when nothing that they may hold depends on them:
 * either they're neither in sync nor eligible, or the members left make up the minimum, so that what was acknowledged is on
 * as many replicas as the topic asks for. A leader that leaves hands over to one of those.
 *
 * With replicas that leave a new leader epoch begins, even of the same leader: what the leader knows of their logs must not
 * outlive them, for they delete them.
 */
export function changeAssignment(
  record: PartitionRecord,
  next: Assignment,
  view: BrokersView,
  minInsyncReplicas: number,
): AssignmentChange | Refusal {
  const leaving = record.replicas.filter((broker) => !next.replicas.includes(broker));
  const isr = record.isr.filter(({ broker }) => !leaving.includes(broker));
  const minIsr = effectiveMinIsr(minInsyncReplicas, originalReplicas(next).length);
  const depends = holdersOf(record).find(({ broker }) => leaving.includes(broker));
  if (depends !== undefined && isr.length < minIsr) {
    const others = `of the others ${isr.length} are in sync, and the minimum is ${minIsr}`;
    return { code: 'INVALID_REPLICA_ASSIGNMENT', refused: `broker ${depends.broker} can't leave yet: ${others}` };
  }
  const changed = withAssignment(record, next, leaving, isr);
  return leaving.length === 0 ? { record: changed, elected: null } : withNewEpoch(record, changed, view);
}

/** Whoever may hold what nobody else does. */
function holdersOf({ isr, elr, lastKnownLeader }: PartitionRecord): readonly ReplicaId[] {
  const members = [...isr, ...elr];
  return members.length === 0 && lastKnownLeader !== null ? [lastKnownLeader] : members;
}

function withAssignment(
  record: PartitionRecord,
  next: Assignment,
  leaving: readonly number[],
  isr: readonly ReplicaId[],
): PartitionRecord {
  const { original: _original, removed: removedBefore = [], ...rest } = record;
  const removed = [...removedBefore.filter((broker) => !leaving.includes(broker)), ...leaving].filter(
    (broker) => !next.replicas.includes(broker),
  );
  return {
    ...rest,
    ...next,
    ...(removed.length === 0 ? {} : { removed }),
    isr: [...isr],
    elr: record.elr.filter(({ broker }) => next.replicas.includes(broker)),
  };
}

function withNewEpoch(
  record: PartitionRecord,
  changed: PartitionRecord,
  view: BrokersView,
): AssignmentChange | Refusal {
  const epoch = { leaderEpoch: record.leaderEpoch + 1, unclean: false };
  if (record.leader === null) return { record: { ...changed, ...epoch }, elected: null };
  const kept = { record: { ...changed, ...epoch }, elected: null };
  const stays = changed.replicas.includes(record.leader.broker);
  const status = leaderStatus(view, record);
  if (stays && status === 'leading') return kept;
  if (stays && status !== 'draining') return withoutLeaderNow(`its leader, broker ${record.leader.broker}, is away`);
  const elected = electFromIsr(changed, { isr: changed.isr, elr: changed.elr }, view);
  if (elected === null) {
    return stays
      ? kept
      : withoutLeaderNow(`broker ${record.leader.broker} leads it, and none that stay could take over`);
  }
  const led = { leader: elected.leader, lastKnownLeader: elected.replica };
  return { record: { ...changed, ...epoch, ...led }, elected };
}

function withoutLeaderNow(refused: string): Refusal {
  return { code: 'LEADER_NOT_AVAILABLE', refused };
}

/**
 * Ends the reassignment under way once all that it adds are in sync, and those that leave can (`changeAssignment`). Null
 * while it has to wait. The members that stay must be registered with their logs: what leaves is deleted afterwards.
 */
export function completeReassignment(
  record: PartitionRecord,
  view: BrokersView,
  minInsyncReplicas: number,
): AssignmentChange | null {
  if (!isReassigning(record) || leaderStatus(view, record) !== 'leading') return null;
  const target = targetReplicas(record);
  const staying = record.isr.filter(({ broker }) => target.includes(broker));
  if (!record.adding.every((broker) => staying.some((member) => member.broker === broker))) return null;
  if (staying.some((member) => replicaStatus(view, member) !== 'active')) return null;
  if (staying.length < effectiveMinIsr(minInsyncReplicas, target.length)) return null;
  const change = changeAssignment(record, settledOn(target), view, minInsyncReplicas);
  return 'refused' in change ? null : withMinimum(change, effectiveMinIsr(minInsyncReplicas, target.length));
}

/** Another number of replicas may have another minimum; the ISR has it, so nobody beside it is eligible. */
function withMinimum({ record, elected }: AssignmentChange, minIsr: number): AssignmentChange {
  return { record: { ...record, minIsr, elr: [] }, elected };
}
