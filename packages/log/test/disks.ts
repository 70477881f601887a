import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Disk, MemoryDisk, nodeDisk } from '@ottla/runtime';

export interface TestDisk {
  disk: Disk;
  /** A folder for the test alone. */
  root: string;
}

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
      const root = mkdtempSync(join(tmpdir(), 'ottla-log-'));
      folders.push(root);
      return { disk: nodeDisk, root };
    },
  ],
];
