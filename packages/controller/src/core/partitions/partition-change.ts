import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import { isReassigning, originalReplicas } from '../reassignment/assignment';
import { completeReassignment } from '../reassignment/assignment-change';
import { type Elected, elect, electFromIsr } from './election';
import {
  effectiveMinIsr,
  eligibleLeaders,
  type InSync,
  sameReplicas,
  settleInSync,
  staysInSync,
  withoutDraining,
} from './in-sync';
import { type BrokersView, leaderStatus, replicaStatus } from './liveness';

export interface PartitionPolicy {
  /** `min.insync.replicas` as configured now. */
  readonly minInsyncReplicas: number;
  readonly uncleanAllowed: boolean;
}

/**
 * What changed most:
 * - `elected`: a partition without a leader has one again;
 * - `moved`: a draining leader handed over;
 * - `leaderless`: the leader is gone and nobody may follow it;
 * - `in-sync`: only ISR or ELR;
 * - `minimum`: the effective minimum, and the ELR with it;
 * - `reassigning`: a reassignment began, got another target or was cancelled; `reassigned`: it completed;
 * - `preferred`: the preferred leader leads again.
 */
export type ChangeKind =
  | 'elected'
  | 'moved'
  | 'leaderless'
  | 'in-sync'
  | 'minimum'
  | 'reassigning'
  | 'reassigned'
  | 'preferred';

export interface PartitionChange {
  readonly kind: ChangeKind;
  readonly record: PartitionRecord;
  readonly elected: Elected | null;
}

/** The record as it should be, null when it is so. Only one thing at a time, the most urgent first. */
export function changePartition(
  record: PartitionRecord,
  view: BrokersView,
  policy: PartitionPolicy,
): PartitionChange | null {
  if (isSettled(record, view, policy)) return null;
  const inSync = settleInSync(record, view);
  return (
    changeLeader(record, inSync, view, policy) ??
    changeInSync(record, inSync, view) ??
    changeAssigned(record, view, policy) ??
    changeMinimum(record, view, policy)
  );
}

/** The usual case, told without building anything: every partition is looked at after every change of the image. */
function isSettled(record: PartitionRecord, view: BrokersView, policy: PartitionPolicy): boolean {
  return (
    record.minIsr === minIsrOf(record, policy) &&
    record.elr.length === 0 &&
    !isReassigning(record) &&
    record.isr.length >= record.minIsr &&
    leaderStatus(view, record) === 'leading' &&
    record.isr.every((member) => staysInSync(record, view, member) && replicaStatus(view, member) !== 'draining')
  );
}

function changeLeader(
  record: PartitionRecord,
  inSync: InSync,
  view: BrokersView,
  policy: PartitionPolicy,
): PartitionChange | null {
  switch (leaderStatus(view, record)) {
    case 'leading':
    case 'unjudged':
      return null;
    case 'draining': {
      const elected = electFromIsr(record, inSync, view);
      return elected === null ? null : { kind: 'moved', record: withLeader(record, inSync, view, elected), elected };
    }
    case 'none':
    case 'gone': {
      const elected = elect(record, inSync, view, policy.uncleanAllowed);
      if (elected !== null) return { kind: 'elected', record: withLeader(record, inSync, view, elected), elected };
      return record.leader === null
        ? null
        : { kind: 'leaderless', record: withoutLeader(record, inSync), elected: null };
    }
  }
}

/** A new leader begins a new epoch: a leader epoch has one (broker, run), for ever. */
export function withLeader(
  record: PartitionRecord,
  inSync: InSync,
  view: BrokersView,
  elected: Elected,
): PartitionRecord {
  const next = {
    ...record,
    leader: elected.leader,
    leaderEpoch: nextEpoch(record),
    lastKnownLeader: elected.replica,
    unclean: beganUncleanly(elected),
  };
  if (elected.kind !== 'isr') return { ...next, isr: [elected.replica], elr: eligibleBeside(record, view, elected) };
  const isr = withoutDraining(record, view, inSync.isr, elected.leader.broker);
  return { ...next, isr: [...isr], elr: eligibleLeaders(record, view, isr) };
}

/** After an unclean election nobody's log is known to agree with the leader's. */
function eligibleBeside(record: PartitionRecord, view: BrokersView, elected: Elected): ReplicaId[] {
  return beganUncleanly(elected) ? [] : eligibleLeaders(record, view, [elected.replica]);
}

export function beganUncleanly(elected: Elected): boolean {
  return elected.kind === 'last-known' || elected.kind === 'unclean';
}

export function nextEpoch(record: PartitionRecord): number {
  return record.leaderEpoch + 1;
}

/** To have no leader is an epoch of its own, so that the old leader can't be taken for the current one. */
function withoutLeader(record: PartitionRecord, inSync: InSync): PartitionRecord {
  const leader = record.isr.find((member) => member.broker === record.leader?.broker);
  return {
    ...record,
    leader: null,
    leaderEpoch: nextEpoch(record),
    isr: [...inSync.isr],
    elr: [...inSync.elr],
    lastKnownLeader: leader ?? record.lastKnownLeader,
    unclean: false,
  };
}

function changeInSync(record: PartitionRecord, inSync: InSync, view: BrokersView): PartitionChange | null {
  const isr = withoutDraining(record, view, inSync.isr, record.leader?.broker ?? null);
  const elr = eligibleLeaders(record, view, isr);
  if (sameReplicas(isr, record.isr) && sameReplicas(elr, record.elr)) return null;
  return { kind: 'in-sync', record: { ...record, isr: [...isr], elr }, elected: null };
}

function changeAssigned(record: PartitionRecord, view: BrokersView, policy: PartitionPolicy): PartitionChange | null {
  const completed = completeReassignment(record, view, policy.minInsyncReplicas);
  return completed === null ? null : { kind: 'reassigned', ...completed };
}

/**
 * Eligible leaders are safe only under the minimum at which they left the ISR: another one empties the ELR. Not before a
 * leader leads, for without one they may be all that holds the committed records.
 */
export function changeMinimum(
  record: PartitionRecord,
  view: BrokersView,
  policy: PartitionPolicy,
): PartitionChange | null {
  const minIsr = minIsrOf(record, policy);
  if (record.minIsr === minIsr || leaderStatus(view, record) !== 'leading') return null;
  return { kind: 'minimum', record: { ...record, minIsr, elr: [] }, elected: null };
}

/** Replicas that are only being added don't count: what was enough for acks=all before stays enough. */
function minIsrOf(record: PartitionRecord, policy: PartitionPolicy): number {
  return effectiveMinIsr(policy.minInsyncReplicas, originalReplicas(record).length);
}
