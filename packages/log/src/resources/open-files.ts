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
 * Open files by path, at most `max` at a time: one that nobody uses is closed, the least recently used first, to make
 * room. While more than `max` are in use at once, the bound is exceeded.
 */
export class OpenFiles {
  readonly #max: number;
  readonly #onCloseError: (error: unknown) => void;
  /** In the order of use, the least recent first. */
  readonly #table = new Map<string, OpenFile>();
  readonly #closing = new Set<Promise<void>>();

  constructor(max: number, onCloseError: (error: unknown) => void) {
    this.#max = max;
    this.#onCloseError = onCloseError;
  }

  get size(): number {
    return this.#table.size;
  }

  /** `create` makes the file when it is absent. */
  async acquire(disk: Disk, path: string, mode: 'read-write' | 'create' = 'read-write'): Promise<FileLease> {
    const entry = this.#take(disk, path, mode);
    entry.pins++;
    try {
      const file = await entry.opening;
      this.#makeRoom();
      return { file, release: () => this.#unpin(entry) };
    } catch (error) {
      entry.pins--;
      if (this.#table.get(path) === entry) this.#table.delete(path);
      throw error;
    }
  }

  async use<T>(disk: Disk, path: string, run: (file: DiskFile) => Promise<T>): Promise<T> {
    const lease = await this.acquire(disk, path);
    try {
      return await run(lease.file);
    } finally {
      lease.release();
    }
  }

  /**
   * Drops the file from the table, because it is about to go or to change its name. Leases keep it open until released;
   * without any, it is closed when this resolves.
   */
  async forget(path: string): Promise<void> {
    const entry = this.#table.get(path);
    if (entry === undefined) return;
    this.#table.delete(path);
    entry.forgotten = true;
    if (entry.pins === 0) await this.#close(entry);
  }

  /** Resolves when every file that was let go by now is closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing);
  }

  #take(disk: Disk, path: string, mode: 'read-write' | 'create'): OpenFile {
    const known = this.#table.get(path);
    const entry = known ?? { opening: disk.open(path, mode), pins: 0, forgotten: false };
    if (known !== undefined) this.#table.delete(path);
    this.#table.set(path, entry);
    return entry;
  }

  #unpin(entry: OpenFile): void {
    entry.pins--;
    if (entry.pins > 0) return;
    if (entry.forgotten) void this.#close(entry);
    else this.#makeRoom();
  }

  #makeRoom(): void {
    let tries = TRIES;
    for (const [path, entry] of this.#table) {
      if (this.#table.size <= this.#max || tries-- === 0) return;
      if (entry.pins === 0) {
        void this.forget(path);
      } else {
        this.#table.delete(path);
        this.#table.set(path, entry);
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
