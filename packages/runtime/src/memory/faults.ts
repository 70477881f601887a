export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'list'
  | 'make-directory'
  | 'lock';

export interface Fault {
  /** The operating system's code, for example `ENOSPC`. */
  errno: string;
  /** Only operations on paths that end with this. */
  pathEndsWith?: string;
  /** How many operations go well before the first one fails. */
  after?: number;
  /** How many fail; 1 by default. */
  times?: number;
  /** For a write: this many bytes are written before it fails. */
  writtenBytes?: number;
}

interface Armed extends Fault {
  operation: DiskOperation;
  skip: number;
  left: number;
}

/** The faults that tests have ordered. */
export class Faults {
  #armed: Armed[] = [];

  add(operation: DiskOperation, fault: Fault): void {
    this.#armed.push({ ...fault, operation, skip: fault.after ?? 0, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#armed = [];
  }

  /** The fault that hits this operation, if any; it is used up. */
  take(operation: DiskOperation, path: string): Fault | null {
    for (const fault of this.#armed) {
      if (fault.operation !== operation || !path.endsWith(fault.pathEndsWith ?? '')) continue;
      if (fault.skip > 0) {
        fault.skip--;
        continue;
      }
      if (--fault.left <= 0) this.#armed = this.#armed.filter((other) => other !== fault);
      return fault;
    }
    return null;
  }
}
