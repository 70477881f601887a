import type { KeyValue } from '../store';
import { checkBranch, checkForm } from './checks';
import { compareBytes, holds } from './guards';
import { type Commit, History } from './history';
import { type ByteKey, keysFrom } from './key-range';
import { KeySpace } from './key-space';
import { type LeaseState, LeaseTable } from './lease-table';
import { MachineError } from './machine-error';
import type {
  Change,
  DeleteRequest,
  MachineRecord,
  Operation,
  OperationResult,
  PutRequest,
  RangeRequest,
  RangeResult,
  Transaction,
  TransactionResult,
} from './requests';

/** Enough to build the machine again, history included. */
export interface MachineSnapshot {
  readonly revision: number;
  readonly compactRevision: number;
  /** Live keys as of the compaction, in byte order. */
  readonly base: readonly KeyValue[];
  /** Changes of every revision from `max(compactRevision, 2)` on; those at `compactRevision` are in `base` already. */
  readonly commits: readonly Commit[];
  readonly leases: readonly { readonly id: string; readonly ttlMs: number }[];
}

/**
 * A store as etcd defines one, without I/O: requests are answered at once, times are handed in. What changed comes back
 * as records; `replay` of the same records, in order, builds the same machine.
 *
 * Revision 1 is the empty store. Each transaction that changes something makes the next revision.
 */
export class StoreMachine {
  readonly #space = new KeySpace();
  readonly #history = new History();
  readonly #leases = new LeaseTable();
  #revision = 1;
  #compactRevision = 0;

  get revision(): number {
    return this.#revision;
  }

  /** Oldest revision that can be read; 0 before the first compaction. */
  get compactRevision(): number {
    return this.#compactRevision;
  }

  get history(): History {
    return this.#history;
  }

  get liveCount(): number {
    return this.#space.liveCount;
  }

  get(key: ByteKey): KeyValue | null {
    return this.#space.get(key);
  }

  getAt(key: ByteKey, revision: number): KeyValue | null {
    return this.#space.getAt(key, revision);
  }

  range(request: RangeRequest): RangeResult {
    this.#checkReadable(request.revision);
    return this.#read(request, request.revision || this.#revision);
  }

