import { type BatchHeader, lastOffset } from '@ottla/protocol';

/** One batch, as it is in the file. */
interface TailEntry {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly bytes: Uint8Array;
}

export interface TailRead {
  baseOffset: number;
  endOffset: number;
  chunks: Uint8Array[];
  byteLength: number;
}

/** How many bytes the tail caches of all logs may hold together. */
export class TailBudget {
  readonly #maxBytes: number;
  readonly maxBytesPerLog: number;
  #bytes = 0;
  /** In the order of the last append, the least recent first. */
  readonly #caches = new Set<TailCache>();

  constructor(maxBytes: number, maxBytesPerLog: number) {
    this.#maxBytes = maxBytes;
    this.maxBytesPerLog = Math.min(maxBytesPerLog, maxBytes);
  }

  get byteLength(): number {
    return this.#bytes;
  }

  /** `cache` grew by `bytes` (or shrank); the caches that were appended to the longest ago make room. */
  changed(cache: TailCache, bytes: number): void {
    this.#bytes += bytes;
    if (bytes <= 0) return;
    this.#caches.delete(cache);
    this.#caches.add(cache);
    for (const oldest of this.#caches) {
      while (this.#bytes > this.#maxBytes && oldest.dropOldest()) {}
      if (this.#bytes <= this.#maxBytes) return;
      this.#caches.delete(oldest);
    }
  }

  remove(cache: TailCache): void {
    this.#caches.delete(cache);
  }
}

/** The batches appended last, so that followers and consumers at the end of the log cost no read. */
export class TailCache {
  readonly #budget: TailBudget;
  #entries: TailEntry[] = [];
  /** Entries before this one are dropped. */
  #first = 0;
  #bytes = 0;

  constructor(budget: TailBudget) {
    this.#budget = budget;
  }

  get byteLength(): number {
    return this.#bytes;
  }

  /** Whole batches, one behind the other in `bytes`, appended behind those before them. Never change `bytes` afterwards. */
  add(bytes: Uint8Array, batches: readonly BatchHeader[]): void {
    // A small piece must not keep the large network buffer alive that it came in: then it is copied.
    const kept = bytes.length * 2 >= bytes.buffer.byteLength ? bytes : bytes.slice();
    let at = 0;
    for (const header of batches) {
      this.#add(header.baseOffset, lastOffset(header) + 1, kept.subarray(at, at + header.batchLength));
      at += header.batchLength;
    }
  }

  /** Batches from the one that holds `from`, below `limit` and within the budget; null when `from` isn't cached. */
  read(from: number, limit: number, maxBytes: number, atLeastOne: boolean): TailRead | null {
    const first = this.#find(from);
    if (first < 0) return null;
    const start = this.#entries[first] as TailEntry;
    const result: TailRead = { baseOffset: start.baseOffset, endOffset: from, chunks: [], byteLength: 0 };
    for (let at = first; at < this.#entries.length; at++) {
      const { nextOffset, bytes } = this.#entries[at] as TailEntry;
      const fits = result.byteLength + bytes.length <= maxBytes || (atLeastOne && result.byteLength === 0);
      if (nextOffset > limit || !fits) break;
      appendChunk(result.chunks, bytes);
      result.byteLength += bytes.length;
      result.endOffset = nextOffset;
    }
    if (result.byteLength === 0) result.baseOffset = from;
    return result;
  }

  /** Forgets everything, as the log is cut or closed. */
  clear(): void {
    const bytes = this.#bytes;
    this.#entries = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#budget.changed(this, -bytes);
    this.#budget.remove(this);
  }

  /** @internal For the budget. */
  dropOldest(): boolean {
    return this.#drop();
  }

  #add(baseOffset: number, nextOffset: number, bytes: Uint8Array): void {
    if (bytes.length > this.#budget.maxBytesPerLog) {
      this.clear();
      return;
    }
    this.#entries.push({ baseOffset, nextOffset, bytes });
    this.#bytes += bytes.length;
    this.#budget.changed(this, bytes.length);
    while (this.#bytes > this.#budget.maxBytesPerLog && this.#drop()) {}
  }

  #drop(): boolean {
    const oldest = this.#entries[this.#first];
    if (oldest === undefined) return false;
    this.#first++;
    this.#bytes -= oldest.bytes.length;
    this.#budget.changed(this, -oldest.bytes.length);
    if (this.#first >= 64 && this.#first * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return true;
  }

  /** The entry that holds `from`, or the one behind a gap in which it lies; -1 when it isn't here. */
  #find(from: number): number {
    const oldest = this.#entries[this.#first];
    if (oldest === undefined || from < oldest.baseOffset) return -1;
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle] as TailEntry).nextOffset > from) high = middle;
      else low = middle + 1;
    }
    return low < this.#entries.length ? low : -1;
  }
}

/** Batches that lie one behind the other in memory go out as one chunk. */
function appendChunk(chunks: Uint8Array[], bytes: Uint8Array): void {
  const last = chunks.at(-1);
  if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
    chunks[chunks.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + bytes.length);
  } else {
    chunks.push(bytes);
  }
}
