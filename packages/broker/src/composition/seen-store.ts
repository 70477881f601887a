import type { ClusterImage } from '@ottla/metadata';
import type { Disk } from '@ottla/runtime';

/** How far a broker has seen the metadata store, kept in its data directory across restarts. */
export interface SeenStore {
  readonly version: 1;
  readonly generation: number;
  readonly revision: number;
  /** The partition record that was changed last, null when there is none. */
  readonly newest: { readonly topicId: string; readonly partition: number; readonly modRevision: number } | null;
}

const FILE = 'metadata-seen';

export function seenIn(image: ClusterImage): SeenStore {
  let newest: SeenStore['newest'] = null;
  for (const [topicId, partitions] of image.partitions) {
    for (const [partition, { modRevision }] of partitions) {
      if (modRevision > (newest?.modRevision ?? 0)) newest = { topicId, partition, modRevision };
    }
  }
  return { version: 1, generation: image.generation?.value.generation ?? 0, revision: image.revision, newest };
}

/**
 * Why the store can't be the one that was seen: it was restored from a backup since. Null when nothing speaks against it. A
 * later generation has dealt with it already. `forgotStart`: it doesn't know a start of this broker that registered there.
 */
export function contradiction(seen: SeenStore, image: ClusterImage, forgotStart = false): string | null {
  const generation = image.generation?.value.generation ?? 0;
  if (generation > seen.generation) return null;
  if (generation < seen.generation) return `its generation is ${generation}, and was ${seen.generation}`;
  if (image.revision < seen.revision) return `it is at revision ${image.revision}, and was at ${seen.revision}`;
  if (forgotStart) return 'it has forgotten a start of this broker';
  if (seen.newest === null) return null;
  const { topicId, partition, modRevision } = seen.newest;
  const record = image.partitions.get(topicId)?.get(partition);
  if (record === undefined || record.modRevision >= modRevision) return null;
  const name = `${image.topicNames.get(topicId) ?? topicId}-${partition}`;
  return `the record of ${name} is of revision ${record.modRevision}, and was of ${modRevision}`;
}

/** Null when nothing was seen yet, or the file doesn't tell. */
export async function readSeen(disk: Disk, dir: string): Promise<SeenStore | null> {
  const bytes = await disk.readFile(`${dir}/${FILE}`);
  if (bytes === null) return null;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as SeenStore;
    return value.version === 1 ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

export function writeSeen(disk: Disk, dir: string, seen: SeenStore): Promise<void> {
  return disk.writeFileAtomic(`${dir}/${FILE}`, new TextEncoder().encode(`${JSON.stringify(seen)}\n`));
}
