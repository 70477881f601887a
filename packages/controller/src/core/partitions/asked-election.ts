import { OttlaError } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import { partitionOf, type ReassignmentContext } from '../reassignment/plan-reassignment';
import type { PlannedChange } from '../txn/planned-txn';
import { elect } from './election';
import { settleInSync } from './in-sync';
import { electPreferred, preferredLeader } from './leader-balance';
import { askedView, type BrokersView } from './liveness';
import { type PartitionChange, withLeader } from './partition-change';
import { planPartitionChange } from './plan-partitions';

/** Kafka's types of asked-for elections (KIP-183, KIP-460). */
export type AskedElection = 'preferred' | 'unclean';

/**
 * An election that somebody asked for. `unclean` is for partitions without a leader: it takes whoever is there, those that
 * may hold everything first.
 *
 * @throws OttlaError UNKNOWN_TOPIC_OR_PARTITION, ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE,
 *   ELIGIBLE_LEADERS_NOT_AVAILABLE.
 */
export function planElection(
  context: Pick<ReassignmentContext, 'image' | 'keys'>,
  kind: AskedElection,
  name: string,
  partition: number,
): PlannedChange {
  const { topic, record } = partitionOf(context.image, name, partition);
  const { leader } = record.value;
  if (kind === 'preferred' ? leader?.broker === preferredLeader(record.value) : leader !== null) {
    throw new OttlaError('ELECTION_NOT_NEEDED', `${name}-${partition}: broker ${leader?.broker} leads it already`);
  }
  const elected = (kind === 'preferred' ? electPreferred : electAnyone)(record.value, viewFor(kind, context));
  if (elected !== null) return planPartitionChange(context, topic, partition, record, elected);
  throw kind === 'preferred'
    ? new OttlaError(
        'PREFERRED_LEADER_NOT_AVAILABLE',
        `${name}-${partition}: its preferred leader, broker ${preferredLeader(record.value)}, is not in sync, or not there`,
      )
    : new OttlaError(
        'ELIGIBLE_LEADERS_NOT_AVAILABLE',
        `${name}-${partition}: none of its replicas is there to lead it`,
      );
}

/** Before an unclean election the controller has given up the brokers that are away: it left the partition leaderless. */
function viewFor(kind: AskedElection, { image }: Pick<ReassignmentContext, 'image'>): BrokersView {
  return kind === 'preferred' ? askedView(image.brokers) : { registrations: image.brokers, isUnjudged: () => false };
}

function electAnyone(record: PartitionRecord, view: BrokersView): PartitionChange | null {
  const inSync = settleInSync(record, view);
  const elected = elect(record, inSync, view, true);
  return elected === null ? null : { kind: 'elected', record: withLeader(record, inSync, view, elected), elected };
}
