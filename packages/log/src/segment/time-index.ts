import type { Disk } from '@ottla/runtime';
import type { LogResources } from '../resources/log-resources';
import { SparseIndex } from './sparse-index';

const ENTRY_BYTES = 12;
export const NO_TIMESTAMP = -1;

export interface TimeIndexEntry {
  /** The largest timestamp of the segment up to here, in ms. */
  timestamp: number;
  /** The last offset of the first batch that reached it. */
  offset: number;
}

/** Kafka's `.timeindex`: timestamp, int64, and offset relative to the base offset, int32. Timestamps grow strictly. */
export class TimeIndex extends SparseIndex<TimeIndexEntry> {
  readonly #baseOffset: number;

  constructor(disk: Disk, path: string, baseOffset: number, resources: LogResources) {
    super(disk, path, ENTRY_BYTES, resources);
    this.#baseOffset = baseOffset;
  }

  /** One place is kept for the entry that a segment gets when it is closed. */
  isFull(maxBytes: number): boolean {
    return this.entries >= Math.floor(maxBytes / ENTRY_BYTES) - 1;
  }

  /** Notes a larger timestamp; one that isn't larger than the last adds nothing. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp > (this.last?.timestamp ?? NO_TIMESTAMP)) this.push({ timestamp, offset });
  }

  /** No record before the returned offset is as late as `timestamp`. */
  async offsetFor(timestamp: number): Promise<number> {
    return (await this.find((entry) => entry.timestamp <= timestamp))?.offset ?? this.#baseOffset;
  }

  /** Drops the entries at or behind `offset`. */
  truncate(offset: number): Promise<void> {
    return this.keepWhile((entry) => entry.offset < offset);
  }

  protected encode(view: DataView, at: number, entry: TimeIndexEntry): void {
    view.setBigInt64(at, BigInt(entry.timestamp));
    view.setInt32(at + 8, entry.offset - this.#baseOffset);
  }

  protected decode(view: DataView, at: number): TimeIndexEntry {
    return { timestamp: Number(view.getBigInt64(at)), offset: this.#baseOffset + view.getInt32(at + 8) };
  }

  protected follows(before: TimeIndexEntry | null, entry: TimeIndexEntry): boolean {
    const { timestamp, offset } = before ?? { timestamp: NO_TIMESTAMP, offset: this.#baseOffset };
    return entry.timestamp > timestamp && entry.offset >= offset;
  }
}
