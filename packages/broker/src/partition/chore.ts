import type { Clock, Timer } from '@ottla/runtime';

/** Work that is done whenever it's woken, never twice at once, and again a little later when it could not be finished. */
export class Chore {
  private running: Promise<void> | null = null;
  private again = false;
  private closed = false;
  private retry: Timer | null = null;

  /** @param work answers whether it's finished; it doesn't reject. */
  constructor(
    private readonly clock: Clock,
    private readonly retryMs: number,
    private readonly work: () => Promise<boolean>,
  ) {}

  wake(): void {
    if (this.closed) return;
    this.again = true;
    this.running ??= this.run().finally(() => {
      this.running = null;
    });
  }

  /** Waits for the work under way; does no more. */
  async close(): Promise<void> {
    this.closed = true;
    this.retry?.cancel();
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.again && !this.closed) {
      this.again = false;
      if (!(await this.work())) this.retryLater();
    }
  }

  private retryLater(): void {
    if (this.closed || this.retry !== null) return;
    this.retry = this.clock.after(this.retryMs, () => {
      this.retry = null;
      this.wake();
    });
  }
}
