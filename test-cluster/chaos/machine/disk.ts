import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAlive } from '../../harness/processes';
import { command } from './commands';

/** Names mounts after the process that made them. */
const SOURCE = 'ottla-chaos-';
const BLOCK_BYTES = 1 << 20;
const FILLER = 'filler';

/** The disk of one broker: a directory, or a file system of its own in memory where that can be mounted. */
export class BrokerDisk {
  /** Where the broker keeps its data. */
  readonly dataDir: string;
  private isMounted = false;

  constructor(
    private readonly dir: string,
    private readonly megabytes: number,
  ) {
    this.dataDir = join(dir, 'data');
    mkdirSync(this.dataDir, { recursive: true });
  }

  async mount(): Promise<void> {
    await command('mount', ['-t', 'tmpfs', '-o', `size=${this.megabytes}m`, `${SOURCE}${process.pid}`, this.dir]);
    this.isMounted = true;
    mkdirSync(this.dataDir);
  }

  /** Leaves no byte free; only on a mounted disk. */
  async fill(): Promise<void> {
    const file = await open(join(this.dir, FILLER), 'a');
    try {
      // A full block doesn't fit at the end: what remains is taken by smaller ones.
      for (let size = BLOCK_BYTES; size >= 1; size = Math.floor(size / 16)) await writeUntilFull(file, size);
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(join(this.dir, FILLER), { force: true });
  }

  /** The broker is down: what it had is gone, as when the disk was replaced. */
  replace(): void {
    for (const name of readdirSync(this.dataDir)) rmSync(join(this.dataDir, name), { recursive: true });
  }

  /** Copies the data beside the mount. */
  keepData(): void {
    if (this.isMounted) cpSync(this.dataDir, join(dirname(this.dir), 'kept-data'), { recursive: true });
  }

  removeNow(): void {
    if (!this.isMounted) return;
    this.isMounted = false;
    spawnSync('umount', ['--lazy', this.dir]);
  }
}

/** What runs that were killed themselves could not unmount. */
export function unmountLeftovers(): void {
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [source, path] = line.split(' ');
    if (!source?.startsWith(SOURCE) || isAlive(Number(source.slice(SOURCE.length)))) continue;
    spawnSync('umount', ['--lazy', path!]);
  }
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, size: number): Promise<void> {
  const block = Buffer.alloc(size);
  try {
    while ((await file.write(block)).bytesWritten === size);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
