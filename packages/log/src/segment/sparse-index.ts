import type { Disk } from '@ottla/runtime';
import type { LogResources } from '../resources/log-resources';
import type { SharedFile } from '../resources/open-files';

const FIRST_PENDING_BYTES = 480;
const NOTHING = new DataView(new ArrayBuffer(0));

/**
 * A file of fixed-size entries in growing order, kept beside a segment. New entries gather in memory until `persist`;
 * what is in the file is read through a cache that all logs share. An index that is lost or damaged is made again from
 * its segment, so nothing here needs to be durable before the segment is.
 */
export abstract class SparseIndex<Entry> {
  readonly file: SharedFile;
  readonly #disk: Disk;
  readonly #resources: LogResources;
  readonly #entryBytes: number;
  #fileEntries = 0;
  #pending = NOTHING;
  #pendingEntries = 0;
  #last: Entry | null = null;
  /** The file holds more, or something else, than `#fileEntries` entries. */
  #fileIsLonger = false;
  #exists = false;

  constructor(disk: Disk, path: string, entryBytes: number, resources: LogResources) {
    this.#disk = disk;
    this.file = resources.files.file(disk, path);
    this.#entryBytes = entryBytes;
    this.#resources = resources;
  }

  protected abstract encode(view: DataView, at: number, entry: Entry): void;
  protected abstract decode(view: DataView, at: number): Entry;
  /** Whether `entry` may stand in an index behind `before` (null: at its beginning). */
  protected abstract follows(before: Entry | null, entry: Entry): boolean;

  get entries(): number {
    return this.#fileEntries + this.#pendingEntries;
  }

  get last(): Entry | null {
    return this.#last;
  }

  get pendingBytes(): number {
    return this.#pendingEntries * this.#entryBytes;
  }

  /** The file holds just these entries. */
  get isPersisted(): boolean {
    return this.#pendingEntries === 0 && !this.#fileIsLonger && this.#exists;
  }

  /** Reads the file. False when it is missing or isn't an index of entries that pass `accept`; it is empty then. */
  async load(accept: (entry: Entry) => boolean): Promise<boolean> {
    this.reset();
    const bytes = await this.#disk.readFile(this.file.path);
    if (bytes === null) return false;
    this.#exists = true;
    if (bytes.length % this.#entryBytes !== 0) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let last: Entry | null = null;
    for (let at = 0; at < bytes.length; at += this.#entryBytes) {
      const entry = this.decode(view, at);
      if (!this.follows(last, entry) || !accept(entry)) return false;
      last = entry;
    }
    this.#fileEntries = bytes.length / this.#entryBytes;
    this.#fileIsLonger = false;
    this.#last = last;
    if (bytes.length > 0) this.#resources.indexes.set(this, bytes);
    return true;
  }

  /** The last entry in the file, without reading the others; null when there is none or the file makes no sense. */
  async readLast(): Promise<Entry | null> {
    const size = (await this.#disk.stat(this.file.path))?.size ?? 0;
    if (size === 0 || size % this.#entryBytes !== 0) return null;
    const bytes = new Uint8Array(this.#entryBytes);
    const position = size - this.#entryBytes;
    const read = await this.file.read(bytes, position);
    return read < this.#entryBytes ? null : this.decode(new DataView(bytes.buffer), 0);
  }

  /** Forgets all entries, as before making the index again. */
  reset(): void {
    this.#fileEntries = 0;
    this.#pendingEntries = 0;
    this.#last = null;
    this.#fileIsLonger = true;
    this.#resources.indexes.delete(this);
  }

  protected push(entry: Entry): void {
    const at = this.pendingBytes;
    if (at + this.#entryBytes > this.#pending.byteLength) this.#grow();
    this.encode(this.#pending, at, entry);
    this.#pendingEntries++;
    this.#last = entry;
  }

  /** The last entry for which `matches` is true, where it is true for a first part of the entries and false behind. */
  protected async find(matches: (entry: Entry) => boolean): Promise<Entry | null> {
    const inMemory = this.#search(this.#pending, this.#pendingEntries, matches);
    if (inMemory !== null || this.#fileEntries === 0) return inMemory;
    const entries = this.#fileEntries;
    return this.#search(await this.#fileContent(entries), entries, matches);
  }

  /** Drops the entries for which `matches` is false; it is true for a first part of them. */
  protected async keepWhile(matches: (entry: Entry) => boolean): Promise<void> {
    const pending = this.#count(this.#pending, this.#pendingEntries, matches);
    if (pending < this.#pendingEntries) this.#pendingEntries = pending;
    if (pending === 0 && this.#fileEntries > 0) {
      const content = await this.#fileContent(this.#fileEntries);
      const kept = this.#count(content, this.#fileEntries, matches);
      if (kept < this.#fileEntries) {
        this.#fileIsLonger = true;
        this.#fileEntries = kept;
        this.#resources.indexes.delete(this);
      }
      this.#last = kept === 0 ? null : this.decode(content, (kept - 1) * this.#entryBytes);
    } else {
      this.#last = pending === 0 ? null : this.decode(this.#pending, (pending - 1) * this.#entryBytes);
    }
  }

  /** Writes the entries that are only in memory. The file exists afterwards. Not durable before `sync`. */
  async persist(): Promise<void> {
    if (this.isPersisted) return;
    const entries = this.#pendingEntries;
    const bytes = new Uint8Array(this.#pending.buffer, 0, entries * this.#entryBytes).slice();
    const position = this.#fileEntries * this.#entryBytes;
    const lease = await this.file.acquire('create');
    try {
      if (this.#fileIsLonger) await lease.file.truncate(position);
      if (bytes.length > 0) await lease.file.write([bytes], position);
    } finally {
      lease.release();
    }
    this.#resources.indexes.delete(this);
    this.#exists = true;
    this.#fileIsLonger = false;
    this.#fileEntries += entries;
    this.#pendingEntries = 0;
    this.#pending = NOTHING;
  }

  /** For good: the file, and what is cached of it. */
  close(): Promise<void> {
    this.#resources.indexes.delete(this);
    return this.file.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await this.#disk.removeFile(this.file.path);
  }

  #search(view: DataView, entries: number, matches: (entry: Entry) => boolean): Entry | null {
    const count = this.#count(view, entries, matches);
    return count === 0 ? null : this.decode(view, (count - 1) * this.#entryBytes);
  }

  /** How many entries at the beginning match. */
  #count(view: DataView, entries: number, matches: (entry: Entry) => boolean): number {
    let low = 0;
    let high = entries;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (matches(this.decode(view, middle * this.#entryBytes))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #fileContent(entries: number): Promise<DataView> {
    const wanted = entries * this.#entryBytes;
    let bytes = this.#resources.indexes.get(this);
    if (bytes === null || bytes.length < wanted) {
      bytes = new Uint8Array(wanted);
      const into = bytes;
      const read = await this.file.read(into, 0);
      // Cut in the meantime; whoever cuts also tells the readers to look again.
      if (read < wanted) into.fill(0, read);
      else if (entries === this.#fileEntries && !this.file.gone) this.#resources.indexes.set(this, into);
    }
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #grow(): void {
    const larger = new Uint8Array(Math.max(this.#pending.byteLength * 2, FIRST_PENDING_BYTES));
    larger.set(new Uint8Array(this.#pending.buffer));
    this.#pending = new DataView(larger.buffer);
  }
}
