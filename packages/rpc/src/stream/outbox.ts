/** How much an outbox holds, in bytes as the messages' sizes are estimated. */
export interface OutboxLimits {
  /** Messages that wait together leave in one write of about this size. */
  readonly batchBytes: number;
  /** `push` answers false above it. */
  readonly highWaterBytes: number;
  /** Above it the outbox overflows: its owner sends on in spite of backpressure. */
  readonly maxBytes: number;
}

export interface OutboxOptions<T> {
  readonly limits: OutboxLimits;
  sizeOf(message: T): number;
  /** Hands messages to the network; `done` is called when it has taken them. */
  write(messages: T[], done: () => void): void;
  /** What was pushed is at half the high-water mark or below, after `push` had answered false. */
  onDrain(): void;
  onOverflow(queuedBytes: number): void;
}

/** Two, so that the next write is ready when the network has taken one. */
const WRITES_UNDER_WAY = 2;

/**
 * Messages on their way out. Those that queue up while others are being written, or are pushed in one turn of the event
 * loop, leave together.
 */
export class Outbox<T> {
  readonly #options: OutboxOptions<T>;
  #waiting: { message: T; bytes: number }[] = [];
  #queuedBytes = 0;
  #writes = 0;
  #scheduled = false;
  #congested = false;
  #closed = false;
  #onFlushed: (() => void) | null = null;

  constructor(options: OutboxOptions<T>) {
    this.#options = options;
  }

  /** Bytes pushed that the network has not taken. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** False above the high-water mark; the message is queued all the same. */
  push(message: T): boolean {
    if (this.#closed) return false;
    const bytes = this.#options.sizeOf(message);
    const { highWaterBytes, maxBytes } = this.#options.limits;
    this.#waiting.push({ message, bytes });
    this.#queuedBytes += bytes;
    if (this.#queuedBytes > maxBytes) {
      this.#options.onOverflow(this.#queuedBytes);
      return false;
    }
    this.#schedule();
    if (this.#queuedBytes > highWaterBytes) this.#congested = true;
    return !this.#congested;
  }

  /** Takes no more; calls back once everything pushed was taken by the network. */
  end(onFlushed: () => void): void {
    this.#closed = true;
    this.#onFlushed = onFlushed;
    this.#schedule();
  }

  /** Drops what waits and never calls back again. */
  discard(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#queuedBytes = 0;
    this.#onFlushed = null;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#writes < WRITES_UNDER_WAY) this.#writeBatch();
    if (this.#waiting.length > 0 || this.#writes > 0) return;
    const onFlushed = this.#onFlushed;
    this.#onFlushed = null;
    onFlushed?.();
  }

  #writeBatch(): void {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < this.#options.limits.batchBytes)) {
      bytes += this.#waiting[count]!.bytes;
      count += 1;
    }
    const batch = this.#waiting.splice(0, count);
    this.#writes += 1;
    let taken = false;
    this.#options.write(
      batch.map(({ message }) => message),
      () => {
        if (taken) return;
        taken = true;
        this.#onTaken(bytes);
      },
    );
  }

  #onTaken(bytes: number): void {
    this.#writes -= 1;
    this.#queuedBytes = Math.max(0, this.#queuedBytes - bytes);
    this.#flush();
    if (this.#congested && !this.#closed && this.#queuedBytes <= this.#options.limits.highWaterBytes / 2) {
      this.#congested = false;
      this.#options.onDrain();
    }
  }
}
