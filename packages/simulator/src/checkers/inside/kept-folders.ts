import type { PartitionRecord } from '@ottla/replication';
import type { Violation } from '../../run/result';
import type { Version } from '../truth';

/** A partition's folder on a broker's disk. */
export interface FolderOnDisk {
  readonly topicId: string | null;
  readonly topic: string;
  readonly partition: number;
}

export interface Disks {
  /** `topic` of a topic id, where it's known. */
  topicNamed(topicId: string): string | null;
  folders(broker: number): readonly FolderOnDisk[];
  /** Whether the broker's disk had that partition of that topic id when the store was restored. A member of the ISR that was
   * down when the topic was created has no folder yet. */
  hadFolder(broker: number, topicId: string, partition: number): boolean;
  /** Whether the broker's disk has lost anything in the run. */
  lostData(broker: number): boolean;
}

/**
 * A partition that vanished from the store because a backup doesn't know it was deleted by nobody: its replicas are still
 * on the disks. A folder that another topic of the name took the place of may have been set aside.
 */
export function keptFolders(
  at: number,
  partitions: ReadonlyMap<string, readonly Version<PartitionRecord>[]>,
  disks: Disks,
): Violation[] {
  const violations: Violation[] = [];
  for (const [key, versions] of partitions) {
    const last = versions.at(-1);
    const record = versions.at(-2)?.value;
    if (last?.value !== null || !last.restored || record == null) continue;
    const [topicId, partition] = [key.slice(0, key.lastIndexOf('/')), Number(key.slice(key.lastIndexOf('/') + 1))];
    for (const { broker } of record.isr) {
      if (
        !disks.hadFolder(broker, topicId, partition) ||
        disks.lostData(broker) ||
        isThere(disks, broker, topicId, partition)
      )
        continue;
      const name = `${disks.topicNamed(topicId) ?? topicId}-${partition}`;
      const message = `${name}: its folder is gone from broker ${broker}, and nobody deleted the topic`;
      violations.push({ invariant: '3 folders', at, message });
    }
  }
  return violations;
}

function isThere(disks: Disks, broker: number, topicId: string, partition: number): boolean {
  const name = disks.topicNamed(topicId);
  return disks
    .folders(broker)
    .some((folder) => folder.partition === partition && (folder.topicId === topicId || folder.topic === name));
}
