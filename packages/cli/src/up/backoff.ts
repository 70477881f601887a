/** Delays between restarts of a process that keeps dying: doubled each time, and forgotten once it has lived for a while. */
export class RestartBackoff {
  private failures = 0;

  constructor(
    private readonly firstMs = 500,
    private readonly longestMs = 30_000,
    private readonly healthyMs = 60_000,
  ) {}

  /** How long to wait before the next start, after a life of so long. */
  next(livedMs: number): number {
    if (livedMs >= this.healthyMs) this.failures = 0;
    return Math.min(this.firstMs * 2 ** this.failures++, this.longestMs);
  }
}
