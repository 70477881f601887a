import { type Disk, DiskError, type DiskFile, type DiskLock, DiskLockedError, type OpenMode } from '../ports/disk';
import type { DiskOperation } from './faults';
import { type MemoryDevice, split } from './memory-device';
import { MemoryDirectoryNode, MemoryFileNode } from './memory-node';

/** A memory device as one process sees it; with a `life`, it is dead once that process has died. */
export class MemoryMount implements Disk {
  protected readonly device: MemoryDevice;
  readonly #life: number | null;

  constructor(device: MemoryDevice, life: number | null) {
    this.device = device;
    this.#life = life;
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.#steps(path)('open', () => {
      const found = this.device.find(path);
      if (found?.kind === 'directory') throw new DiskError('open', path, 'EISDIR');
      if (found === null && mode !== 'create') throw new DiskError('open', path, 'ENOENT');
      const node = found ?? this.#create(path);
      this.device.openFiles++;
      return new MemoryFile(this.device, node, path);
    });
  }

  readFile(path: string): Promise<Uint8Array | null> {
    return this.#steps(path)('read', () => {
      const node = this.device.find(path);
      if (node?.kind === 'directory') throw new DiskError('read', path, 'EISDIR');
      return node === null ? null : node.view(0, node.size).slice();
    });
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    const step = this.#steps(path);
    const life = this.#life ?? this.device.life;
    const draft = new MemoryFileNode();
    await this.device.write(draft, path, [bytes], 0, life);
    await step('sync', () => draft.sync());
    const { parent, name } = await step('rename', () => {
      const place = this.device.parentOf(path, 'write');
      place.parent.entries.set(place.name, draft);
      return place;
    });
    await step('sync', () => parent.syncEntry(name));
  }

  list(dir: string): Promise<string[]> {
    return this.#steps(dir)('list', () => {
      const node = this.device.find(dir);
      if (node?.kind === 'file') throw new DiskError('list', dir, 'ENOTDIR');
      return node === null ? [] : [...node.entries.keys()].sort();
    });
  }

  makeDir(path: string): Promise<void> {
    return this.#steps(path)('make-directory', () => {
      let at = this.device.root;
      for (const part of split(path)) {
        let next = at.entries.get(part);
        if (next === undefined) {
          next = new MemoryDirectoryNode();
          at.entries.set(part, next);
        }
        if (next.kind === 'file') throw new DiskError('make directory', path, 'ENOTDIR');
        at = next;
      }
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#steps(from)('rename', () => {
      const node = this.device.find(from);
      if (node === null) throw new DiskError('rename', from, 'ENOENT');
      const source = this.device.parentOf(from, 'rename');
      const target = this.device.parentOf(to, 'rename');
      const existing = target.parent.entries.get(target.name);
      if (existing?.kind === 'directory' && existing.entries.size > 0) throw new DiskError('rename', to, 'ENOTEMPTY');
      source.parent.entries.delete(source.name);
      target.parent.entries.set(target.name, node);
    });
  }

  remove(path: string): Promise<void> {
    return this.#steps(path)('remove', () => this.#unlink(path));
  }

  removeFile(path: string): Promise<void> {
    return this.#steps(path)('remove', () => {
      if (this.device.find(path)?.kind === 'directory') throw new DiskError('remove', path, 'EISDIR');
      this.#unlink(path);
    });
  }

  exists(path: string): Promise<boolean> {
    return this.#steps(path)('open', () => this.device.find(path) !== null);
  }

  syncDir(path: string): Promise<void> {
    return this.#steps(path)('sync', () => {
      const node = this.device.find(path);
      if (node?.kind !== 'directory') throw new DiskError('fsync', path, node === null ? 'ENOENT' : 'ENOTDIR');
      node.sync();
    });
  }

  stat(path: string): Promise<{ size: number; mtimeMs: number } | null> {
    return this.#steps(path)('open', () => {
      const node = this.device.find(path);
      if (node === null) return null;
      return node.kind === 'file' ? { size: node.size, mtimeMs: node.mtimeMs } : { size: 0, mtimeMs: 0 };
    });
  }

  async freeBytes(_path: string): Promise<number> {
    return this.device.freeBytes();
  }

  lock(path: string): Promise<DiskLock> {
    return this.#steps(path)('lock', () => {
      const { locks } = this.device;
      if (locks.has(path)) throw new DiskLockedError(path, { pid: 1, host: 'memory' });
      const token = Symbol(path);
      locks.set(path, token);
      return {
        release: async () => {
          if (locks.get(path) === token) locks.delete(path);
        },
      };
    });
  }

  /** The steps of one operation, all in the life in which it began. */
  #steps(path: string): <T>(operation: DiskOperation, happen: () => T) => Promise<T> {
    const life = this.#life ?? this.device.life;
    return (operation, happen) => this.device.step(operation, path, life, happen);
  }

  #create(path: string): MemoryFileNode {
    const { parent, name } = this.device.parentOf(path, 'open');
    const node = new MemoryFileNode();
    node.mtimeMs = this.device.wall();
    parent.entries.set(name, node);
    return node;
  }

  #unlink(path: string): void {
    if (this.device.find(path) === null) return;
    const { parent, name } = this.device.parentOf(path, 'remove');
    parent.entries.delete(name);
  }
}

class MemoryFile implements DiskFile {
  readonly #life: number;
  #open = true;

  constructor(
    private readonly device: MemoryDevice,
    private readonly node: MemoryFileNode,
    private readonly path: string,
  ) {
    this.#life = device.life;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#step('read', () => {
      const bytes = this.node.view(position, position + into.length);
      into.set(bytes);
      return bytes.length;
    });
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    this.#requireOpen('write');
    await this.device.write(this.node, this.path, chunks, position, this.#life);
  }

  truncate(size: number): Promise<void> {
    return this.#step('truncate', () => this.node.truncate(size));
  }

  sync(): Promise<void> {
    return this.#step('sync', () => this.node.sync());
  }

  size(): Promise<number> {
    return this.#step('open', () => this.node.size);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    if (this.#life === this.device.life) this.device.openFiles--;
  }

  async #step<T>(operation: DiskOperation, happen: () => T): Promise<T> {
    this.#requireOpen(operation);
    return this.device.step(operation, this.path, this.#life, happen);
  }

  #requireOpen(operation: string): void {
    if (!this.#open) throw new DiskError(operation, this.path, 'EBADF');
  }
}
