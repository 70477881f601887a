import { OttlaError } from '@ottla/protocol';
import {
  type Clock,
  type Disk,
  DiskError,
  type DiskLock,
  DiskLockedError,
  type Logger,
  type Random,
} from '@ottla/runtime';
import { parsePartitionFolder } from '../files/folder-names';
import { parentOf } from '../partition/log-state';
import type { LogResourceLimits } from '../resources/log-resources';
import { isAheadOf, type LastRun } from './identity';
import { type DirectoryMeta, readCleanShutdown, readMeta, refuseForeign, refuseMismatch } from './meta';

export interface LogDirectoryOptions {
  disk: Disk;
  clock: Clock;
  random: Random;
  logger: Logger;
  dir: string;
  clusterId: string;
  brokerId: number;
  /** This process's run. */
  run: string;
  /** The kernel's boot id; empty when unknown, which proves nothing. */
  bootId: string;
  /** `producer.id.expiration.ms`: idempotent producers are forgotten after this long without an append; default 1 day. */
  producerExpirationMs?: number;
  limits?: Partial<LogResourceLimits>;
}

const LOCK = 'lock';

/** A data directory that this process has for itself. Until it is put to use nothing in it changes. */
export class HeldDirectory {
  private constructor(
    readonly options: LogDirectoryOptions,
    readonly lock: DiskLock,
    /** Null when the directory is new. */
    readonly last: DirectoryMeta | null,
    /** It was closed cleanly, or is new. */
    readonly clean: boolean,
  ) {}

  /**
   * Takes the directory, making it if it is absent. Throws, with one sentence that says what to do, when it is another
   * cluster's or broker's, when a live process uses it, or when it can't be written.
   */
  static async take(options: LogDirectoryOptions): Promise<HeldDirectory> {
    const { disk, dir } = options;
    try {
      await disk.makeDir(dir);
      await disk.syncDir(parentOf(dir));
      const lock = await disk.lock(`${dir}/${LOCK}`);
      try {
        return await HeldDirectory.#read(options, lock);
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw explain(dir, error);
    }
  }

  static async #read(options: LogDirectoryOptions, lock: DiskLock): Promise<HeldDirectory> {
    const { disk, dir, clusterId, brokerId } = options;
    const last = await readMeta(disk, dir);
    if (last === null) refuseForeign(dir, await disk.list(dir), (name) => parsePartitionFolder(name) !== null);
    else refuseMismatch(dir, last, { clusterId, brokerId });
    const clean = last === null || (await readCleanShutdown(disk, dir)) === last.run;
    return new HeldDirectory(options, lock, last, clean);
  }

  get dir(): string {
    return this.options.dir;
  }

  /** The directory has seen a later start of this broker than the metadata store: the store was restored from a backup. */
  isAheadOf(lastRun: LastRun | null): boolean {
    return this.last !== null && isAheadOf(this.last, lastRun);
  }

  /** Lets go of a directory that was not put to use. */
  async release(): Promise<void> {
    await this.lock.release();
  }
}

/** Errors of opening a directory, with the way out. */
export function explain(dir: string, error: unknown): unknown {
  if (error instanceof DiskLockedError) {
    const message = `${dir} is in use by process ${error.pid} on ${error.host}; stop that broker, or use another directory`;
    return new OttlaError('KAFKA_STORAGE_ERROR', message, { cause: error });
  }
  if (error instanceof DiskError) {
    const message = `the data directory ${dir} can't be used: ${error.message}`;
    return new OttlaError('KAFKA_STORAGE_ERROR', message, { cause: error });
  }
  return error;
}
