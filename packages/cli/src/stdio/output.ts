import { write as writeFd } from 'node:fs';

/** The reader of the output has gone away: there is nothing left to do, and nothing went wrong. */
export class OutputClosedError extends Error {
  constructor() {
    super('the reader of the output has gone');
    this.name = 'OutputClosedError';
  }
}

type WriteFd = (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: null,
  callback: (error: NodeJS.ErrnoException | null, written: number) => void,
) => void;

const RETRY_MS = 5;

/**
 * Writes bytes to a file descriptor, whole and in order, in large pieces. `write` answers when there is room for more, so
 * that a slow reader slows its writer down. Unlike `process.stdout`, which writes to pipes synchronously, it keeps the
 * event loop free while the reader makes it wait.
 */
export class Output {
  private chunks: Uint8Array[] = [];
  private queuedBytes = 0;
  private writing: Promise<void> | null = null;
  private error: Error | null = null;

  constructor(
    private readonly fd = 1,
    private readonly highWaterBytes = 1 << 20,
    private readonly writeTo: WriteFd = writeFd as WriteFd,
  ) {}

  /** Null when more may be written at once, else a promise of room. Throws OutputClosedError when nobody reads any more. */
  write(bytes: Uint8Array): Promise<void> | null {
    if (this.error !== null) throw this.error;
    this.chunks.push(bytes);
    this.queuedBytes += bytes.length;
    this.writing ??= this.drain();
    return this.queuedBytes < this.highWaterBytes ? null : this.flush();
  }

  /** Resolves when everything is written. */
  async flush(): Promise<void> {
    while (this.writing !== null) await this.writing;
    if (this.error !== null) throw this.error;
  }

  private async drain(): Promise<void> {
    try {
      // What is written within one turn leaves in one piece.
      await null;
      while (this.chunks.length > 0) {
        const piece = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
        this.chunks = [];
        this.queuedBytes = 0;
        await this.writeAll(piece);
      }
    } catch (error) {
      this.error = error as Error;
    } finally {
      this.writing = null;
    }
  }

  private async writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += await this.writeSome(bytes, at);
  }

  private writeSome(bytes: Uint8Array, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.writeTo(this.fd, bytes, at, bytes.length - at, null, (error, written) => {
        if (error === null) resolve(written);
        else if (error.code === 'EPIPE') reject(new OutputClosedError());
        // The other end may have made the pipe non-blocking.
        else if (error.code === 'EAGAIN') setTimeout(() => resolve(0), RETRY_MS);
        else reject(error);
      });
    });
  }
}
