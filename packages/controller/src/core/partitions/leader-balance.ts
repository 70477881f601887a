import type { PartitionRecord } from '@ottla/replication';
import type { ControllerState } from '../controller-state';
import { brokersView } from '../detection/absence';
import { isReassigning } from '../reassignment/assignment';
import type { PlannedChange } from '../txn/planned-txn';
import { isCandidate } from './election';
import { settleInSync } from './in-sync';
import { type BrokersView, leaderStatus } from './liveness';
import { type PartitionChange, withLeader } from './partition-change';
import { planPartitionChange } from './plan-partitions';

/** The broker that leads the partition unless something is amiss: the first of its assignment. */
export function preferredLeader({ replicas }: PartitionRecord): number | undefined {
  return replicas[0];
}

/** Hands the leadership to the preferred leader; null when it leads, or isn't in sync and active. */
export function electPreferred(record: PartitionRecord, view: BrokersView): PartitionChange | null {
  const preferred = preferredLeader(record);
  if (preferred === undefined || record.leader?.broker === preferred) return null;
  const inSync = settleInSync(record, view);
  const replica = inSync.isr.find(({ broker }) => broker === preferred);
  const registration = view.registrations.get(preferred)?.value;
  if (replica === undefined || registration === undefined || !isCandidate(view, replica)) return null;
  const elected = { kind: 'isr' as const, replica, leader: { broker: preferred, run: registration.run } };
  return { kind: 'preferred', record: withLeader(record, inSync, view, elected), elected };
}

/**
 * For each broker of whose partitions others lead too large a share, the elections that bring its
 * leaderships back. Partitions that are being reassigned wait until that is over.
 */
export function planLeaderBalance(state: ControllerState, now: number): PlannedChange[] {
  const view = brokersView(state, now);
  const shares = new Map<number, { preferred: number; elections: PlannedChange[]; ledByOthers: number }>();
  for (const topic of state.image.topics.values()) {
    for (const [partition, record] of state.image.partitions.get(topic.value.topicId) ?? []) {
      const broker = preferredLeader(record.value);
      if (partition >= topic.value.partitions || broker === undefined) continue;
      const share = shares.get(broker) ?? { preferred: 0, elections: [], ledByOthers: 0 };
      shares.set(broker, share);
      share.preferred += 1;
      if (record.value.leader?.broker === broker) continue;
      share.ledByOthers += 1;
      const change = mustWait(record.value, view) ? null : electPreferred(record.value, view);
      if (change !== null) share.elections.push(planPartitionChange(state, topic, partition, record, change));
    }
  }
  const { perBrokerPercentage } = state.leaderBalance;
  return [...shares.values()].flatMap(({ preferred, ledByOthers, elections }) =>
    ledByOthers * 100 > perBrokerPercentage * preferred ? elections : [],
  );
}

/** Its leader is changing anyhow, or it's being reassigned. */
function mustWait(record: PartitionRecord, view: BrokersView): boolean {
  return isReassigning(record) || leaderStatus(view, record) !== 'leading';
}
