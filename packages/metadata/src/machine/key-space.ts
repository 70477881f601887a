import type { KeyValue } from '../store';
import { type ByteKey, contains, type KeyRange } from './key-range';
import type { Change } from './requests';

interface Tombstone {
  readonly modRevision: number;
  readonly deleted: true;
}

type Version = KeyValue | Tombstone;

function isLive(version: Version | undefined): version is KeyValue {
  return version !== undefined && !('deleted' in version);
}

/** Every key with the versions that are still kept, oldest first; ranges can be read at any kept revision. */
export class KeySpace {
  readonly #versions = new Map<ByteKey, Version[]>();
  /** Keys of `#versions` in byte order. */
  #sorted: ByteKey[] = [];
  #liveCount = 0;

  get liveCount(): number {
    return this.#liveCount;
  }

  get(key: ByteKey): KeyValue | null {
    const latest = this.#versions.get(key)?.at(-1);
    return isLive(latest) ? latest : null;
  }

  getAt(key: ByteKey, revision: number): KeyValue | null {
    const versions = this.#versions.get(key);
    if (versions === undefined) return null;
    const version = versions[lastAtOrBelow(versions, revision)];
    return isLive(version) ? version : null;
  }

  /** Live keys of a range as of a revision, in byte order. */
  *range(range: KeyRange, revision: number): Generator<KeyValue> {
    if (range.single) {
      const kv = this.getAt(range.start, revision);
      if (kv !== null) yield kv;
      return;
    }
    for (let at = this.#position(range.start); at < this.#sorted.length; at++) {
      const key = this.#sorted[at]!;
      if (!contains(range, key)) return;
      const kv = this.getAt(key, revision);
      if (kv !== null) yield kv;
    }
  }

  /** Builds the key's next version; doesn't store it. */
  nextVersion(key: ByteKey, value: Uint8Array, lease: string, revision: number): KeyValue {
    const current = this.get(key);
    return {
      key,
      value,
      createRevision: current?.createRevision ?? revision,
      modRevision: revision,
      version: (current?.version ?? 0) + 1,
      lease,
    };
  }

  apply(change: Change, revision: number): void {
    const key = change.type === 'put' ? change.kv.key : change.key;
    let versions = this.#versions.get(key);
    const wasLive = isLive(versions?.at(-1));
    if (versions === undefined) {
      versions = [];
      this.#versions.set(key, versions);
      this.#insert(key);
    }
    versions.push(change.type === 'put' ? change.kv : { modRevision: revision, deleted: true });
    if (change.type === 'put' && !wasLive) this.#liveCount++;
    if (change.type === 'delete' && wasLive) this.#liveCount--;
  }

  /** Loads keys into an empty space. `kvs` are in byte order. */
  load(kvs: readonly KeyValue[]): void {
    for (const kv of kvs) this.#versions.set(kv.key, [kv]);
    this.#sorted = kvs.map((kv) => kv.key);
    this.#liveCount = kvs.length;
  }

  /** Forgets what can only be read below `revision`. */
  compact(revision: number): void {
    const kept: ByteKey[] = [];
    for (const key of this.#sorted) {
      const versions = this.#versions.get(key)!;
      const base = lastAtOrBelow(versions, revision);
      const from = isLive(versions[base]) ? base : base + 1;
      if (from > 0) versions.splice(0, from);
      if (versions.length === 0) this.#versions.delete(key);
      else kept.push(key);
    }
    this.#sorted = kept;
  }

  #position(key: ByteKey): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(key: ByteKey): void {
    const last = this.#sorted.at(-1);
    if (last === undefined || last < key) this.#sorted.push(key);
    else this.#sorted.splice(this.#position(key), 0, key);
  }
}

/** Index of the last version at or below the revision, -1 when there is none. */
function lastAtOrBelow(versions: readonly Version[], revision: number): number {
  let at = versions.length - 1;
  while (at >= 0 && versions[at]!.modRevision > revision) at--;
  return at;
}
