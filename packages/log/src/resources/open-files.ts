import { OttlaError } from '@ottla/protocol';
import type { Disk, DiskFile } from '@ottla/runtime';

/** A file that stays open until `release`, which must be called exactly once. */
export interface FileLease {
  readonly file: DiskFile;
  release(): void;
}

interface OpenFile {
  readonly opening: Promise<DiskFile>;
  pins: number;
  /** Out of the table; closes with its last lease. */
  forgotten: boolean;
}

/** How many files in use are passed over, and put behind the others, before room is left for a later turn. */
const TRIES = 8;

/**
 * The files that are open, at most `max` at a time: one that nobody uses is closed, the least recently used first, to
 * make room. While more than `max` are in use at once, the bound is exceeded.
 */
export class OpenFiles {
  readonly #max: number;
  readonly #onCloseError: (error: unknown) => void;
  /** In the order of use, the least recent first. */
  readonly #table = new Map<SharedFile, OpenFile>();
  readonly #closing = new Set<Promise<void>>();

  constructor(max: number, onCloseError: (error: unknown) => void) {
    this.#max = max;
    this.#onCloseError = onCloseError;
  }

  get size(): number {
    return this.#table.size;
  }

  /** A file that is opened when it is used. */
  file(disk: Disk, path: string): SharedFile {
    return new SharedFile(this, disk, path);
  }

  /** @internal For `SharedFile`. */
  async acquire(shared: SharedFile, open: () => Promise<DiskFile>): Promise<FileLease> {
    const entry = this.#table.get(shared) ?? { opening: open(), pins: 0, forgotten: false };
    this.#table.delete(shared);
    this.#table.set(shared, entry);
    entry.pins++;
    try {
      const file = await entry.opening;
      this.#makeRoom();
      return { file, release: () => this.#unpin(entry) };
    } catch (error) {
      entry.pins--;
      if (this.#table.get(shared) === entry) this.#table.delete(shared);
      throw error;
    }
  }

  /** @internal For `SharedFile`. */
  async forget(shared: SharedFile): Promise<void> {
    const entry = this.#table.get(shared);
    if (entry === undefined) return;
    this.#table.delete(shared);
    entry.forgotten = true;
    if (entry.pins === 0) await this.#close(entry);
  }

  /** Resolves when every file that was let go by now is closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing);
  }

  #unpin(entry: OpenFile): void {
    entry.pins--;
    if (entry.pins > 0) return;
    if (entry.forgotten) void this.#close(entry);
    else this.#makeRoom();
  }

  #makeRoom(): void {
    let tries = TRIES;
    for (const [shared, entry] of this.#table) {
      if (this.#table.size <= this.#max || tries-- === 0) return;
      if (entry.pins === 0) {
        void this.forget(shared);
      } else {
        this.#table.delete(shared);
        this.#table.set(shared, entry);
      }
    }
  }

  /** Never rejects: who closes a file for room can do nothing about a failure, and what must be durable was synced before. */
  #close(entry: OpenFile): Promise<void> {
    const closing = entry.opening
      .then((file) => file.close())
      .catch(this.#onCloseError)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    return closing;
  }
}

/**
 * One file of one log, opened on demand. A file that is removed and made again is another `SharedFile`: nobody who still
 * has the old one ever reaches the new, and the reverse.
 */
export class SharedFile {
  #gone = false;

  constructor(
    private readonly table: OpenFiles,
    private readonly disk: Disk,
    readonly path: string,
  ) {}

  /** True once it is closed for good. */
  get gone(): boolean {
    return this.#gone;
  }

  /** `create` makes the file when it is absent. */
  async acquire(mode: 'read-write' | 'create' = 'read-write'): Promise<FileLease> {
    if (this.#gone) throw new OttlaError('KAFKA_STORAGE_ERROR', `${this.path} was closed`);
    return this.table.acquire(this, () => this.disk.open(this.path, mode));
  }

  async use<T>(run: (file: DiskFile) => Promise<T>): Promise<T> {
    const lease = await this.acquire();
    try {
      return await run(lease.file);
    } finally {
      lease.release();
    }
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.use((file) => file.read(into, position));
  }

  /** For good. Leases keep the file open until released; without any, it is closed when this resolves. */
  close(): Promise<void> {
    this.#gone = true;
    return this.table.forget(this);
  }
}
