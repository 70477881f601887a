import { nextLeftoverDeadline, planCompletedDeletions, planLeftovers } from './cleanup';
import type { ControllerState } from './controller-state';
import { nextAbsenceDeadline } from './detection/absence';
import { type Fencing, planFencing } from './detection/fencing';
import { withSuccession } from './detection/succession';
import { planLeaderBalance } from './partitions/leader-balance';
import { planPartitionChanges } from './partitions/plan-partitions';
import { claimGuard } from './txn/guards';
import { batchChanges, type PlannedTxn } from './txn/planned-txn';

export interface ReconcilePlan {
  /** Brokers to fence. First of all: whatever this leads to and isn't part of it waits until the image shows them gone. */
  readonly fencings: readonly Fencing[];
  /** Everything else, most urgent first. Each stands alone. */
  readonly transactions: readonly PlannedTxn[];
  /** Give up the claim: this controller hears no other broker. */
  readonly standDown: boolean;
  /** The transactions balance the leaderships: the next time that they are due can be set. */
  readonly balances: boolean;
  /** When to look again although nothing changes; null when nothing is waited for. */
  readonly nextDeadline: number | null;
}

/** The difference between the cluster as it is and as it should be, as transactions. It remembers nothing. */
export function reconcile(state: ControllerState, now: number): ReconcilePlan {
  const fencing = planFencing(state, now);
  const partitions = planPartitionChanges(state, now);
  // Only when nothing is amiss: each of these elections relies on a record that is as it should be.
  const balances = partitions.length === 0 && now >= state.leaderBalance.dueAt;
  const changes = [
    ...partitions,
    ...(balances ? planLeaderBalance(state, now) : []),
    ...planCompletedDeletions(state),
    ...planLeftovers(state, now),
  ];
  const nextDeadline = Math.min(
    fencing.nextDeadline,
    nextAbsenceDeadline(state, missingBrokers(state), now),
    nextLeftoverDeadline(state, now),
    state.leaderBalance.dueAt > now ? state.leaderBalance.dueAt : Number.POSITIVE_INFINITY,
  );
  return {
    fencings: withSuccession(state, fencing.fencings, now),
    transactions: batchChanges(changes, [claimGuard(state.keys, state.claim)]),
    standDown: fencing.standDown,
    balances,
    nextDeadline: Number.isFinite(nextDeadline) ? nextDeadline : null,
  };
}

/** The brokers on which partition records rely, and that aren't registered. */
function missingBrokers(state: ControllerState): Set<number> {
  const missing = new Set<number>();
  const note = (broker: number): void => {
    if (!state.image.brokers.has(broker)) missing.add(broker);
  };
  for (const partitions of state.image.partitions.values()) {
    for (const { value } of partitions.values()) {
      if (value.leader !== null) note(value.leader.broker);
      for (const member of value.isr) note(member.broker);
      for (const member of value.elr) note(member.broker);
    }
  }
  return missing;
}
