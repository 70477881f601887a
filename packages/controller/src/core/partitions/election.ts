import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import type { ElectionKind } from '../controller-event';
import type { InSync } from './in-sync';
import { type BrokersView, replicaStatus } from './liveness';

export interface Elected {
  readonly kind: ElectionKind;
  readonly leader: { readonly broker: number; readonly run: string };
  readonly replica: ReplicaId;
}

/**
 * Who leads next, null when nobody may. The first in the order of the assignment: of the ISR; of the eligible leaders
 * when the ISR is empty; when both are, the last known leader; anyone else only when unclean elections are allowed.
 * Whoever is elected is registered, active, and (but for the last two rules) holds the very log that the record names.
 */
export function elect(
  record: PartitionRecord,
  inSync: InSync,
  view: BrokersView,
  uncleanAllowed: boolean,
): Elected | null {
  return (
    electFromIsr(record, inSync, view) ??
    electFromElr(record, inSync, view) ??
    electLastKnown(record, inSync, view) ??
    (uncleanAllowed ? electUnclean(record, inSync, view) : null)
  );
}

export function electFromIsr(record: PartitionRecord, inSync: InSync, view: BrokersView): Elected | null {
  return firstCandidate('isr', candidateOrder(record), inSync.isr, view);
}

export function electFromElr(record: PartitionRecord, inSync: InSync, view: BrokersView): Elected | null {
  if (inSync.isr.length > 0) return null;
  return firstCandidate('elr', record.replicas, inSync.elr, view);
}

/**
 * The last known leader leads again with whatever it holds, also when it can't prove that nothing was lost: nobody is
 * known to hold more. A partition with a single replica comes back by this rule after its machine crashed.
 */
export function electLastKnown(record: PartitionRecord, inSync: InSync, view: BrokersView): Elected | null {
  if (inSync.isr.length > 0 || inSync.elr.length > 0 || record.lastKnownLeader === null) return null;
  return asCandidate('last-known', record.lastKnownLeader.broker, record, view);
}

/**
 * Not while someone who may hold every committed record is still there, or may be. Replicas that a reassignment is only
 * adding come last: they may hold next to nothing.
 */
export function electUnclean(record: PartitionRecord, inSync: InSync, view: BrokersView): Elected | null {
  if ([...inSync.isr, ...inSync.elr].some((replica) => mayStillLead(view, replica))) return null;
  const settled = record.replicas.filter((broker) => !record.adding.includes(broker));
  for (const broker of [...settled, ...record.adding]) {
    const elected = asCandidate('unclean', broker, record, view);
    if (elected !== null) return elected;
  }
  return null;
}

/**
 * The assignment's order, but a leader that resigned (it had to give up in spite of being in sync) comes last: it would
 * resign again.
 */
export function candidateOrder(record: PartitionRecord): readonly number[] {
  const last = record.lastKnownLeader?.broker;
  if (record.leader !== null || last === undefined || !record.replicas.includes(last)) return record.replicas;
  return [...record.replicas.filter((broker) => broker !== last), last];
}

function firstCandidate(
  kind: ElectionKind,
  order: readonly number[],
  among: readonly ReplicaId[],
  view: BrokersView,
): Elected | null {
  for (const broker of order) {
    const replica = among.find((member) => member.broker === broker);
    if (replica === undefined || !isCandidate(view, replica)) continue;
    return { kind, replica, leader: { broker, run: view.registrations.get(broker)!.value.run } };
  }
  return null;
}

/** A draining broker is about to leave; one with another log may miss records. */
export function isCandidate(view: BrokersView, replica: ReplicaId): boolean {
  return replicaStatus(view, replica) === 'active';
}

function mayStillLead(view: BrokersView, replica: ReplicaId): boolean {
  const status = replicaStatus(view, replica);
  return status === 'active' || status === 'draining' || status === 'unjudged';
}

/** The broker with the log that it has now. */
function asCandidate(kind: ElectionKind, broker: number, record: PartitionRecord, view: BrokersView): Elected | null {
  const registration = view.registrations.get(broker)?.value;
  const logId = registration?.logIds[0];
  if (registration === undefined || logId === undefined || !record.replicas.includes(broker)) return null;
  const kept = [record.lastKnownLeader, ...record.isr, ...record.elr].find(
    (replica) => replica?.broker === broker && registration.logIds.includes(replica.logId),
  );
  const replica = kept ?? { broker, logId };
  return isCandidate(view, replica) ? { kind, replica, leader: { broker, run: registration.run } } : null;
}
