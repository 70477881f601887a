import type { Compare, KeyValue, Op } from '@ottla/metadata';
import type { ControllerEvent } from '../controller-event';
import { guardHolds } from './guards';

/** Operations of a transaction, well below the store's limit of 128. */
export const MAX_BATCH_OPS = 100;
/** Guards of a transaction; each may be read back, so this too stays below the store's limit. */
const MAX_BATCH_GUARDS = 120;
/** Bytes of the values of a transaction, well below the store's limit of 1.5 MB a request. */
const MAX_BATCH_BYTES = 1024 * 1024;

/** Lower is sooner. */
export const Urgency = {
  FENCE: 0,
  ELECT: 1,
  ELECT_USER_TOPIC: 2,
  SHRINK_ISR: 3,
  DRAIN: 4,
  LEADERLESS: 5,
  SETTINGS: 6,
  REASSIGN: 7,
  BALANCE: 8,
  CLEANUP: 9,
} as const;

/** One decision: what it writes, and all that it relied on. */
export interface PlannedChange {
  /** For the log. */
  readonly reason: string;
  readonly urgency: number;
  readonly compare: readonly Compare[];
  readonly success: readonly Op[];
  /** What will have happened once it's written. */
  readonly event?: ControllerEvent;
}

/** A transaction that stands alone. */
export interface PlannedTxn {
  readonly reason: string;
  readonly urgency: number;
  readonly compare: readonly Compare[];
  readonly success: readonly Op[];
  /** Reads back every key that is compared, in the order of `comparedKeys`. */
  readonly failure: readonly Op[];
  readonly comparedKeys: readonly string[];
  /** Guards of all of it, whatever the changes. */
  readonly common: readonly Compare[];
  /** The decisions that it carries out. */
  readonly changes: readonly PlannedChange[];
}

/** One transaction of all the changes, under the common guards. */
export function planTxn(changes: readonly PlannedChange[], common: readonly Compare[] = []): PlannedTxn {
  const compare = distinctGuards([...common, ...changes.flatMap((change) => change.compare)]);
  const comparedKeys = [...new Set(compare.map((guard) => guard.key))];
  return {
    reason: reasonOf(changes),
    urgency: Math.min(...changes.map((change) => change.urgency)),
    compare,
    success: changes.flatMap((change) => change.success),
    failure: comparedKeys.map((key) => ({ type: 'get', key })),
    comparedKeys,
    common,
    changes,
  };
}

/** Packs changes into transactions that the store takes, most urgent first. A transaction holds one urgency. */
export function batchChanges(changes: readonly PlannedChange[], common: readonly Compare[]): PlannedTxn[] {
  const sorted = [...changes].sort((a, b) => a.urgency - b.urgency);
  const batches: PlannedTxn[] = [];
  let batch: PlannedChange[] = [];
  let size = new BatchSize(common);
  for (const change of sorted) {
    const fits = size.fits(change) && batch[0]?.urgency === change.urgency;
    if (batch.length > 0 && !fits) {
      batches.push(planTxn(batch, common));
      batch = [];
      size = new BatchSize(common);
    }
    batch.push(change);
    size.add(change);
  }
  if (batch.length > 0) batches.push(planTxn(batch, common));
  return batches;
}

/** The transaction with as many of these changes in it as the store takes besides, the most urgent first. */
export function fillTxn(txn: PlannedTxn, changes: readonly PlannedChange[]): PlannedTxn {
  const size = new BatchSize(txn.common);
  for (const change of txn.changes) size.add(change);
  const added: PlannedChange[] = [];
  for (const change of [...changes].sort((a, b) => a.urgency - b.urgency)) {
    if (!size.fits(change)) break;
    size.add(change);
    added.push(change);
  }
  return planTxn([...txn.changes, ...added], txn.common);
}

/**
 * What may be tried again at once after the transaction was refused: the changes whose own guards held by what the
 * refusal read back. Empty when a common guard failed. When no guard explains the refusal, the first half.
 */
export function changesNotRefused(txn: PlannedTxn, reads: readonly (readonly KeyValue[])[]): readonly PlannedChange[] {
  const truth = new Map(txn.comparedKeys.map((key, index) => [key, reads[index]?.[0]]));
  const hold = (guards: readonly Compare[]) => guards.every((guard) => guardHolds(guard, truth.get(guard.key)));
  if (!hold(txn.common)) return [];
  const left = txn.changes.filter((change) => hold(change.compare));
  return left.length < txn.changes.length ? left : left.slice(0, Math.floor(left.length / 2));
}

class BatchSize {
  readonly #guards: Set<string>;
  #ops = 0;
  #bytes = 0;

  constructor(common: readonly Compare[]) {
    this.#guards = new Set(common.map(identityOf));
  }

  fits(change: PlannedChange): boolean {
    const guards = change.compare.filter((guard) => !this.#guards.has(identityOf(guard))).length;
    return (
      this.#guards.size + guards <= MAX_BATCH_GUARDS &&
      this.#ops + change.success.length <= MAX_BATCH_OPS &&
      this.#bytes + bytesOf(change) <= MAX_BATCH_BYTES
    );
  }

  add(change: PlannedChange): void {
    for (const guard of change.compare) this.#guards.add(identityOf(guard));
    this.#ops += change.success.length;
    this.#bytes += bytesOf(change);
  }
}

function bytesOf(change: PlannedChange): number {
  return change.success.reduce((sum, op) => sum + (op.type === 'put' ? op.key.length + op.value.length : 64), 0);
}

function distinctGuards(guards: readonly Compare[]): Compare[] {
  return [...new Map(guards.map((guard) => [identityOf(guard), guard])).values()];
}

function identityOf(guard: Compare): string {
  if (guard.target === 'value') return `${guard.key} value`;
  const wanted = 'equals' in guard ? `=${guard.equals}` : 'greater' in guard ? `>${guard.greater}` : `<${guard.less}`;
  return `${guard.key} ${guard.target}${wanted}`;
}

function reasonOf(changes: readonly PlannedChange[]): string {
  const first = changes[0]?.reason ?? 'nothing';
  return changes.length > 1 ? `${first} (and ${changes.length - 1} more)` : first;
}
