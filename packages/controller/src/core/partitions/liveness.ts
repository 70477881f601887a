import type { BrokerRegistration, Versioned } from '@ottla/metadata';
import type { PartitionRecord, ReplicaId } from '@ottla/replication';

/** Which brokers are there, as far as elections are concerned. */
export interface BrokersView {
  readonly registrations: ReadonlyMap<number, Versioned<BrokerRegistration>>;
  /** The broker isn't registered, and yet it's too early to conclude that it's gone. */
  isUnjudged(broker: number): boolean;
}

/** As any broker may see them: it can't tell whether one that isn't registered is gone. */
export function askedView(registrations: BrokersView['registrations']): BrokersView {
  return { registrations, isUnjudged: () => true };
}

/**
 * What became of a replica named by an ISR, an ELR or as the last known leader:
 * - `active`: its broker is registered with that log, and takes leaderships;
 * - `draining`: likewise, but its broker is about to leave;
 * - `lost`: its broker is registered, and that log is no longer among its logs: what it held can't be relied on;
 * - `unjudged`: its broker isn't registered, for too short a time to conclude anything;
 * - `absent`: its broker is gone; its log may come back with it.
 */
export type ReplicaStatus = 'active' | 'draining' | 'lost' | 'unjudged' | 'absent';

export function replicaStatus(view: BrokersView, replica: ReplicaId): ReplicaStatus {
  const registration = view.registrations.get(replica.broker)?.value;
  if (registration === undefined) return view.isUnjudged(replica.broker) ? 'unjudged' : 'absent';
  if (!hasLog(registration, replica)) return 'lost';
  return registration.state;
}

/** A log id is replaced when a broker can't prove that nothing written was lost. */
export function hasLog(registration: BrokerRegistration, replica: ReplicaId): boolean {
  return registration.logIds.includes(replica.logId);
}

/**
 * What became of a partition's leader: `gone` when its broker is absent, runs anew, lost the log, or left the ISR;
 * `unjudged` leaders keep leading.
 */
export type LeaderStatus = 'none' | 'leading' | 'draining' | 'unjudged' | 'gone';

export function leaderStatus(view: BrokersView, record: PartitionRecord): LeaderStatus {
  if (record.leader === null) return 'none';
  const { broker, run } = record.leader;
  const member = record.isr.find((replica) => replica.broker === broker);
  const registration = view.registrations.get(broker)?.value;
  if (registration !== undefined && !leadsInThisRun(registration, run)) return 'gone';
  if (member === undefined) return 'gone';
  switch (replicaStatus(view, member)) {
    case 'active':
      return 'leading';
    case 'draining':
      return 'draining';
    case 'unjudged':
      return 'unjudged';
    default:
      return 'gone';
  }
}

/** A broker leads only in the run that the record names. */
export function leadsInThisRun(registration: BrokerRegistration, run: string): boolean {
  return registration.run === run;
}
