import type {
  BrokerRegistration,
  ClusterKeys,
  Compare,
  ControllerClaim,
  DeletionRecord,
  KeyValue,
  TopicRecord,
  Versioned,
} from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';

/** The writer is still the controller by this very claim: claims are only ever created, so the create revision names it. */
export function claimGuard(keys: ClusterKeys, claim: Versioned<ControllerClaim>): Compare {
  return { key: keys.controller(), target: 'create', equals: claim.createRevision };
}

/** Nobody changed the partition's record since it was read. */
export function partitionGuard(
  keys: ClusterKeys,
  topicId: string,
  partition: number,
  record: Versioned<PartitionRecord>,
): Compare {
  return { key: keys.partition(topicId, partition), target: 'mod', equals: record.modRevision };
}

/**
 * The broker is still registered as it was read: same run, log ids and state. By mod revision: a broker that begins to
 * drain rewrites its registration in place.
 */
export function registrationGuard(keys: ClusterKeys, registration: Versioned<BrokerRegistration>): Compare {
  return { key: keys.broker(registration.value.broker), target: 'mod', equals: registration.modRevision };
}

/** The broker's registration is still the one that was read, whatever its state: nothing deleted it since. */
export function sameRegistrationGuard(keys: ClusterKeys, registration: Versioned<BrokerRegistration>): Compare {
  return { key: keys.broker(registration.value.broker), target: 'create', equals: registration.createRevision };
}

/** The topic exists, with the partition count and configs that were read. */
export function topicGuard(keys: ClusterKeys, topic: Versioned<TopicRecord>): Compare {
  return { key: keys.topic(topic.value.name), target: 'mod', equals: topic.modRevision };
}

export function deletionGuard(keys: ClusterKeys, deletion: Versioned<DeletionRecord>): Compare {
  return { key: keys.deletion(deletion.value.topicId), target: 'mod', equals: deletion.modRevision };
}

export function absentGuard(key: string): Compare {
  return { key, target: 'create', equals: 0 };
}

export function presentGuard(key: string): Compare {
  return { key, target: 'create', greater: 0 };
}

/** Whether the guard holds for what was read under its key. */
export function guardHolds(guard: Compare, kv: KeyValue | undefined): boolean {
  if (guard.target === 'value') return kv !== undefined && sameBytes(kv.value, guard.equals);
  const actual = kv === undefined ? 0 : revisionOf(kv, guard.target);
  if ('equals' in guard) return actual === guard.equals;
  return 'greater' in guard ? actual > guard.greater : actual < guard.less;
}

function revisionOf(kv: KeyValue, target: 'create' | 'mod' | 'version'): number {
  if (target === 'create') return kv.createRevision;
  return target === 'mod' ? kv.modRevision : kv.version;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
