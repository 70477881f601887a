import type { Clock } from '@ottla/runtime';

/** A process that a broker id stands for. */
export interface BrokerProcess {
  readonly broker: number;
  readonly run: string;
}

/** For how long after a connection to a process broke its death is thought possible: by then it has been fenced, as a rule. */
const DOUBT_MS = 400;
/** Attempts to connect again fail too; they are no news for so long. */
const NEWS_AGAIN_MS = 60_000;

/**
 * Which processes may have just died: a stream to or from them broke. Nothing is decided by it, only waited for: what is
 * said of them in the next moment is likely to be wrong soon.
 */
export class Doubts {
  private readonly brokeAt = new Map<string, number>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  onBroken(process: BrokerProcess): void {
    const now = this.clock.now();
    for (const [run, at] of this.brokeAt) if (now - at >= NEWS_AGAIN_MS) this.brokeAt.delete(run);
    const key = keyOf(process);
    if (!this.brokeAt.has(key)) this.brokeAt.set(key, now);
  }

  /** How many ms longer the process is in doubt; 0 when it isn't. */
  remainingMs(process: BrokerProcess): number {
    const at = this.brokeAt.get(keyOf(process));
    return at === undefined ? 0 : Math.max(0, at + DOUBT_MS - this.clock.now());
  }
}

function keyOf({ broker, run }: BrokerProcess): string {
  return `${broker}/${run}`;
}
