import type { ControllerState } from '../controller-state';
import { planPartitionChanges } from '../partitions/plan-partitions';
import { registrationGuard } from '../txn/guards';
import { fillTxn, type PlannedChange, Urgency } from '../txn/planned-txn';
import type { Fencing } from './fencing';

/**
 * Has what the fenced broker led elected anew, and the broker taken out of ISRs, by the transaction that fences it: one
 * trip to the store less, while clients wait. Every change is guarded by the registration that it deletes, besides its own
 * guards, so that none of them outlives a refused fencing. Elections that could lose something, what doesn't fit, and
 * what several fencings lead to, follow once the image shows that the brokers are gone.
 */
export function withSuccession(state: ControllerState, fencings: readonly Fencing[], now: number): readonly Fencing[] {
  const [fencing, ...others] = fencings;
  if (fencing === undefined || others.length > 0) return fencings;
  const brokers = new Map(state.image.brokers);
  brokers.delete(fencing.registration.value.broker);
  const fenced = registrationGuard(state.keys, fencing.registration);
  const changes = planPartitionChanges({ ...state, image: { ...state.image, brokers } }, now)
    .filter(isClean)
    .map((change) => ({ ...change, compare: [...change.compare, fenced] }));
  return [{ ...fencing, txn: fillTxn(fencing.txn, changes) }];
}

/** An election of a replica in sync, or a smaller ISR. */
function isClean({ urgency, event }: PlannedChange): boolean {
  if (event === undefined) return urgency === Urgency.SHRINK_ISR;
  return event.type === 'elected' && event.kind === 'isr' && urgency <= Urgency.ELECT_USER_TOPIC;
}
