/** What the logs of one data directory share: open files and caches, each bounded for all of them together. */
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
  tailCacheBytesPerLog: 1024 * 1024,
};

export class LogResources {
  constructor(readonly limits: LogResourceLimits = defaultResourceLimits) {}
}
