import type { PartitionRecord, ReplicaId } from '@ottla/replication';
import type { Finding } from './membership-rules';
import type { StoreView } from './store-view';

const IN_SYNC = '6 in sync';
const ONE_LEADER = '1 one leader';

/** Whether a version of a partition's record may follow the one before. `view` is the store as the writer met it. */
export function checkPartition(
  before: PartitionRecord | null,
  after: PartitionRecord,
  writer: number | null,
  view: StoreView,
): Finding[] {
  const itself = checkRecord(after);
  if (before === null) return itself;
  const succession =
    after.leaderEpoch === before.leaderEpoch
      ? checkSameEpoch(before, after, writer, view)
      : checkNewEpoch(before, after, writer, view);
  return [...itself, ...succession];
}

function checkRecord(record: PartitionRecord): Finding[] {
  const { leader, isr, elr, minIsr } = record;
  const findings: Finding[] = [];
  if (leader !== null && !isr.some(({ broker }) => broker === leader.broker)) {
    findings.push({ invariant: IN_SYNC, message: `the ISR [${ids(isr)}] lacks the leader ${leader.broker}` });
  }
  if (elr.length > 0 && isr.length >= minIsr) {
    const message = `with ${isr.length} in sync, and a minimum of ${minIsr}, there are eligible leaders: [${ids(elr)}]`;
    findings.push({ invariant: IN_SYNC, message });
  }
  if (elr.some((replica) => isr.some(({ broker }) => broker === replica.broker))) {
    findings.push({ invariant: IN_SYNC, message: `ISR [${ids(isr)}] and ELR [${ids(elr)}] overlap` });
  }
  return findings;
}

function checkSameEpoch(
  before: PartitionRecord,
  after: PartitionRecord,
  writer: number | null,
  view: StoreView,
): Finding[] {
  const findings: Finding[] = [];
  const leads = before.leader !== null && writer === before.leader.broker;
  const controls = writer !== null && writer === view.claim?.value.broker;
  if (after.leader !== null && !sameLeader(before, after)) {
    const message = `leader epoch ${after.leaderEpoch} was given out twice: to ${nameOf(before)}, then to ${nameOf(after)}`;
    findings.push({ invariant: ONE_LEADER, message });
  }
  const itsOwn = leads && !controls && hasSameAssignment(before, after);
  if (itsOwn && view.registrations.get(writer)?.value.run !== before.leader!.run) {
    const message = `broker ${writer} wrote the record that it leads without being registered in run ${before.leader!.run}`;
    findings.push({ invariant: IN_SYNC, message });
  }
  for (const added of missingIn(before.isr, after.isr)) {
    const registered = view.registrations.get(added.broker)?.value;
    if (registered?.state === 'active' && registered.logIds.includes(added.logId)) continue;
    const truth = registered === undefined ? 'not registered' : `${registered.state} with log ${registered.logIds}`;
    const message = `broker ${added.broker} with log ${added.logId} came into the ISR, and is ${truth}`;
    findings.push({ invariant: IN_SYNC, message });
  }
  if (before.minIsr !== after.minIsr && after.elr.length > 0) {
    const message = `the minimum went from ${before.minIsr} to ${after.minIsr}, and left eligible leaders: [${ids(after.elr)}]`;
    findings.push({ invariant: IN_SYNC, message });
  }
  return findings;
}

/** Assignments are changed for administrators, by whichever broker they ask. */
function hasSameAssignment(before: PartitionRecord, after: PartitionRecord): boolean {
  const namesOf = ({ replicas, adding, removing }: PartitionRecord): string => [replicas, adding, removing].join('/');
  return namesOf(before) === namesOf(after);
}

function checkNewEpoch(
  before: PartitionRecord,
  after: PartitionRecord,
  writer: number | null,
  view: StoreView,
): Finding[] {
  const findings: Finding[] = [];
  if (after.leaderEpoch < before.leaderEpoch) {
    const message = `the leader epoch went back from ${before.leaderEpoch} to ${after.leaderEpoch}`;
    findings.push({ invariant: ONE_LEADER, message });
  }
  if (writer !== view.claim?.value.broker && !mayBeAskedFor(before, after, view)) {
    const controller = view.claim === null ? 'nobody is' : `broker ${view.claim.value.broker} is`;
    const message = `broker ${writer} began leader epoch ${after.leaderEpoch}, and ${controller} the controller`;
    findings.push({ invariant: '1 one controller', message });
  }
  return after.leader === null ? findings : [...findings, ...checkElected(before, after, view)];
}

/**
 * Whether it may be the election of a preferred leader, or an unclean one, that somebody asked for: any broker carries
 * that out. What else becomes of the partitions of a broker that is gone is the controller's to decide.
 */
function mayBeAskedFor({ leader }: PartitionRecord, after: PartitionRecord, { registrations }: StoreView): boolean {
  if (leader === null || after.leader?.broker === after.replicas[0]) return true;
  return registrations.get(leader.broker)?.value.run === leader.run;
}

/** The elected one is there, in this run, with the log that the record says; and it was a candidate. */
function checkElected(before: PartitionRecord, after: PartitionRecord, view: StoreView): Finding[] {
  const leader = after.leader!;
  const registered = view.registrations.get(leader.broker)?.value;
  if (registered?.run !== leader.run) {
    const truth = registered === undefined ? 'not registered' : `registered in run ${registered.run}`;
    return [{ invariant: ONE_LEADER, message: `${nameOf(after)} was elected, and is ${truth}` }];
  }
  const elected = after.isr.find(({ broker }) => broker === leader.broker);
  if (elected === undefined || after.unclean) return [];
  if (!registered.logIds.includes(elected.logId)) {
    const message = `${nameOf(after)} was elected for its log ${elected.logId}, and has ${registered.logIds}`;
    return [{ invariant: '3 acknowledged', message }];
  }
  if (missingIn([...before.isr, ...before.elr], [elected]).length === 0) return [];
  const message = `${nameOf(after)} was elected as in sync, and was in neither ISR [${ids(before.isr)}] nor ELR [${ids(before.elr)}]`;
  return [{ invariant: '3 acknowledged', message }];
}

/** Those of `set` that `known` has not got, by broker and log. */
function missingIn(known: readonly ReplicaId[], set: readonly ReplicaId[]): ReplicaId[] {
  return set.filter(({ broker, logId }) => !known.some((other) => other.broker === broker && other.logId === logId));
}

function sameLeader({ leader: a }: PartitionRecord, { leader: b }: PartitionRecord): boolean {
  return a?.broker === b?.broker && a?.run === b?.run;
}

function nameOf({ leader }: PartitionRecord): string {
  return leader === null ? 'nobody' : `broker ${leader.broker} (run ${leader.run})`;
}

function ids(replicas: readonly ReplicaId[]): string {
  return replicas.map(({ broker }) => broker).join(', ');
}
