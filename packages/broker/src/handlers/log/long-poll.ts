import type { Clock } from '@ottla/runtime';
import type { Connection } from '../handler';
import type { FetchedPartition } from './fetched-partition';

export interface FetchLimits {
  readonly maxBytes: number;
  readonly minBytes: number;
}

/** Reads the partitions of a fetch until there is enough, or time is up. */
export class LongPoll {
  private over = false;
  private wake: () => void = () => {};

  constructor(
    private readonly partitions: readonly FetchedPartition[],
    private readonly limits: FetchLimits,
  ) {}

  async run(maxWaitMs: number, clock: Clock, connection: Connection): Promise<void> {
    await this.read();
    if (this.partitions.length === 0 || maxWaitMs <= 0 || this.isEnough()) return;
    const end = (): void => {
      this.over = true;
      this.wake();
    };
    const stops = this.partitions.map((partition) => partition.onAdvance(() => this.wake()));
    const timer = clock.after(maxWaitMs, end);
    stops.push(connection.onEnding(end), () => timer.cancel());
    try {
      await this.readUntilEnough();
    } finally {
      for (const stop of stops) stop();
    }
  }

  private async readUntilEnough(): Promise<void> {
    while (!this.isEnough() && !this.over) {
      // Looked at after subscribing: an advance between the read and the subscription isn't missed.
      if (!this.mayBeEnough()) await this.nextAdvance();
      if (this.over || this.mayBeEnough()) await this.read();
    }
  }

  private nextAdvance(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** In the order of the request. The first data is given even when a single batch exceeds the limits (KIP-74). */
  private async read(): Promise<void> {
    let total = this.partitions.reduce((sum, partition) => sum + partition.byteLength, 0);
    for (const partition of this.partitions) {
      if (!partition.isStale) continue;
      total -= partition.byteLength;
      await partition.read(this.limits.maxBytes - total, total === 0);
      total += partition.byteLength;
    }
  }

  private isEnough(): boolean {
    let total = 0;
    for (const partition of this.partitions) {
      if (partition.isUrgent) return true;
      total += partition.byteLength;
    }
    return total >= this.limits.minBytes;
  }

  /** Judged without reading, so that a fetch that waits for many bytes doesn't read them again at each append. */
  private mayBeEnough(): boolean {
    let total = 0;
    for (const partition of this.partitions) total += partition.expectedBytes;
    return total >= this.limits.minBytes;
  }
}
