import type { Disk } from '@ottla/runtime';
import type { LogResources } from '../resources/log-resources';
import { SparseIndex } from './sparse-index';

const ENTRY_BYTES = 8;

export interface OffsetPosition {
  /** Of the last record of a batch. */
  offset: number;
  /** Where that batch begins in the segment's file. */
  position: number;
}

/** Kafka's `.index`: offset relative to the base offset, int32, and position, int32. */
export class OffsetIndex extends SparseIndex<OffsetPosition> {
  readonly #baseOffset: number;

  constructor(disk: Disk, path: string, baseOffset: number, resources: LogResources) {
    super(disk, path, ENTRY_BYTES, resources);
    this.#baseOffset = baseOffset;
  }

  isFull(maxBytes: number): boolean {
    return this.entries >= Math.floor(maxBytes / ENTRY_BYTES);
  }

  append(offset: number, position: number): void {
    this.push({ offset, position });
  }

  /** Where to begin looking for `offset`: the last known batch that ends at or below it, or the segment's beginning. */
  async positionFor(offset: number): Promise<number> {
    return (await this.find((entry) => entry.offset <= offset))?.position ?? 0;
  }

  /** The last known batch that begins at or below `position`. */
  batchAtOrBefore(position: number): Promise<OffsetPosition | null> {
    return this.find((entry) => entry.position <= position);
  }

  /** Drops the batches that begin at or behind `position`. */
  truncate(position: number): Promise<void> {
    return this.keepWhile((entry) => entry.position < position);
  }

  protected encode(view: DataView, at: number, entry: OffsetPosition): void {
    view.setInt32(at, entry.offset - this.#baseOffset);
    view.setInt32(at + 4, entry.position);
  }

  protected decode(view: DataView, at: number): OffsetPosition {
    return { offset: this.#baseOffset + view.getInt32(at), position: view.getInt32(at + 4) };
  }

  protected follows(before: OffsetPosition | null, entry: OffsetPosition): boolean {
    const { offset, position } = before ?? { offset: this.#baseOffset - 1, position: -1 };
    return entry.offset > offset && entry.position > position;
  }
}
