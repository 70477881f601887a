import type { Disk } from '@ottla/runtime';

/** Names of the folders that hold, or held, a partition: set aside ones included. */
export async function partitionFolder(disk: Disk, dir: string, name: string): Promise<string[]> {
  return (await disk.list(dir)).filter((folder) => folder.startsWith(name));
}
