/** Byte strings by path, at most `maxBytes` together; the least recently used go first. */
export class BytesCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get byteLength(): number {
    return this.#bytes;
  }

  get(path: string): Uint8Array | null {
    const found = this.#entries.get(path);
    if (found === undefined) return null;
    this.#entries.delete(path);
    this.#entries.set(path, found);
    return found;
  }

  set(path: string, bytes: Uint8Array): void {
    this.delete(path);
    if (bytes.length > this.#maxBytes) return;
    this.#entries.set(path, bytes);
    this.#bytes += bytes.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  delete(path: string): void {
    const found = this.#entries.get(path);
    if (found === undefined) return;
    this.#entries.delete(path);
    this.#bytes -= found.length;
  }
}
