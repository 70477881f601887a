import { timerFor } from '../deadlines';
import type { Group } from '../group';
import { CONSUMER_PROTOCOL_TYPE } from '../records/consumer-protocol';
import type { Shard } from '../shard';
import type { CommittedOffset, OffsetChange } from './store';
import { removeEmptyGroup, removeOffsets } from './tombstones';

const CHECK_INTERVAL_MS = 600_000;
const RETRY_MS = 1_000;

/** Since when an offset counts as unused, in ms; null when it is in use. */
type UnusedSince = (offset: CommittedOffset) => number;

/** Removes what `offsets.retention.minutes` is over for, at regular intervals, and offsets of deleted topics. */
export class OffsetExpiry {
  private readonly check = timerFor({ kind: 'retention' } as const);
  private readonly retry = timerFor({ kind: 'retry-tombstones' } as const);
  /** Offsets of deleted topics whose tombstones failed, by group, with the value that is to go. */
  private failed: { groupId: string; change: OffsetChange; value: CommittedOffset | null }[] = [];

  constructor(private readonly shard: Shard) {}

  start(): void {
    const { shard } = this;
    shard.deadlines.schedule(
      this.check,
      shard.now + (shard.options.offsetsRetentionCheckIntervalMs ?? CHECK_INTERVAL_MS),
    );
  }

  onCheckTimer(): void {
    for (const group of [...this.shard.groups.values()]) this.expireGroup(group);
    this.start();
  }

  onTopicsDeleted(topics: readonly string[]): void {
    for (const groupId of [...this.shard.offsets.groupIds()]) {
      for (const topic of topics) this.removeTopic(groupId, this.shard.offsets.tombstones(groupId, topic));
    }
  }

  /** What was committed for a new topic of the same name meanwhile stays. */
  onRetryTimer(): void {
    const due = this.failed;
    this.failed = [];
    for (const { groupId, change, value } of due) {
      const isUnchanged = this.shard.offsets.get(groupId, change.topic, change.partition) === value;
      if (isUnchanged && value !== null) this.removeTopic(groupId, [change]);
    }
  }

  private removeTopic(groupId: string, tombstones: readonly OffsetChange[]): void {
    const { shard } = this;
    if (tombstones.length === 0) return;
    removeOffsets(shard, groupId, tombstones, 'tombstones of a deleted topic', (changes) => {
      for (const change of changes) {
        this.failed.push({ groupId, change, value: shard.offsets.get(groupId, change.topic, change.partition) });
      }
      shard.deadlines.schedule(this.retry, shard.now + RETRY_MS);
    });
  }

  private expireGroup(group: Group): void {
    const { shard } = this;
    if (group.state === 'Dead') return;
    const expired: OffsetChange[] = [];
    const remaining = this.collectExpired(group, expired);
    const isUnused = group.state === 'Empty' && group.pendingJoins.size === 0 && group.parked === 0;
    if (expired.length > 0) {
      shard.event({ kind: 'offsets-expired', group: group.id, offsets: expired.length });
    }
    if (remaining === 0 && isUnused && group.recorded) removeEmptyGroup(shard, group, 'expired');
    else if (expired.length > 0) removeOffsets(shard, group.id, expired, 'tombstones of expired offsets');
    else shard.forgetIfUnused(group);
  }

  /** Collects the tombstones of expired offsets, and answers how many offsets stay. */
  private collectExpired(group: Group, expired: OffsetChange[]): number {
    const { shard } = this;
    const unusedSince = unusedSinceIn(group);
    let remaining = 0;
    for (const { topic, partitions } of shard.offsets.committed(group.id)) {
      const isKept = unusedSince === null || isSubscribed(group, topic);
      for (const { partition, value } of partitions) {
        const isSettled = shard.offsets.isSettled(group.id, topic, partition);
        if (isKept || !isSettled || !this.isExpired(value, unusedSince(value))) remaining++;
        else expired.push({ topic, partition, value: null });
      }
    }
    return remaining;
  }

  private isExpired(offset: CommittedOffset, unusedSince: number): boolean {
    const { now, options } = this.shard;
    if (offset.expireTimestamp !== null) return now >= offset.expireTimestamp;
    return now - unusedSince >= options.offsetsRetentionMs;
  }
}

/**
 * From when retention counts: in an empty group from its becoming so, in a group that nobody joins from the commit, and
 * in a stable group of consumers, for topics that they no longer subscribe to, from the commit. Otherwise never: null.
 */
function unusedSinceIn(group: Group): UnusedSince | null {
  if (group.protocolType === null) return ({ commitTimestamp }) => commitTimestamp;
  if (group.state === 'Empty') return ({ commitTimestamp }) => group.stateSince ?? commitTimestamp;
  const knowsTopics = group.protocolType === CONSUMER_PROTOCOL_TYPE && group.subscribedTopics !== null;
  return knowsTopics && group.state === 'Stable' ? ({ commitTimestamp }) => commitTimestamp : null;
}

/** Without knowing the topics a group of consumers counts as subscribed to all. */
function isSubscribed(group: Group, topic: string): boolean {
  return group.subscribedTopics?.has(topic) ?? group.protocolType === CONSUMER_PROTOCOL_TYPE;
}
