import type { Group } from '../group';
import type { RecordToWrite } from '../messages';
import { groupTombstone } from '../records/group-metadata';
import { offsetRecord } from '../records/offset-commit';
import type { PendingWrite, Shard } from '../shard';
import type { OffsetChange } from './store';

/** Tombstones of one write: far below any `max.message.bytes`. */
const RECORDS_PER_WRITE = 1_000;

/** Writes offset tombstones, in as many writes as they need. `onFailed` is told which were not confirmed. */
export function removeOffsets(
  shard: Shard,
  groupId: string,
  tombstones: readonly OffsetChange[],
  what: string,
  onFailed: (tombstones: readonly OffsetChange[]) => void = () => {},
): void {
  for (const changes of chunks(tombstones)) {
    shard.offsets.stage(groupId, changes);
    shard.write({
      records: changes.map((change) => offsetRecord(groupId, change)),
      group: groupId,
      what,
      settle: ({ writeId, error, inDoubt }) => {
        if (error === null) {
          shard.offsets.apply(groupId, changes, writeId);
          const group = shard.groups.get(groupId);
          if (group) shard.forgetIfUnused(group);
        } else {
          shard.offsets.drop(groupId, changes, writeId, inDoubt);
          onFailed(changes);
        }
      },
    });
  }
}

/**
 * Removes an empty group with all its offsets. It is Dead while its tombstones are being written, and removed when the
 * last of them, its own, is in the log; if one of them fails it is Empty again. The last write is answered.
 */
export function removeEmptyGroup(shard: Shard, group: Group, cause: 'deleted' | 'expired'): PendingWrite {
  const { id } = group;
  group.transitionTo('Dead', shard.now);
  for (const timer of group.pendingJoins.values()) shard.deadlines.cancel(timer);
  group.pendingJoins.clear();
  const changes = shard.offsets.tombstones(id);
  shard.offsets.stage(id, changes);

  const parts = chunks(changes);
  const last = parts.pop() ?? [];
  const what = `tombstones of the ${cause} group`;
  const write = (part: readonly OffsetChange[], extra: readonly RecordToWrite[], isLast: boolean): PendingWrite =>
    shard.write({
      records: [...part.map((change) => offsetRecord(id, change)), ...extra],
      group: id,
      what,
      settle: ({ writeId, error, inDoubt }) => {
        if (error === null) shard.offsets.apply(id, part, writeId);
        else shard.offsets.drop(id, part, writeId, inDoubt);
        if (isLast) finishRemoval(shard, group, cause, error === null, inDoubt ? writeId : null);
      },
    });
  for (const part of parts) write(part, [], false);
  return write(last, [groupTombstone(id)], true);
}

function finishRemoval(
  shard: Shard,
  group: Group,
  cause: 'deleted' | 'expired',
  succeeded: boolean,
  doubtfulWrite: number | null,
): void {
  if (succeeded) {
    shard.removeGroup(group);
    // Offsets of an earlier part whose write failed are still there, and then so is a group without members.
    if (shard.offsets.has(group.id)) shard.groupOrNew(group.id);
    shard.event({ kind: 'group-removed', group: group.id, cause });
    return;
  }
  const since = group.stateSince;
  group.transitionTo('Empty', shard.now);
  group.stateSince = since;
  if (doubtfulWrite !== null) shard.doubtDeletion(group, doubtfulWrite);
}

function chunks<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += RECORDS_PER_WRITE) parts.push(items.slice(at, at + RECORDS_PER_WRITE));
  return parts;
}
