import fs from 'node:fs';
import { mkdir, open, rename, rm, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Disk, DiskError, type OpenMode } from '../ports/disk';
import { NodeFile } from './node-file';
import { takeLock } from './node-lock';

const { O_RDONLY, O_RDWR, O_CREAT } = fs.constants;

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  'read-write': O_RDWR,
  create: O_RDWR | O_CREAT,
};

/** A call of the callback API, which costs less than half of what `fs.promises` does. */
function call<T>(run: (done: (error: NodeJS.ErrnoException | null, result: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

/** The file system. */
export const nodeDisk: Disk = {
  open: (path, mode) =>
    new Promise((resolve, reject) => {
      fs.open(path, FLAGS[mode], 0o644, (error, fd) =>
        error === null ? resolve(new NodeFile(path, fd)) : reject(failed('open', path, error)),
      );
    }),
  readFile: (path) =>
    unlessMissing<Uint8Array | null>('read', path, null, () => call<Uint8Array>((done) => fs.readFile(path, done))),
  writeFileAtomic,
  list: (dir) =>
    unlessMissing('list', dir, [], async () => (await call<string[]>((done) => fs.readdir(dir, done))).sort()),
  makeDir: (path) => attempt('make directory', path, () => mkdir(path, { recursive: true })),
  rename: (from, to) => attempt('rename', from, () => rename(from, to)),
  remove: (path) => attempt('remove', path, () => rm(path, { recursive: true, force: true })),
  removeFile: (path) => unlessMissing('remove', path, undefined, () => unlink(path)),
  exists: async (path) => (await statOf(path)) !== null,
  syncDir: (path) => attempt('fsync', path, () => syncDir(path)),
  stat: statOf,
  freeBytes: async (path) => {
    const { bavail, bsize } = await volumeOf(path);
    return bavail * bsize;
  },
  totalBytes: async (path) => {
    const { blocks, bsize } = await volumeOf(path);
    return blocks * bsize;
  },
  lock: takeLock,
};

async function volumeOf(path: string): Promise<{ bavail: number; blocks: number; bsize: number }> {
  try {
    return await statfs(path);
  } catch (error) {
    throw failed('stat', path, error);
  }
}

let drafts = 0;

async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  // Unique within the process, so that two writers of one file never share a draft.
  const draft = `${path}.${process.pid}-${++drafts}.tmp`;
  await attempt('write', path, async () => {
    try {
      const handle = await open(draft, 'w', 0o644);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await syncDir(dirname(path));
  });
}

async function syncDir(path: string): Promise<void> {
  const handle = await open(path, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function statOf(path: string): Promise<{ size: number; mtimeMs: number } | null> {
  const stats = await unlessMissing('stat', path, null, () => call<fs.Stats>((done) => fs.stat(path, done)));
  return stats === null ? null : { size: stats.size, mtimeMs: stats.mtimeMs };
}

async function attempt(operation: string, path: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw failed(operation, path, error);
  }
}

async function unlessMissing<T>(operation: string, path: string, absent: T, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return absent;
    throw failed(operation, path, error);
  }
}

function failed(operation: string, path: string, error: unknown): DiskError {
  return new DiskError(operation, path, (error as NodeJS.ErrnoException).code ?? 'EIO', error);
}
