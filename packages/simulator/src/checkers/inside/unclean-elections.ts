import type { ReplicaId } from '@ottla/replication';
import type { Violation } from '../../run/result';
import { type Truth, valueAt } from '../truth';

const INVARIANT = '3 unclean';

/**
 * An epoch begins uncleanly only when nobody who may hold everything is there: each member of the ISR and the ELR before it
 * is gone, or came back with another log. Where the topic doesn't allow unclean elections each has come back with another log,
 * or was already given up as such, and the elected one led last.
 */
export function uncleanElections(truth: Truth): Violation[] {
  const violations: Violation[] = [];
  for (const [key, versions] of truth.partitions) {
    for (const [index, { at, value, restored }] of versions.entries()) {
      const before = versions[index - 1]?.value;
      if (value === null || before == null || restored || !value.unclean) continue;
      if (value.leaderEpoch === before.leaderEpoch) continue;
      for (const replica of [...before.isr, ...before.elr]) {
        if (!isThere(truth, replica, at)) continue;
        const message = `${key}: leader epoch ${value.leaderEpoch} began uncleanly under broker ${value.leader?.broker}; broker ${replica.broker} was there with its log, and holds everything`;
        violations.push({ invariant: INVARIANT, at, message });
      }
      if (
        value.leader !== null &&
        !mayLeadUncleanly(truth, key, at, before.lastKnownLeader?.broker, value.leader.broker)
      ) {
        const message = `${key}: broker ${value.leader.broker} was elected uncleanly; it didn't lead last, and unclean elections are off`;
        violations.push({ invariant: INVARIANT, at, message });
      }
    }
  }
  return violations;
}

/** Registered, active, with that log. */
function isThere({ registrations }: Truth, { broker, logId }: ReplicaId, at: number): boolean {
  const registration = valueAt(registrations.get(broker), at);
  return registration !== null && registration.state === 'active' && registration.logIds.includes(logId);
}

/** Before how many ms a setting may have been another that the controller still went by. */
const SETTING_HEARD_MS = 3_000;

function mayLeadUncleanly(
  truth: Truth,
  key: string,
  at: number,
  lastKnown: number | undefined,
  elected: number,
): boolean {
  if (lastKnown === elected) return true;
  const topicId = key.split('/')[0]!;
  for (const versions of truth.topics.values()) {
    for (const [index, { value }] of versions.entries()) {
      const until = versions[index + 1]?.at ?? Number.POSITIVE_INFINITY;
      if (value?.topicId !== topicId || until < at - SETTING_HEARD_MS) continue;
      if (value.configs['unclean.leader.election.enable'] === 'true') return true;
    }
  }
  return false;
}
