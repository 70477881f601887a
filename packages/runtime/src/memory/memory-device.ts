import { DiskError } from '../ports/disk';
import type { Random } from '../ports/random';
import { type DiskOperation, Faults } from './faults';
import { MemoryDirectoryNode, type MemoryFileNode, type MemoryNode } from './memory-node';

export interface MemoryDiskOptions {
  /** Decides what survives a crash and how writes tear; without it, everything unsynced is lost and nothing tears. */
  random?: Random;
  /** Writes beyond this fail with ENOSPC after having filled it. */
  capacityBytes?: number;
  /** Called before each operation; lets virtual time pass, or holds an operation. */
  delay?: (operation: DiskOperation, path: string) => Promise<void>;
  /** For modification times. */
  wall?: () => number;
}

/** A write that the death of the process may cut short. */
interface InFlight {
  node: MemoryFileNode;
  chunks: readonly Uint8Array[];
  position: number;
}

/** The hardware below a `MemoryDisk`: the tree of files, its faults, and which life of the process uses it. */
export class MemoryDevice {
  readonly counts: Record<DiskOperation, number> = {
    open: 0,
    read: 0,
    write: 0,
    truncate: 0,
    sync: 0,
    rename: 0,
    remove: 0,
    list: 0,
    'make-directory': 0,
    lock: 0,
  };
  root = new MemoryDirectoryNode();
  readonly faults = new Faults();
  readonly locks = new Map<string, symbol>();
  capacityBytes: number;
  openFiles = 0;
  /** Grows when the process or the machine dies: what was opened or mounted before is dead. */
  life = 0;
  readonly #random: Random | null;
  readonly #options: MemoryDiskOptions;
  readonly #inFlight = new Set<InFlight>();

  constructor(options: MemoryDiskOptions) {
    this.#options = options;
    this.#random = options.random ?? null;
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  wall(): number {
    return this.#options.wall?.() ?? 0;
  }

  kill(): void {
    for (const { node, chunks, position } of this.#inFlight) {
      writeUpTo(node, chunks, position, this.#random?.below(totalBytes(chunks) + 1) ?? 0);
    }
    this.life++;
    this.#inFlight.clear();
    this.locks.clear();
    this.openFiles = 0;
  }

  crash(): void {
    this.kill();
    this.root.crash(this.#random);
  }

  /**
   * One operation: takes its time, fails if it was ordered to or if its process has died, and otherwise happens at one
   * moment.
   */
  async step<T>(operation: DiskOperation, path: string, life: number, happen: () => T): Promise<T> {
    await this.#options.delay?.(operation, path);
    this.requireAlive(operation, path, life);
    this.counts[operation]++;
    const fault = operation === 'write' ? null : this.faults.take(operation, path);
    if (fault !== null) throw new DiskError(operation, path, fault.errno);
    return happen();
  }

  requireAlive(operation: string, path: string, life: number): void {
    if (life !== this.life) throw new DiskError(operation, path, 'EBADF');
  }

  async write(node: MemoryFileNode, path: string, chunks: readonly Uint8Array[], position: number, life: number) {
    const write: InFlight = { node, chunks, position };
    this.#inFlight.add(write);
    try {
      await this.step('write', path, life, () => this.#writeNow(write, path));
    } finally {
      this.#inFlight.delete(write);
    }
  }

  #writeNow({ node, chunks, position }: InFlight, path: string): void {
    const fault = this.faults.take('write', path);
    const size = totalBytes(chunks);
    const wanted = fault === null ? size : Math.min(fault.writtenBytes ?? 0, size);
    const written = Math.min(wanted, this.#room() + Math.max(node.size - position, 0));
    writeUpTo(node, chunks, position, written);
    node.mtimeMs = this.wall();
    if (fault !== null) throw new DiskError('write', path, fault.errno);
    if (written < size) throw new DiskError('write', path, 'ENOSPC');
  }

  freeBytes(): number {
    return this.#room();
  }

  /** Null when there is none. */
  find(path: string): MemoryNode | null {
    let at: MemoryNode = this.root;
    for (const part of split(path)) {
      if (at.kind === 'file') return null;
      const next = at.entries.get(part);
      if (next === undefined) return null;
      at = next;
    }
    return at;
  }

  parentOf(path: string, operation: string): { parent: MemoryDirectoryNode; name: string } {
    const parts = split(path);
    const name = parts.pop() ?? '';
    const parent = this.find(parts.join('/'));
    if (parent === null) throw new DiskError(operation, path, 'ENOENT');
    if (parent.kind === 'file') throw new DiskError(operation, path, 'ENOTDIR');
    return { parent, name };
  }

  #room(): number {
    return this.capacityBytes === Number.POSITIVE_INFINITY
      ? this.capacityBytes
      : Math.max(this.capacityBytes - usedBytes(this.root), 0);
  }
}

export function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function totalBytes(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

export function usedBytes(node: MemoryNode): number {
  if (node.kind === 'file') return node.size;
  let sum = 0;
  for (const entry of node.entries.values()) sum += usedBytes(entry);
  return sum;
}

function writeUpTo(node: MemoryFileNode, chunks: readonly Uint8Array[], position: number, limit: number): void {
  let left = limit;
  for (const chunk of chunks) {
    if (left <= 0) return;
    const part = chunk.length <= left ? chunk : chunk.subarray(0, left);
    node.write(part, position);
    position += part.length;
    left -= part.length;
  }
}
