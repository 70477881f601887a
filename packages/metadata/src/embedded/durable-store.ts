import { OttlaError } from '@ottla/protocol';
import { type Clock, Deferred, type Disk, type DiskLock, type Logger, type Timer } from '@ottla/runtime';
import type { MachineRecord } from '../machine/requests';
import type { MachineSnapshot, StoreMachine } from '../machine/store-machine';
import { Journal } from './journal/journal';

export interface DurableStoreOptions {
  readonly dir: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Identifies a store that doesn't exist yet: 16 hexadecimal digits. */
  readonly newStoreId: string;
  /** Changes kept for watches that resume. Default 10,000; compacted to this at twice as many. */
  readonly retainedChanges?: number;
  /** A log of this size, and larger than the last snapshot, is replaced by a snapshot. Default 4 MiB. */
  readonly logBytesMax?: number;
}

const RETAINED_CHANGES_DEFAULT = 10_000;
const LOG_BYTES_MAX_DEFAULT = 4 * 1024 * 1024;
/** Records that may wait for the disk; more are refused. */
const PENDING_MAX = 10_000;
const EXPIRY_INTERVAL_MS = 250;
/** A tick later than this means that the process stood still, and keep-alives wait unread. */
const STALL_MS = 500;

/** Refused, not carried out: too much waits for the disk. */
export class OverloadedError extends Error {}

/**
 * The store machine with its journal. Requests run on the machine at once, in memory, and are answered when everything
 * that they did or could have seen is on disk; what arrives while the disk is being written goes in one write after it.
 */
export class DurableStore {
  readonly machine: StoreMachine;
  readonly #options: DurableStoreOptions;
  readonly #journal: Journal;
  readonly #lock: DiskLock;
  readonly #failed = new Deferred<OttlaError>();
  readonly #listeners = new Set<() => void>();
  #durableRevision: number;
  #pending: MachineRecord[] = [];
  /** Settles when what is pending is on disk. */
  #next = new Deferred<void>();
  /** Settles when what is being written is on disk; null when nothing is. */
  #writing: Deferred<void> | null = null;
  #flushing: Promise<void> = Promise.resolve();
  #snapshotting: Promise<void> | null = null;
  #failure: OttlaError | null = null;
  #ticker: Timer;

  private constructor(options: DurableStoreOptions, machine: StoreMachine, journal: Journal, lock: DiskLock) {
    this.#options = options;
    this.machine = machine;
    this.#journal = journal;
    this.#lock = lock;
    this.#durableRevision = machine.revision;
    this.#ticker = this.#scheduleTick();
  }

  static async open(options: DurableStoreOptions): Promise<DurableStore> {
    const { dir, disk, clock, logger, newStoreId } = options;
    await disk.makeDir(dir);
    const lock = await disk.lock(`${dir}/lock`);
    try {
      const { journal, machine } = await Journal.open({ dir, disk, logger, newStoreId, now: clock.now() });
      return new DurableStore(options, machine, journal, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get storeId(): string {
    return this.#journal.storeId;
  }

  get diskBytes(): number {
    return this.#journal.logBytes + this.#journal.snapshotBytes;
  }

  /** Everything up to this revision is on disk, and may be told. */
  get durableRevision(): number {
    return this.#durableRevision;
  }

  /** Settles, with the reason, when the disk failed and nothing more can be answered. */
  get failed(): Promise<OttlaError> {
    return this.#failed.promise;
  }

  /** Called whenever the durable revision has grown. */
  onDurable(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs a request at once; its result, or error, comes when all that it could have seen is on disk. */
  async run<T>(
    request: (machine: StoreMachine, now: number) => { result: T; records: readonly MachineRecord[] },
  ): Promise<T> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#pending.length >= PENDING_MAX) throw new OverloadedError();
    let outcome: { result: T } | { error: unknown };
    try {
      const { result, records } = request(this.machine, this.#options.clock.now());
      this.#enqueue(records);
      outcome = { result };
    } catch (error) {
      outcome = { error };
    }
    await this.#barrier();
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  }

  /** Writes what is pending and gives the directory free. */
  async close(): Promise<void> {
    this.#ticker.cancel();
    await this.#flushing;
    await this.#snapshotting;
    this.#failure ??= new OttlaError('REQUEST_TIMED_OUT', 'metadata store: closed');
    try {
      await this.#journal.close();
    } finally {
      await this.#lock.release();
    }
  }

  #enqueue(records: readonly MachineRecord[]): void {
    if (records.length === 0) return;
    this.#pending.push(...records);
    this.#compactHistory();
    if (this.#writing === null) this.#flushing = this.#flush();
  }

  #barrier(): Promise<void> | undefined {
    if (this.#pending.length > 0) return this.#next.promise;
    return this.#writing?.promise;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0 && this.#failure === null) {
        const records = this.#pending;
        const written = this.#next;
        const revision = this.machine.revision;
        // Taken now, while the machine holds exactly what the journal will after this write.
        const snapshot = this.#logIsLong() ? this.machine.snapshot() : null;
        this.#pending = [];
        this.#next = new Deferred();
        this.#writing = written;
        await this.#journal.append(records);
        if (snapshot !== null) await this.#replaceLog(snapshot);
        this.#durableRevision = revision;
        written.resolve();
        for (const listener of this.#listeners) listener();
      }
      this.#writing = null;
    } catch (error) {
      this.#fail(error);
    }
  }

  #logIsLong(): boolean {
    const { logBytesMax = LOG_BYTES_MAX_DEFAULT } = this.#options;
    return this.#snapshotting === null && this.#journal.logBytes > Math.max(logBytesMax, this.#journal.snapshotBytes);
  }

  async #replaceLog(snapshot: MachineSnapshot): Promise<void> {
    await this.#journal.startLog();
    this.#snapshotting = this.#journal
      .replaceLogs(snapshot, this.#journal.position)
      .catch((error) => this.#fail(error))
      .then(() => {
        this.#snapshotting = null;
      });
  }

  #compactHistory(): void {
    const retained = this.#options.retainedChanges ?? RETAINED_CHANGES_DEFAULT;
    const { history } = this.machine;
    if (history.changeCount <= 2 * retained) return;
    const revision = history.revisionKeeping(retained);
    if (revision > this.machine.compactRevision) this.#pending.push(this.machine.compact(revision));
  }

  #scheduleTick(): Timer {
    const { clock } = this.#options;
    const due = clock.now() + EXPIRY_INTERVAL_MS;
    return clock.after(EXPIRY_INTERVAL_MS, () => {
      const now = clock.now();
      if (now - due > STALL_MS) this.machine.restartLeases(now);
      else if (this.#failure === null) this.#enqueue(this.machine.expire(now));
      this.#ticker = this.#scheduleTick();
    });
  }

  /** The disk failed: what it holds is unknown, so nothing waiting is ever answered with success. */
  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    const reason = (error as Error).message;
    this.#failure = new OttlaError('KAFKA_STORAGE_ERROR', `metadata store: ${reason}; the store has stopped`, {
      cause: error,
    });
    this.#ticker.cancel();
    for (const waiting of [this.#writing, this.#next]) {
      // Often nobody waits for it.
      waiting?.promise.catch(() => undefined);
      waiting?.reject(this.#failure);
    }
    this.#failed.resolve(this.#failure);
  }
}
