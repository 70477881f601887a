import type { Mutant } from './mutant';

const DIVERGENCE = 'packages/replication/src/rules/divergence.ts';
const FOLLOWER = 'packages/replication/src/follower.ts';
const REPLICA = 'packages/replication/src/replica.ts';

/** How a follower's log comes to be a copy of its leader's. */
export const TRUNCATION: readonly Mutant[] = [
  {
    name: 'truncate-to-high-watermark',
    ambush: 'kill each new leader',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records, when leaders change quickly: a follower learns of the high watermark late.',
    edits: [
      {
        file: FOLLOWER,
        find: `    if (this.phase.name === 'settling' && this.isStreamOpen && this.core.log.settled) this.subscribe();`,
        replace: `    const { log } = this.core;
    if (this.phase.name !== 'settling' || !this.isStreamOpen || !log.settled) return;
    const self = this as unknown as { cut?: boolean };
    if (self.cut || log.logEnd <= log.highWatermark) return this.subscribe();
    self.cut = true;
    log.beginCut();
    this.core.emit({ type: 'truncate', offset: log.highWatermark });`,
      },
      {
        file: DIVERGENCE,
        find: `  const { epoch, endOffset } = leader.epochs.endOffsetFor(follower.lastEpoch, leader.logEnd);`,
        replace: `  if (follower.endOffset <= leader.logEnd) return { kind: 'agreed' };
  const { epoch, endOffset } = leader.epochs.endOffsetFor(follower.lastEpoch, leader.logEnd);`,
      },
    ],
  },
  {
    name: 'kip-279-dropped',
    ambush: 'leaders with long tails die in turn',
    invariant: '2 logs agree',
    loses: 'Replicas that differ for good after two quick failovers: what a consumer reads depends on who leads.',
    edits: [
      {
        file: DIVERGENCE,
        find: `epoch === follower.lastEpoch && follower.endOffset <= endOffset`,
        replace: `follower.endOffset <= endOffset`,
      },
      {
        file: DIVERGENCE,
        find: `Math.min(leader.endOffset, own.endOffset)`,
        replace: `Math.min(leader.endOffset, follower.logEnd)`,
      },
    ],
  },
  {
    name: 'stale-push-accepted',
    ambush: 'pushes of a former leader are still under way',
    invariant: '2 logs agree',
    loses: "Records of a leadership that is over come back on one replica, and count as the new leader's.",
    edits: [
      {
        file: FOLLOWER,
        find: `    if (!isCurrent(message, this.core.leaderEpoch, this.core.subscription)) return;`,
        replace: `    if (message.type !== 'push' && !isCurrent(message, this.core.leaderEpoch, this.core.subscription)) return;`,
      },
      {
        file: 'packages/broker/src/partition/leader-links.ts',
        find: `      link.followers.get(followerKey(message.topicId, message.partition))?.fromLeader(message);`,
        replace: `      const key = followerKey(message.topicId, message.partition);
      this.linkOf.get(key)?.followers.get(key)?.fromLeader(message);`,
      },
    ],
  },
  {
    name: 'append-result-of-older-epoch',
    ambush: 'leadership moves while the leader is writing',
    invariant: '2 logs agree',
    loses: 'Acknowledged records: a follower counts for records that it holds of another leadership.',
    edits: [
      {
        file: 'packages/replication/src/rules/identity.ts',
        find: `  return writesInFlight === 0 && !isBeingCut;`,
        replace: `  return !isBeingCut;`,
      },
      {
        file: 'packages/replication/src/rules/identity.ts',
        find: `  return resultEpoch === leaderEpoch;`,
        replace: `  return resultEpoch <= leaderEpoch;`,
      },
      {
        file: REPLICA,
        find: `    this.endEpoch();
    core.record = record;`,
        replace: `    this.endEpoch();
    core.log.nextOffset = core.log.logEnd;
    core.record = record;`,
      },
    ],
  },
];
