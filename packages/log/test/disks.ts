import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Disk, MemoryDisk, nodeDisk } from '@ottla/runtime';

export interface TestDisk {
  disk: Disk;
  /** A folder for the test alone. */
  root: string;
}

/** In memory where there is such a place: what is tested is how the file system is used, not how fast its device syncs. */
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The same tests over memory and over the file system. */
export const DISKS: [string, () => TestDisk][] = [
  ['memory', () => ({ disk: new MemoryDisk(), root: '/data' })],
  [
    'the file system',
    () => {
      const root = mkdtempSync(join(PLACE, 'ottla-log-'));
      folders.push(root);
      return { disk: nodeDisk, root };
    },
  ],
];
