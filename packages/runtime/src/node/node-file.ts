import fs from 'node:fs';
import { DiskError, type DiskFile } from '../ports/disk';

/** Linux takes at most 1024 buffers a writev. */
const IOV_MAX = 1024;

type Done = (error: NodeJS.ErrnoException | null) => void;

/** A file over a plain descriptor: the callback API costs about half of what `fs.promises` does per operation. */
export class NodeFile implements DiskFile {
  readonly #path: string;
  #fd: number | null;

  constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  get fd(): number {
    if (this.#fd === null) throw new DiskError('use', this.#path, 'EBADF');
    return this.#fd;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const read = await this.#readOnce(into, done, position + done);
      if (read === 0) break;
      done += read;
    }
    return done;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    for (let first = 0; first < chunks.length; first += IOV_MAX) {
      const group = chunks.length > IOV_MAX ? chunks.slice(first, first + IOV_MAX) : chunks;
      position = await this.#writeAll(group, position);
    }
  }

  truncate(size: number): Promise<void> {
    return this.#call('truncate', (fd, done) => fs.ftruncate(fd, size, done));
  }

  sync(): Promise<void> {
    return this.#call('fsync', fs.fsync);
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.fd, (error, stats) => (error === null ? resolve(stats.size) : reject(this.#failed('stat', error))));
    });
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    if (fd === null) return;
    this.#fd = null;
    await new Promise<void>((resolve, reject) => {
      fs.close(fd, (error) => (error ? reject(this.#failed('close', error)) : resolve()));
    });
  }

  #call(operation: string, run: (fd: number, done: Done) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      run(this.fd, (error) => (error === null ? resolve() : reject(this.#failed(operation, error))));
    });
  }

  #readOnce(into: Uint8Array, offset: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.fd, into, offset, into.length - offset, position, (error, read) =>
        error === null ? resolve(read) : reject(this.#failed('read', error)),
      );
    });
  }

  /** Writes the group whole, going on behind a short write; the position behind it. */
  async #writeAll(group: readonly Uint8Array[], position: number): Promise<number> {
    let rest = group;
    let left = 0;
    for (const chunk of group) left += chunk.length;
    while (left > 0) {
      const written = await this.#writeOnce(rest, position);
      if (written === 0) throw new DiskError('write', this.#path, 'EIO');
      position += written;
      left -= written;
      if (left > 0) rest = skip(rest, written);
    }
    return position;
  }

  #writeOnce(chunks: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: NodeJS.ErrnoException | null, written: number): void =>
        error === null ? resolve(written) : reject(this.#failed('write', error));
      const only = chunks.length === 1 ? chunks[0] : undefined;
      if (only !== undefined) fs.write(this.fd, only, 0, only.length, position, done);
      else fs.writev(this.fd, chunks as Uint8Array[], position, done);
    });
  }

  #failed(operation: string, error: NodeJS.ErrnoException): DiskError {
    return new DiskError(operation, this.#path, error.code ?? 'EIO', error);
  }
}

/** The chunks without their first `count` bytes. */
function skip(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let at = 0;
  while (count >= (chunks[at] as Uint8Array).length) count -= (chunks[at++] as Uint8Array).length;
  return [(chunks[at] as Uint8Array).subarray(count), ...chunks.slice(at + 1)];
}
