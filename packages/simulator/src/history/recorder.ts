import type { HistoryEvent } from './events';

type WithoutTime<E> = E extends unknown ? Omit<E, 'at'> : never;

/** What a client tells; the recorder knows the time. */
export type Seen = WithoutTime<HistoryEvent>;

/** Writes the history of a run. */
export class Recorder {
  readonly events: HistoryEvent[] = [];

  constructor(private readonly now: () => number) {}

  /** What an answer's `sent` must be for a request that leaves now. */
  get mark(): number {
    return this.events.length;
  }

  record(seen: Seen): void {
    this.events.push({ ...seen, at: this.now() } as HistoryEvent);
  }
}
