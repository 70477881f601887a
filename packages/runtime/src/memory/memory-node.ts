import type { Random } from '../ports/random';

/** Bytes that grow by doubling; what lies between the end and a later write reads as zeros. */
class GrowingBytes {
  #bytes = new Uint8Array(0);
  size = 0;

  write(chunk: Uint8Array, position: number): void {
    const end = position + chunk.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2, 256));
      larger.set(this.#bytes.subarray(0, this.size));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, position);
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    if (size < this.size) this.#bytes.fill(0, size, this.size);
    else this.write(new Uint8Array(0), size);
    this.size = size;
  }

  view(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(Math.min(from, this.size), Math.min(to, this.size));
  }
}

type Change = { type: 'write'; bytes: Uint8Array; position: number } | { type: 'truncate'; size: number };

function apply(content: GrowingBytes, change: Change): void {
  if (change.type === 'write') content.write(change.bytes, change.position);
  else content.truncate(change.size);
}

/** A file: what processes see, what is on the platter, and the changes in between. */
export class MemoryFileNode {
  readonly kind = 'file';
  mtimeMs = 0;
  #seen = new GrowingBytes();
  #durable = new GrowingBytes();
  #unsynced: Change[] = [];

  get size(): number {
    return this.#seen.size;
  }

  write(bytes: Uint8Array, position: number): void {
    this.#change({ type: 'write', bytes: bytes.slice(), position });
  }

  truncate(size: number): void {
    this.#change({ type: 'truncate', size });
  }

  view(from: number, to: number): Uint8Array {
    return this.#seen.view(from, to);
  }

  sync(): void {
    for (const change of this.#unsynced) apply(this.#durable, change);
    this.#unsynced = [];
  }

  /** A byte on the platter changes by itself; who reads it sees the change. */
  rot(position: number, xor: number): void {
    for (const content of [this.#seen, this.#durable]) {
      const byte = content.view(position, position + 1);
      if (byte.length === 1) byte[0] = (byte[0] as number) ^ xor;
    }
  }

  copy(): MemoryFileNode {
    const copy = new MemoryFileNode();
    copy.mtimeMs = this.mtimeMs;
    copy.#durable.write(this.#durable.view(0, this.#durable.size), 0);
    copy.#seen.write(this.#seen.view(0, this.#seen.size), 0);
    copy.#unsynced = [...this.#unsynced];
    return copy;
  }

  /** The machine goes down. Without `random` all that wasn't synced is lost; with it, some of it was written back. */
  crash(random: Random | null): void {
    if (random !== null) for (const change of survivors(this.#unsynced, random)) apply(this.#durable, change);
    this.#unsynced = [];
    this.#seen = new GrowingBytes();
    this.#seen.write(this.#durable.view(0, this.#durable.size), 0);
  }

  #change(change: Change): void {
    apply(this.#seen, change);
    this.#unsynced.push(change);
  }
}

/** Nothing, the first few changes with the last one torn, or any of them: kernels write back in no order. */
function survivors(changes: readonly Change[], random: Random): Change[] {
  switch (random.below(3)) {
    case 0:
      return [];
    case 1: {
      const kept = changes.slice(0, random.below(changes.length + 1));
      const last = kept.pop();
      return last === undefined ? [] : [...kept, torn(last, random)];
    }
    default:
      return changes.filter(() => random.below(2) === 0);
  }
}

function torn(change: Change, random: Random): Change {
  if (change.type === 'truncate') return change;
  return { ...change, bytes: change.bytes.subarray(0, random.below(change.bytes.length + 1)) };
}

export type MemoryNode = MemoryFileNode | MemoryDirectoryNode;

/** A directory: the entries that processes see, and those that survive a crash. */
export class MemoryDirectoryNode {
  readonly kind = 'directory';
  entries = new Map<string, MemoryNode>();
  #durable = new Map<string, MemoryNode>();

  sync(): void {
    this.#durable = new Map(this.entries);
  }

  copy(): MemoryDirectoryNode {
    const copy = new MemoryDirectoryNode();
    const copies = new Map<MemoryNode, MemoryNode>();
    const copyOf = (node: MemoryNode): MemoryNode => {
      const known = copies.get(node) ?? node.copy();
      copies.set(node, known);
      return known;
    };
    for (const [name, node] of this.entries) copy.entries.set(name, copyOf(node));
    for (const [name, node] of this.#durable) copy.#durable.set(name, copyOf(node));
    return copy;
  }

  /** Makes one entry durable without the others. */
  syncEntry(name: string): void {
    const node = this.entries.get(name);
    if (node === undefined) this.#durable.delete(name);
    else this.#durable.set(name, node);
  }

  crash(random: Random | null): void {
    if (random !== null) {
      const names = new Set([...this.entries.keys(), ...this.#durable.keys()]);
      for (const name of [...names].sort()) if (random.below(2) === 0) this.syncEntry(name);
    }
    this.entries = new Map(this.#durable);
    for (const name of [...this.entries.keys()].sort()) this.entries.get(name)?.crash(random);
  }
}
