import { OttlaError } from '@ottla/protocol';

/**
 * What every operation of a `Disk` fails with: a storage error that keeps the operating system's code (`ENOSPC`,
 * `EACCES`, `EIO`, ...) and the path. The message names the operation, the path and, for common codes, the way out.
 */
export class DiskError extends OttlaError {
  /** The operating system's error code, for example `ENOSPC`. */
  readonly errno: string;
  readonly path: string;

  constructor(operation: string, path: string, errno: string, cause?: unknown) {
    super('KAFKA_STORAGE_ERROR', `${operation} ${path}: ${describeErrno(errno)}`, { cause });
    this.name = 'DiskError';
    this.errno = errno;
    this.path = path;
  }
}

/** `Disk.lock` found the file held by a process that is alive. */
export class DiskLockedError extends DiskError {
  /** The process that holds the lock. */
  readonly pid: number;
  /** The machine or container on which it runs. */
  readonly host: string;

  constructor(path: string, owner: { pid: number; host: string }) {
    super('lock', path, 'EBUSY');
    this.name = 'DiskLockedError';
    this.pid = owner.pid;
    this.host = owner.host;
  }
}

const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device (ENOSPC); free some space or move the data to a larger volume',
  EDQUOT: 'disk quota exceeded (EDQUOT); raise the quota or free some space',
  EACCES: 'permission denied (EACCES); give this user read and write access',
  EPERM: 'operation not permitted (EPERM); give this user read and write access',
  EROFS: 'the file system is read-only (EROFS); mount it read-write',
  ENOENT: 'no such file or directory (ENOENT)',
  ENOTDIR: 'a part of the path is not a directory (ENOTDIR)',
  EEXIST: 'it exists already (EEXIST)',
  EMFILE: 'too many open files (EMFILE); raise the limit of the process (ulimit -n)',
  ENFILE: 'too many open files on this machine (ENFILE)',
  EIO: 'input/output error (EIO); the device may be failing',
  EBUSY: 'in use (EBUSY)',
};

function describeErrno(errno: string): string {
  return MEANINGS[errno] ?? `failed (${errno})`;
}

/** An open file. Operations may be issued concurrently; `close` waits for none of them. */
export interface DiskFile {
  /** Reads up to `into.length` bytes at `position`; the number read, less than asked only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all chunks, one behind the other, at `position`; when it fails any part may have been written. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Makes content and size durable (fsync). After a failure the content is unknown: never retry. */
  sync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
  /** The descriptor, where there is one; valid until `close`. */
  readonly fd?: number;
}

export type OpenMode =
  /** Must exist. */
  | 'read'
  /** Must exist. */
  | 'read-write'
  /** Read and write; made when absent, kept as it is when present. */
  | 'create';

export interface FileStat {
  size: number;
  mtimeMs: number;
}

/** A lock that this process holds until `release`, or its own death. */
export interface DiskLock {
  release(): Promise<void>;
}

/** Files and directories. Paths use `/`. Everything fails with `DiskError`. */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** The whole content, or null when the file doesn't exist. */
  readFile(path: string): Promise<Uint8Array | null>;
  /** Replaces the file so that after a crash either the old or the new content is there, whole; durable when it resolves. */
  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void>;
  /** The names in a directory, sorted; empty when it doesn't exist. */
  list(dir: string): Promise<string[]>;
  /** Makes the directory and its parents; fine when it exists. */
  makeDir(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with all it holds; fine when absent. */
  remove(path: string): Promise<void>;
  /** Removes a file; fine when absent. */
  removeFile(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Makes the directory's entries durable: what was created, renamed or removed in it. */
  syncDir(path: string): Promise<void>;
  stat(path: string): Promise<FileStat | null>;
  /** Bytes that this user may still write on the volume that holds `path`. */
  freeBytes?(path: string): Promise<number>;
  /** Bytes that the volume that holds `path` has in all. */
  totalBytes?(path: string): Promise<number>;
  /** Takes the lock file at `path`, which must have a live process to count. Throws `DiskLockedError` while another holds it. */
  lock(path: string): Promise<DiskLock>;
}
