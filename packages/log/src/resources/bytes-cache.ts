/** Byte strings by owner, at most `maxBytes` together; the least recently used go first. */
export class BytesCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<object, Uint8Array>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get byteLength(): number {
    return this.#bytes;
  }

  get(owner: object): Uint8Array | null {
    const found = this.#entries.get(owner);
    if (found === undefined) return null;
    this.#entries.delete(owner);
    this.#entries.set(owner, found);
    return found;
  }

  set(owner: object, bytes: Uint8Array): void {
    this.delete(owner);
    if (bytes.length > this.#maxBytes) return;
    this.#entries.set(owner, bytes);
    this.#bytes += bytes.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  delete(owner: object): void {
    const found = this.#entries.get(owner);
    if (found === undefined) return;
    this.#entries.delete(owner);
    this.#bytes -= found.length;
  }
}
