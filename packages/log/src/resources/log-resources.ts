import { type Logger, silentLogger } from '@ottla/runtime';
import { BytesCache } from './bytes-cache';
import { OpenFiles } from './open-files';
import { TailBudget } from './tail-cache';

export interface LogResourceLimits {
  /** Segment and index files open at a time. */
  maxOpenFiles: number;
  /** Bytes of offset and time indexes kept in memory. */
  indexCacheBytes: number;
  /** Bytes of recently appended batches kept for followers and tail consumers. */
  tailCacheBytes: number;
  /** The share of `tailCacheBytes` that one log may take. */
  tailCacheBytesPerLog: number;
}

export const defaultResourceLimits: LogResourceLimits = {
  maxOpenFiles: 512,
  indexCacheBytes: 32 * 1024 * 1024,
  tailCacheBytes: 64 * 1024 * 1024,
  tailCacheBytesPerLog: 2 * 1024 * 1024,
};

/** What the logs of one data directory share: open files and caches, each bounded for all of them together. */
export class LogResources {
  readonly files: OpenFiles;
  readonly indexes: BytesCache;
  readonly tails: TailBudget;

  constructor(limits: Partial<LogResourceLimits> = {}, logger: Logger = silentLogger) {
    const { maxOpenFiles, indexCacheBytes, tailCacheBytes, tailCacheBytesPerLog } = {
      ...defaultResourceLimits,
      ...limits,
    };
    this.files = new OpenFiles(maxOpenFiles, (error) => logger.warn('closing a file failed', { error }));
    this.indexes = new BytesCache(indexCacheBytes);
    this.tails = new TailBudget(tailCacheBytes, tailCacheBytesPerLog);
  }
}
