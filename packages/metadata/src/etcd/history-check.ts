import { CompactedError } from '../errors';
import type { KeyValue } from '../store';

/** How the check reads; linearizable. A revision of the future gives null. */
export interface HistoryReader {
  read(key: string, revision: number): Promise<{ readonly revision: number; readonly kv: KeyValue | null } | null>;
}

/** The last event that was delivered, or the newest key of the snapshot before it. */
export type Witness =
  | { readonly type: 'put'; readonly kv: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number };

/** `unknown`: what would tell is not kept any more; a fresh snapshot tells. */
export type HistoryFinding =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly compactRevision: number };

/**
 * As `findHistoryChange`, for the last event whatever it was: a deletion that was applied must be in the store's past at its
 * very revision, or what came at that revision, and was never delivered, would be missed.
 */
export async function checkHistory(
  reader: HistoryReader,
  applied: number,
  witness: Witness | null,
  anyKey: string,
): Promise<HistoryFinding> {
  const kv = witness?.type === 'put' ? witness.kv : null;
  const change = await findHistoryChange(reader, applied, kv, witness?.type === 'delete' ? witness.key : anyKey);
  if (change !== null) return { kind: 'changed', reason: change };
  return witness?.type === 'delete' ? checkDeletion(reader, witness) : { kind: 'same' };
}

async function checkDeletion(
  reader: HistoryReader,
  { key, revision }: { readonly key: string; readonly revision: number },
): Promise<HistoryFinding> {
  try {
    const before = await reader.read(key, revision - 1);
    const after = await reader.read(key, revision);
    if (before?.kv != null && after?.kv === null) return { kind: 'same' };
    return { kind: 'changed', reason: `${key} was not deleted at revision ${revision}` };
  } catch (error) {
    if (error instanceof CompactedError) return { kind: 'unknown', compactRevision: error.compactRevision };
    throw error;
  }
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
