import type { Disk } from '../ports/disk';
import type { DiskOperation, Fault } from './faults';
import { MemoryDevice, type MemoryDiskOptions, usedBytes } from './memory-device';
import { MemoryMount } from './memory-mount';
import type { MemoryDirectoryNode } from './memory-node';

/** The content of a disk at one time. */
export interface MemoryDiskImage {
  readonly root: MemoryDirectoryNode;
}

/**
 * A file system in memory, deterministic, that can lose what wasn't synced. What it loses is what POSIX allows: file
 * content is durable by `sync`, names by `syncDir` of their directory. It survives the processes that use it: give each
 * its own `mount()`, so that what a dead one still had under way can't touch it any more.
 */
export class MemoryDisk extends MemoryMount {
  constructor(options: MemoryDiskOptions = {}) {
    super(new MemoryDevice(options), null);
  }

  /** The disk for one process; every operation through it fails after the next `kill` or `crash`. */
  mount(): Disk {
    return new MemoryMount(this.device, this.device.life);
  }

  /** Operations done so far, by kind. */
  get counts(): Readonly<Record<DiskOperation, number>> {
    return this.device.counts;
  }

  /** Files that are open and not yet closed. */
  get openFiles(): number {
    return this.device.openFiles;
  }

  /** Bytes of all files. */
  get usedBytes(): number {
    return usedBytes(this.device.root);
  }

  set capacityBytes(bytes: number) {
    this.device.capacityBytes = bytes;
  }

  /** Makes the next operation of this kind fail. */
  failNext(operation: DiskOperation, fault: Fault): void {
    this.device.faults.add(operation, fault);
  }

  clearFaults(): void {
    this.device.faults.clear();
  }

  /** The process dies (kill -9): what it had written stays, writes in flight may be cut short, its locks and files go. */
  kill(): void {
    this.device.kill();
  }

  /** The machine dies: as `kill`, and what wasn't synced is lost; with a `random`, some of it was written back in time. */
  crash(): void {
    this.device.crash();
  }

  /** What a process would read, without waiting and without a fault; null when there is no such file. */
  peek(path: string): Uint8Array | null {
    const node = this.device.find(path);
    return node?.kind === 'file' ? node.view(0, node.size) : null;
  }

  /** The names in a directory, sorted, as `list` gives them. */
  names(dir: string): string[] {
    const node = this.device.find(dir);
    return node?.kind === 'directory' ? [...node.entries.keys()].sort() : [];
  }

  /** One byte of a file changes on the medium. Nothing happens when there is no such byte. */
  rot(path: string, position: number, xor = 0xff): void {
    const node = this.device.find(path);
    if (node?.kind === 'file') node.rot(position, xor);
  }

  /** What is on the medium now, to be put back later. */
  image(): MemoryDiskImage {
    return { root: this.device.root.copy() };
  }

  /** Puts an earlier image back, while no process uses the disk. */
  restore(image: MemoryDiskImage): void {
    this.device.kill();
    this.device.root = image.root.copy();
  }
}
