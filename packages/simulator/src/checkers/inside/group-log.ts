import { groupMetadataKey, groupMetadataValue } from '@ottla/groups';
import { dataVersion, decodeBatch } from '@ottla/protocol';
import type { Violation } from '../../run/result';
import type { BatchOnDisk } from './replica-logs';

const INVARIANT = '7 generations';
/** The first version of a group's key; below it are keys of committed offsets. */
const GROUP_KEY_VERSION = 2;

/** In the log of `__consumer_offsets` a group's generation never goes back, until the group is forgotten. */
export function groupLogForward(at: number, name: string, batches: readonly BatchOnDisk[]): Violation[] {
  const violations: Violation[] = [];
  const generations = new Map<string, number>();
  for (const { header, bytes } of batches) {
    for (const { key, value, offset } of decodeBatch(bytes, 0, header)) {
      if (key === null || dataVersion(key) !== GROUP_KEY_VERSION) continue;
      const { group } = groupMetadataKey.read(key).message;
      if (value === null) {
        generations.delete(group);
        continue;
      }
      const { generation } = groupMetadataValue.read(value).message;
      const before = generations.get(group) ?? -1;
      generations.set(group, generation);
      if (generation >= before) continue;
      const message = `${name} offset ${offset}: group ${group} goes from generation ${before} to ${generation}`;
      violations.push({ invariant: INVARIANT, at, message });
    }
  }
  return violations;
}
