import type { BrokerRegistration, TopicRecord } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';

/** A value that the store came to hold, null when the key was deleted. */
export interface Version<T> {
  /** Virtual milliseconds. */
  readonly at: number;
  readonly value: T | null;
  /** Whether it came by a restore of the store from an older snapshot, and not by a transaction. */
  readonly restored: boolean;
}

/** Everything that the store held in a run, in order, and what disks lost: what clients can't see. */
export interface Truth {
  /** By `<topic id>/<partition>`. */
  readonly partitions: ReadonlyMap<string, readonly Version<PartitionRecord>[]>;
  /** By name. */
  readonly topics: ReadonlyMap<string, readonly Version<TopicRecord>[]>;
  readonly registrations: ReadonlyMap<number, readonly Version<BrokerRegistration>[]>;
  /** By `<broker> <topic id>/<partition>`: the leader epochs that a broker's image showed of coordinators' partitions. */
  readonly heard: ReadonlyMap<string, readonly Version<number>[]>;
  /** When a broker's disk lost something that had been written. */
  readonly losses: ReadonlyMap<number, readonly number[]>;
}

/** What a list of versions came to at a time: the last one not after it; null where there was none. */
export function valueAt<T>(versions: readonly Version<T>[] | undefined, at: number): T | null {
  let value: T | null = null;
  for (const version of versions ?? []) {
    if (version.at > at) break;
    value = version.value;
  }
  return value;
}
