import { crc32c } from '@ottla/protocol';
import type { KeyValue, Snapshot, WatchEvent } from '../store';

interface Fingerprint {
  readonly createRevision: number;
  readonly modRevision: number;
  readonly checksum: number;
}

/** What is known of every key as of a revision: enough to compare with a later snapshot. */
export class KnownKeys {
  readonly #keys = new Map<string, Fingerprint>();
  #revision = 0;

  get revision(): number {
    return this.#revision;
  }

  apply(events: readonly WatchEvent[], revision: number): void {
    for (const event of events) {
      if (event.type === 'put') this.#keys.set(event.key, fingerprint(event.kv));
      else this.#keys.delete(event.key);
    }
    this.#revision = revision;
  }

  /** The events that lead from what is known to the snapshot. */
  difference(snapshot: Snapshot): WatchEvent[] {
    const events: WatchEvent[] = [];
    const present = new Set<string>();
    for (const kv of snapshot.entries) {
      present.add(kv.key);
      if (!same(this.#keys.get(kv.key), kv)) events.push({ type: 'put', key: kv.key, kv });
    }
    for (const key of this.#keys.keys()) {
      if (!present.has(key)) events.push({ type: 'delete', key, modRevision: snapshot.revision });
    }
    return events;
  }

  /** Why the snapshot can't come from the history known so far; null when it can. */
  contradiction(snapshot: Snapshot): string | null {
    if (snapshot.revision < this.#revision) {
      return `the store is at revision ${snapshot.revision}, this process has seen ${this.#revision}`;
    }
    for (const kv of snapshot.entries) {
      if (kv.modRevision <= this.#revision && !same(this.#keys.get(kv.key), kv)) {
        return `${kv.key}, last modified at revision ${kv.modRevision}, is not what it was at ${this.#revision}`;
      }
    }
    return null;
  }
}

function fingerprint(kv: KeyValue): Fingerprint {
  return { createRevision: kv.createRevision, modRevision: kv.modRevision, checksum: crc32c(kv.value) };
}

function same(known: Fingerprint | undefined, kv: KeyValue): boolean {
  return (
    known !== undefined &&
    known.modRevision === kv.modRevision &&
    known.createRevision === kv.createRevision &&
    known.checksum === crc32c(kv.value)
  );
}
