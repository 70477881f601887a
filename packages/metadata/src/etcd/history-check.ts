import { CompactedError } from '../errors';
import type { KeyValue } from '../store';

/** How the check reads; linearizable. A revision of the future gives null. */
export interface HistoryReader {
  read(key: string, revision: number): Promise<{ readonly revision: number; readonly kv: KeyValue | null } | null>;
}

/**
 * Tells whether the store's past is the one this process has seen up to `applied`: revisions haven't gone back, and a
 * key it knows is what it was at its modification revision.
 * @returns why not; null when nothing speaks against it.
 */
export async function findHistoryChange(
  reader: HistoryReader,
  applied: number,
  witness: KeyValue | null,
  anyKey: string,
): Promise<string | null> {
  const now = await reader.read(witness?.key ?? anyKey, 0);
  if (now !== null && now.revision < applied) {
    return `the store is at revision ${now.revision}, this process has seen ${applied}`;
  }
  if (witness === null) return null;
  const then = await readThen(reader, witness);
  if (then === 'compacted') return now === null ? null : changedSince(now.kv, witness, applied);
  if (then !== null && sameVersion(then.kv, witness)) return null;
  return `${witness.key} is not what it was at revision ${witness.modRevision}`;
}

async function readThen(reader: HistoryReader, witness: KeyValue) {
  try {
    return await reader.read(witness.key, witness.modRevision);
  } catch (error) {
    if (error instanceof CompactedError) return 'compacted';
    throw error;
  }
}

/** What can be said from the present, when the past can't be read any more. */
function changedSince(kv: KeyValue | null, witness: KeyValue, applied: number): string | null {
  if (kv === null || kv.modRevision > applied || sameVersion(kv, witness)) return null;
  return `${witness.key} was modified at revision ${kv.modRevision}, not at ${witness.modRevision}`;
}

function sameVersion(kv: KeyValue | null, witness: KeyValue): boolean {
  return (
    kv !== null &&
    kv.modRevision === witness.modRevision &&
    kv.createRevision === witness.createRevision &&
    Buffer.compare(kv.value, witness.value) === 0
  );
}
