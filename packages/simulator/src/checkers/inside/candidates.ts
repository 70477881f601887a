import type { Violation } from '../../run/result';
import type { PartitionSample } from './cluster-sample';

/**
 * At every instant whoever may be elected cleanly (a live member of the ISR, or of the ELR, with the very log that the record
 * names) holds everything that was acknowledged with acks=all, and everything below the acting leader's high watermark.
 */
export function candidatesHoldEverything(sample: PartitionSample): Violation[] {
  const { record, replicas, acknowledgedEnd, name, at } = sample;
  const leader = replicas.find((replica) => isActingLeader(sample, replica.broker));
  const violations: Violation[] = [];
  for (const { broker, logId } of [...record.isr, ...record.elr]) {
    const replica = replicas.find((one) => one.broker === broker && one.logIds.includes(logId));
    if (replica === undefined) continue;
    const eligible = record.isr.some((member) => member.broker === broker) ? 'in the ISR' : 'in the ELR';
    const told = `${name}: broker ${broker}, ${eligible}, ends at ${replica.logEnd}`;
    if (replica.logEnd < acknowledgedEnd) {
      const message = `${told}; up to ${acknowledgedEnd} was acknowledged`;
      violations.push({ invariant: '3 candidates', at, message });
    } else if (leader !== undefined && replica.logEnd < leader.highWatermark) {
      const message = `${told}; the high watermark of broker ${leader.broker} is ${leader.highWatermark}`;
      violations.push({ invariant: '6 in sync', at, message });
    }
  }
  return violations;
}

/** Leads in the epoch of the record, so that its high watermark counts. */
function isActingLeader({ record, replicas }: PartitionSample, broker: number): boolean {
  const replica = replicas.find((one) => one.broker === broker);
  return record.leader?.broker === broker && replica?.isLeader === true && replica.leaderEpoch === record.leaderEpoch;
}
