import { describeEvent } from './describe';
import type { HistoryEvent } from './events';

type WithoutTime<E> = E extends unknown ? Omit<E, 'at'> : never;

/** What a client tells; the recorder knows the time. */
export type Seen = WithoutTime<HistoryEvent>;

/** Writes the history of a run. */
export class Recorder {
  readonly events: HistoryEvent[] = [];

  constructor(
    private readonly now: () => number,
    private readonly trace: (line: string) => void = () => {},
  ) {}

  /** What an answer's `sent` must be for a request that leaves now. */
  get mark(): number {
    return this.events.length;
  }

  record(seen: Seen): void {
    const event = { ...seen, at: this.now() } as HistoryEvent;
    this.events.push(event);
    this.trace(describeEvent(event));
  }
}
