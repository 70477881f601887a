import { dataVersion, OttlaError } from '@ottla/protocol';
import type { StoredRecord } from './messages';
import { groupMetadataKey, readGroup } from './records/group-metadata';
import { offsetCommitKey, readOffsetValue } from './records/offset-commit';
import type { Shard } from './shard';

/** Key versions of `__consumer_offsets`, which tell the kinds of record apart. */
const OFFSET_COMMIT_KEYS = [0, 1];
const GROUP_METADATA_KEY = 2;

/**
 * Reads the log into the shard's state. What can't be read is skipped and counted: one strange record must not keep all
 * groups of the partition from being served.
 */
export class Replay {
  private readonly skipped = new Map<string, number>();

  constructor(private readonly shard: Shard) {}

  load(records: readonly StoredRecord[]): void {
    for (const record of records) {
      try {
        this.loadRecord(record);
      } catch (error) {
        if (!(error instanceof OttlaError)) throw error;
        this.skip(error.message);
      }
    }
  }

  finish(): void {
    for (const [reason, records] of this.skipped) this.shard.event({ kind: 'records-skipped', records, reason });
    this.skipped.clear();
  }

  private loadRecord({ key, value }: StoredRecord): void {
    if (key === null) {
      this.skip('no key');
      return;
    }
    const kind = dataVersion(key);
    if (OFFSET_COMMIT_KEYS.includes(kind)) this.loadOffset(key, value);
    else if (kind === GROUP_METADATA_KEY) this.loadGroup(key, value);
    else this.skip(`keys of version ${kind} belong to protocols that this coordinator doesn't have`);
  }

  private loadOffset(key: Uint8Array, value: Uint8Array | null): void {
    const { group, topic, partition } = offsetCommitKey.read(key).message;
    this.shard.offsets.load(group, { topic, partition, value: value && readOffsetValue(value) });
    if (value !== null) this.shard.groupOrNew(group);
    else this.forgetIfUnused(group);
  }

  private loadGroup(key: Uint8Array, value: Uint8Array | null): void {
    const { group: groupId } = groupMetadataKey.read(key).message;
    if (value !== null) {
      this.shard.groups.set(groupId, readGroup(groupId, value, this.shard.now));
      return;
    }
    this.shard.groups.delete(groupId);
    if (this.shard.offsets.has(groupId)) this.shard.groupOrNew(groupId);
  }

  private forgetIfUnused(groupId: string): void {
    const group = this.shard.groups.get(groupId);
    if (group) this.shard.forgetIfUnused(group);
  }

  private skip(reason: string): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
  }
}