  transact(transaction: Transaction): { result: TransactionResult; record: MachineRecord | null } {
    checkForm(transaction);
    const succeeded = transaction.guards.every((guard) => holds(guard, this.#space, this.#revision));
    const branch = succeeded ? transaction.success : transaction.failure;
    for (const operation of branch) if (operation.type === 'range') this.#checkReadable(operation.revision);
    checkBranch(branch, this.#space, this.#leases);
    const changes: Change[] = [];
    const results = branch.map((operation) => this.#carryOut(operation, changes));
    return { result: { succeeded, results }, record: this.#commit(changes) };
  }

  grant(lease: string, ttlMs: number, now: number): MachineRecord {
    this.#leases.checkGrant(lease, ttlMs);
    this.#leases.grant(lease, ttlMs, now);
    return { type: 'grant', lease, ttlMs };
  }

  lease(id: string): LeaseState {
    return this.#leases.get(id);
  }

  leases(): Iterable<LeaseState> {
    return this.#leases.all();
  }

  /** @returns the TTL, which starts anew. */
  keepAlive(lease: string, now: number): number {
    return this.#leases.keepAlive(lease, now).ttlMs;
  }

  /** Ends a lease; its keys go in one revision. */
  revoke(lease: string): MachineRecord[] {
    const keys = [...this.#leases.get(lease).keys].sort();
    const changes: Change[] = keys.map((key) => ({ type: 'delete', key }));
    for (const change of changes) this.#apply(change, this.#revision + 1);
    const commit = this.#commit(changes);
    this.#leases.remove(lease);
    const revoked: MachineRecord = { type: 'revoke', lease };
    return commit === null ? [revoked] : [commit, revoked];
  }

  /** Ends the leases whose time has run out. */
  expire(now: number): MachineRecord[] {
    return this.#leases.expired(now).flatMap((lease) => this.revoke(lease));
  }

  /** When the next lease runs out; null without leases. */
  nextExpiry(): number | null {
    return this.#leases.nextExpiry();
  }

  /** Gives every lease its full TTL from `now`: after a stop nobody could have kept it alive. */
  restartLeases(now: number): void {
    this.#leases.restart(now);
  }

  /** Forgets what only revisions below `revision` need. */
  compact(revision: number): MachineRecord {
    if (revision <= this.#compactRevision) throw this.#compacted();
    if (revision > this.#revision) throw futureRevision();
    this.#space.compact(revision);
    this.#history.compact(revision);
    this.#compactRevision = revision;
    return { type: 'compact', revision };
  }

  /** Does again what a record says was done. */
  replay(record: MachineRecord, now: number): void {
    switch (record.type) {
      case 'commit':
        if (record.revision !== this.#revision + 1) {
          throw new Error(`store log: revision ${record.revision} follows ${this.#revision}`);
        }
        for (const change of record.changes) this.#apply(change, record.revision);
        this.#commit(record.changes);
        return;
      case 'grant':
        this.#leases.grant(record.lease, record.ttlMs, now);
        return;
      case 'revoke':
        this.#leases.remove(record.lease);
        return;
      case 'compact':
        this.compact(record.revision);
    }
  }

  snapshot(): MachineSnapshot {
    const everything = keysFrom('', null);
    const base = Math.max(this.#compactRevision, 1);
    return {
      revision: this.#revision,
      compactRevision: this.#compactRevision,
      base: [...this.#space.range(everything, base)],
      commits: [...this.#history.from(base)],
      leases: [...this.#leases.all()].map(({ id, ttlMs }) => ({ id, ttlMs })),
    };
  }

  static fromSnapshot(snapshot: MachineSnapshot, now: number): StoreMachine {
    const machine = new StoreMachine();
    const base = Math.max(snapshot.compactRevision, 1);
    for (const { id, ttlMs } of snapshot.leases) machine.#leases.grant(id, ttlMs, now);
    machine.#space.load(snapshot.base);
    for (const kv of snapshot.base) machine.#leases.move(kv.key, '', kv.lease);
    machine.#compactRevision = snapshot.compactRevision;
    machine.#revision = base;
    for (const commit of snapshot.commits) {
      if (commit.revision > base) machine.replay({ type: 'commit', ...commit }, now);
      else machine.#history.append(commit);
    }
    if (machine.#revision !== snapshot.revision) {
      throw new Error(`store snapshot: ends at revision ${machine.#revision}, should be ${snapshot.revision}`);
    }
    return machine;
  }

  #carryOut(operation: Operation, changes: Change[]): OperationResult {
    switch (operation.type) {
      case 'range':
        // Reads what the operations before it in the transaction have put.
        return { type: 'range', ...this.#read(operation, operation.revision || this.#revision + 1) };
      case 'put':
        return this.#put(operation, changes);
      case 'delete':
        return this.#delete(operation, changes);
    }
  }

  #read(request: RangeRequest, revision: number): RangeResult {
    const found = [...this.#space.range(request.range, revision)];
    if (request.countOnly) return { kvs: [], count: found.length, more: false };
    const wanted = sorted(filtered(found, request), request);
    const more = request.limit > 0 && wanted.length > request.limit;
    const given = more ? wanted.slice(0, request.limit) : wanted;
    const kvs = request.keysOnly ? given.map((kv) => ({ ...kv, value: new Uint8Array() })) : given;
    return { kvs, count: found.length, more };
  }

  #put(put: PutRequest, changes: Change[]): OperationResult {
    const revision = this.#revision + 1;
    const previous = this.#space.get(put.key);
    const value = put.ignoreValue ? previous!.value : put.value;
    const lease = put.ignoreLease ? previous!.lease : put.lease;
    const change: Change = { type: 'put', kv: this.#space.nextVersion(put.key, value, lease, revision) };
    this.#apply(change, revision);
    changes.push(change);
    return { type: 'put', previous: put.previous ? previous : null };
  }

  #delete(request: DeleteRequest, changes: Change[]): OperationResult {
    const revision = this.#revision + 1;
    const doomed = [...this.#space.range(request.range, revision)];
    for (const kv of doomed) {
      const change: Change = { type: 'delete', key: kv.key };
      this.#apply(change, revision);
      changes.push(change);
    }
    return { type: 'delete', deleted: doomed.length, previous: request.previous ? doomed : [] };
  }

  #apply(change: Change, revision: number): void {
    const key = change.type === 'put' ? change.kv.key : change.key;
    this.#leases.move(key, this.#space.get(key)?.lease ?? '', change.type === 'put' ? change.kv.lease : '');
    this.#space.apply(change, revision);
  }

  #commit(changes: readonly Change[]): MachineRecord | null {
    if (changes.length === 0) return null;
    this.#revision++;
    const commit: Commit = { revision: this.#revision, changes };
    this.#history.append(commit);
    return { type: 'commit', ...commit };
  }

  #checkReadable(revision: number): void {
    if (revision > this.#revision) throw futureRevision();
    if (revision > 0 && revision < this.#compactRevision) throw this.#compacted();
  }

  #compacted(): MachineError {
    return new MachineError('compacted', 'required revision has been compacted', this.#compactRevision);
  }
}

function futureRevision(): MachineError {
  return new MachineError('future-revision', 'required revision is a future revision');
}

function filtered(kvs: KeyValue[], request: RangeRequest): KeyValue[] {
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request;
  if (minModRevision + maxModRevision + minCreateRevision + maxCreateRevision === 0) return kvs;
  const within = (revision: number, min: number, max: number) => revision >= min && (max === 0 || revision <= max);
  return kvs.filter(
    (kv) =>
      within(kv.modRevision, minModRevision, maxModRevision) &&
      within(kv.createRevision, minCreateRevision, maxCreateRevision),
  );
}

function sorted(kvs: KeyValue[], { sort }: RangeRequest): KeyValue[] {
  if (sort === undefined || (sort.by === 'key' && !sort.descending)) return kvs;
  const order = {
    key: (a: KeyValue, b: KeyValue) => (a.key < b.key ? -1 : 1),
    version: (a: KeyValue, b: KeyValue) => a.version - b.version,
    create: (a: KeyValue, b: KeyValue) => a.createRevision - b.createRevision,
    mod: (a: KeyValue, b: KeyValue) => a.modRevision - b.modRevision,
    value: (a: KeyValue, b: KeyValue) => compareBytes(a.value, b.value),
  }[sort.by];
  return kvs.sort((a, b) => (sort.descending ? order(b, a) : order(a, b)));
}
