import { randomUUID } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DiskError, type DiskLock, DiskLockedError } from '../ports/disk';
import { currentProcess, isAlive, type ProcessIdentity } from './process-identity';

interface LockContent extends ProcessIdentity {
  /** Drawn at each attempt, so that a lock tells whose it is even within one process. */
  token: string;
}

const ATTEMPTS = 10;

/** Tokens of the locks that this process holds: its own pid in a lock file says nothing about who in here holds it. */
const held = new Set<string>();

/** Takers within this process come one after the other: between linking and holding, a lock would look stale. */
let lastTaker: Promise<unknown> = Promise.resolve();

/**
 * Takes a lock file that names its owner. A file whose owner died, by kill -9 too, is taken over; a live owner is judged
 * by pid and start time, since pids are used again.
 */
export function takeLock(path: string): Promise<DiskLock> {
  const taken = lastTaker.then(() => takeInTurn(path));
  lastTaker = taken.catch(() => undefined);
  return taken;
}

async function takeInTurn(path: string): Promise<DiskLock> {
  const file = resolve(path);
  const self = await currentProcess();
  const content: LockContent = { ...self, token: randomUUID() };
  const draft = `${file}.${content.token}`;
  try {
    await writeFile(draft, `${JSON.stringify(content)}\n`, { flag: 'wx' });
    await acquire(file, draft, self);
  } catch (error) {
    throw error instanceof DiskError ? error : asDiskError(path, error);
  } finally {
    await unlink(draft).catch(ignoreMissing);
  }
  held.add(content.token);
  return { release: () => release(file, content.token) };
}

async function acquire(file: string, draft: string, self: ProcessIdentity): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await linked(draft, file)) return;
    const owner = await readOwner(file);
    if (owner !== null && (await isHeld(owner, self))) throw new DiskLockedError(file, owner);
    await removeStale(file, `${draft}.stale`, self);
  }
  throw new DiskError('lock', file, 'EBUSY');
}

/** Links are made whole or not at all, so nobody ever reads a lock file half written. */
async function linked(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the stale file aside; if another process took the lock in between, what was moved is alive and goes back. */
async function removeStale(file: string, aside: string, self: ProcessIdentity): Promise<void> {
  try {
    await rename(file, aside);
  } catch (error) {
    return ignoreMissing(error);
  }
  const owner = await readOwner(aside);
  if (owner !== null && (await isHeld(owner, self))) await linked(aside, file);
  await unlink(aside);
}

async function isHeld(owner: LockContent, self: ProcessIdentity): Promise<boolean> {
  const isSelf = owner.pid === self.pid && owner.startTime === self.startTime && owner.bootId === self.bootId;
  if (isSelf && owner.pidNamespace === self.pidNamespace) return held.has(owner.token);
  return isAlive(owner, self);
}

/** Null when the file is gone or holds no owner (a machine that lost power may leave it empty). */
async function readOwner(file: string): Promise<LockContent | null> {
  try {
    const content = JSON.parse(await readFile(file, 'utf8')) as LockContent | null;
    return Number.isInteger(content?.pid) && typeof content?.token === 'string' ? content : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    ignoreMissing(error);
    return null;
  }
}

async function release(file: string, token: string): Promise<void> {
  if (!held.delete(token)) return;
  const owner = await readOwner(file);
  if (owner?.token === token) await unlink(file).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function asDiskError(path: string, error: unknown): DiskError {
  return new DiskError('lock', path, (error as NodeJS.ErrnoException).code ?? 'EIO', error);
}
