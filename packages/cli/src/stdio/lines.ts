import { CommandError } from '../command-error';

const NEWLINE = 0x0a;
const EMPTY = new Uint8Array(0);

/** Longest line that is taken; brokers refuse far shorter ones (`message.max.bytes`). */
export const MAX_LINE_BYTES = 128 * 1024 * 1024;

/**
 * Cuts a stream of bytes into lines at each newline, and changes nothing else: lines may be empty, may hold any bytes,
 * carriage returns too, and the last needs no newline. Lines are views of what was pushed where they can be.
 */
export class LineSplitter {
  private partial: Uint8Array[] = [];
  private partialBytes = 0;
  private lines = 0;

  constructor(private readonly maxLineBytes: number = MAX_LINE_BYTES) {}

  /** The lines that `chunk` completes. */
  *push(chunk: Uint8Array): Iterable<Uint8Array> {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      yield this.complete(chunk.subarray(from, at));
      from = at + 1;
    }
    if (from < chunk.length) this.keep(chunk.subarray(from));
  }

  /** The last line, if the input didn't end with a newline. */
  *end(): Iterable<Uint8Array> {
    if (this.partialBytes > 0) yield this.complete(EMPTY);
  }

  private complete(rest: Uint8Array): Uint8Array {
    this.lines++;
    if (this.partialBytes === 0) return rest;
    this.keep(rest);
    const line = this.partial.length === 1 ? this.partial[0]! : Buffer.concat(this.partial, this.partialBytes);
    this.partial = [];
    this.partialBytes = 0;
    return line;
  }

  private keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.partial.push(bytes);
    this.partialBytes += bytes.length;
    if (this.partialBytes > this.maxLineBytes) {
      throw new CommandError(
        `line ${this.lines + 1} is longer than ${this.maxLineBytes} bytes: records end at newlines`,
      );
    }
  }
}

/** A line as key and value: at the first separator, if there is one and the line has it. */
export function splitKey(
  line: Uint8Array,
  separator: Uint8Array | null,
): { key: Uint8Array | null; value: Uint8Array } {
  if (separator === null) return { key: null, value: line };
  const at = Buffer.from(line.buffer, line.byteOffset, line.byteLength).indexOf(separator);
  if (at < 0) return { key: null, value: line };
  return { key: line.subarray(0, at), value: line.subarray(at + separator.length) };
}
