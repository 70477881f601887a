import type { WatchEvent, WatchHandler } from '../../src';

interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: () => void;
}

/** Records what a watch delivers; waits for what is still to come. */
export class Recorder implements WatchHandler {
  readonly revisions: { revision: number; events: readonly WatchEvent[] }[] = [];
  progress = 0;
  compacted: number | null = null;
  historyChanged: string | null = null;
  #waiters: Waiter[] = [];

  onRevision(revision: number, events: readonly WatchEvent[]): void {
    this.revisions.push({ revision, events });
    this.#changed();
  }

  onProgress(revision: number): void {
    this.progress = revision;
    this.#changed();
  }

  onCompacted(compactRevision: number): void {
    this.compacted = compactRevision;
    this.#changed();
  }

  onHistoryChanged(reason: string): void {
    this.historyChanged = reason;
    this.#changed();
  }

  /** Keys put, or deleted (with a minus before them), by revision. */
  get summary(): [number, string[]][] {
    return this.revisions.map(({ revision, events }) => [
      revision,
      events.map((event) => (event.type === 'put' ? event.key : `-${event.key}`)),
    ]);
  }

  async until(condition: (recorder: Recorder) => boolean): Promise<void> {
    if (condition(this)) return;
    await new Promise<void>((resolve) => this.#waiters.push({ condition: () => condition(this), resolve }));
  }

  #changed(): void {
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) {
      if (waiter.condition()) waiter.resolve();
      else this.#waiters.push(waiter);
    }
  }
}
