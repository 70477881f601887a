import type { Mutant } from './mutant';

const ISR = 'packages/replication/src/rules/isr.ts';
const FOLLOWERS = 'packages/replication/src/leader/followers.ts';
const ACKNOWLEDGEMENT = 'packages/replication/src/rules/acknowledgement.ts';

/** What counts as committed, and who is told so. */
export const HIGH_WATERMARK: readonly Mutant[] = [
  {
    name: 'high-watermark-over-committed-isr-only',
    ambush: 'an ISR expansion that the leader knows nothing of, then the leader dies',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records, when a replica that was just let into the ISR is elected.',
    edits: [
      {
        file: 'packages/replication/src/leader/isr-changes.ts',
        find: `    return maximalIsr(maximalIsr(record.isr, this.inFlight?.isr ?? []), this.uncertain ?? []);`,
        replace: `    return record.isr;`,
      },
    ],
  },
  {
    name: 'high-watermark-below-minimum',
    ambush: 'the last in sync dies, an eligible leader is there',
    invariant: '4 consumed',
    loses: 'Records that consumers have read, when an eligible leader replica (KIP-966) is elected.',
    edits: [{ file: ISR, find: `  if (!hasMinimum(record)) return current;\n`, replace: '' }],
  },
  {
    name: 'pending-expansion-counts-toward-minimum',
    ambush: 'one comes back while another is eligible, and the leader cannot tell the store',
    invariant: '4 consumed',
    loses: 'Records that consumers have read: the store still names eligible leaders that lack them.',
    edits: [
      {
        file: ISR,
        find: `  if (!hasMinimum(record)) return current;`,
        replace: `  if (members.length < record.minIsr) return current;`,
      },
    ],
  },
  {
    name: 'acknowledged-on-append',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records, whenever a leader dies: acks=all promises no more than acks=1.',
    edits: [
      {
        file: ACKNOWLEDGEMENT,
        find: `  return endOffset <= (acks === 1 ? offsets.logEnd : offsets.highWatermark);`,
        replace: `  return endOffset <= offsets.logEnd;`,
      },
    ],
  },
  {
    name: 'duplicate-acknowledged-early',
    ambush: 'stop each new leader for a while',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records: a producer that tries again is told of success before there is any.',
    edits: [
      {
        file: ACKNOWLEDGEMENT,
        find: `  return isAcknowledged(acks, endOffset, offsets);`,
        replace: `  return endOffset <= offsets.logEnd;`,
      },
    ],
  },
  {
    name: 'log-end-kept-across-epochs',
    ambush: 'a follower behind a slow link loses its tail',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records: the leader counts what a follower held before it was cut back.',
    edits: [
      {
        file: FOLLOWERS,
        find: `      this.byBroker.set(broker, unknownProgress(broker));`,
        replace: `      const ends = (this.core as unknown as { ends?: Map<number, { logId: string; logEnd: number }> }).ends;
      this.byBroker.set(broker, { ...unknownProgress(broker), ...ends?.get(broker) });`,
      },
      {
        file: FOLLOWERS,
        find: `    progress.hasReported = true;`,
        replace: `    const known = this.core as unknown as { ends?: Map<number, { logId: string | null; logEnd: number }> };
    known.ends ??= new Map();
    known.ends.set(progress.broker, { logId: progress.logId, logEnd });
    progress.hasReported = true;`,
      },
      {
        file: FOLLOWERS,
        find: `    progress.logId = message.logId;
    progress.logEnd = null;`,
        replace: `    progress.logId = message.logId;`,
      },
      {
        file: FOLLOWERS,
        find: `    progress.logEnd = logEnd;`,
        replace: `    progress.logEnd = Math.max(progress.logEnd ?? 0, logEnd);`,
      },
    ],
  },
  {
    name: 'latest-before-epoch-start',
    ambush: 'kill each new leader',
    invariant: '4 consumed',
    loses: 'A consumer that starts at the latest offset is sent back, and reads records that it should not see.',
    edits: [
      {
        file: ACKNOWLEDGEMENT,
        find: `  return epochStart !== null && highWatermark >= epochStart;`,
        replace: `  return epochStart !== null;`,
      },
    ],
  },
  {
    name: 'served-above-high-watermark',
    invariant: '4 consumed',
    loses: 'Consumers read records that vanish when the leader dies.',
    edits: [
      {
        file: 'packages/broker/src/partition/partition-host.ts',
        find: `    const upTo = options.isolation === 'read_committed' ? lastStableOffset : highWatermark;`,
        replace: `    const upTo = this.logEnd;`,
      },
      {
        file: 'packages/broker/src/handlers/log/fetched-partition.ts',
        find: `    return this.isolation === 'read_committed' ? local.lastStableOffset : local.highWatermark;`,
        replace: `    return local.logEnd;`,
      },
    ],
  },
];
