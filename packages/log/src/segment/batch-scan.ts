import { BATCH_HEADER_BYTES, type BatchHeader, OttlaError, readBatchHeader, verifyBatch } from '@ottla/protocol';

/** Reads up to `into.length` bytes at `position` of a segment. */
export type ReadAt = (into: Uint8Array, position: number) => Promise<number>;

export interface ScanOptions {
  /** Where the first batch begins, and where the bytes end. */
  from: number;
  to: number;
  /** Check each batch's CRC; without it only headers are read and large payloads are skipped. */
  verify: boolean;
  /** How much is read at a time; a batch that is verified may take more. */
  windowBytes?: number;
}

export interface ScanResult {
  /** Behind the last batch that was visited. */
  position: number;
  /** Why the scan stopped before the end; null when it came to the end or the visitor stopped it. */
  damage: string | null;
  /** The bytes end before the batch does. */
  incomplete?: true;
}

const VERIFY_WINDOW_BYTES = 1024 * 1024;
const HEADER_WINDOW_BYTES = 64 * 1024;
const MAGIC_V2 = 2;

/**
 * Visits the batches of a segment in order until the visitor answers false, the bytes end, or what comes is no whole
 * batch. The visitor gets header and position.
 */
export async function scanBatches(
  read: ReadAt,
  { from, to, verify, windowBytes = verify ? VERIFY_WINDOW_BYTES : HEADER_WINDOW_BYTES }: ScanOptions,
  visit: (header: BatchHeader, position: number) => boolean,
): Promise<ScanResult> {
  const window = new Window(read, to, windowBytes);
  let position = from;
  while (position < to) {
    if (!window.holds(position, BATCH_HEADER_BYTES)) await window.load(position, BATCH_HEADER_BYTES);
    if (!window.holds(position, BATCH_HEADER_BYTES))
      return { position, damage: 'it ends inside a batch header', incomplete: true };
    try {
      const header = readBatchHeader(window.bytes, window.indexOf(position));
      if (header.magic !== MAGIC_V2) return { position, damage: `message format v${header.magic}` };
      if (position + header.batchLength > to) {
        return { position, damage: 'it ends inside a batch', incomplete: true };
      }
      if (verify) {
        if (!window.holds(position, header.batchLength)) await window.load(position, header.batchLength);
        verifyBatch(window.bytes, window.indexOf(position), header);
      }
      if (!visit(header, position)) return { position, damage: null };
      position += header.batchLength;
    } catch (error) {
      if (error instanceof OttlaError && error.code === 'CORRUPT_MESSAGE') return { position, damage: error.message };
      throw error;
    }
  }
  return { position, damage: null };
}

/** The part of the file that is in memory. */
class Window {
  bytes = new Uint8Array(0);
  #start = 0;
  #buffer = new Uint8Array(0);

  constructor(
    private readonly read: ReadAt,
    private readonly end: number,
    private readonly usualBytes: number,
  ) {}

  holds(position: number, length: number): boolean {
    return position >= this.#start && position + length <= this.#start + this.bytes.length;
  }

  indexOf(position: number): number {
    return position - this.#start;
  }

  async load(position: number, atLeast: number): Promise<void> {
    const wanted = Math.min(Math.max(atLeast, this.usualBytes), this.end - position);
    if (this.#buffer.length < wanted) this.#buffer = new Uint8Array(wanted);
    const count = await this.read(this.#buffer.subarray(0, wanted), position);
    this.bytes = this.#buffer.subarray(0, count);
    this.#start = position;
  }
}
