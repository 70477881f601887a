import type { Clock, Timer } from '@ottla/runtime';

/** Leave for one piece of work. `done` says how many bytes it came to, and must be called. */
export interface Passage {
  done(bytes: number): void;
}

export interface Admission {
  /** Null when it was cancelled. */
  readonly passage: Promise<Passage | null>;
  cancel(): void;
}

/** What may go at once after a time without traffic. */
const BURST_MS = 100;
/** How soon a change of the rate is noticed. */
const LOOK_AGAIN_MS = 250;

/**
 * Keeps work within a rate of bytes, on the average. One piece goes at a time, in the order asked; what it came to is paid
 * back by the wait before the next one.
 */
export class ByteThrottle {
  private readonly waiting: { settle(passage: Passage | null): void }[] = [];
  private isBusy = false;
  private balance = 0;
  private countedAt: number;
  private timer: Timer | null = null;

  /** @param bytesPerSecond as it is now. */
  constructor(
    private readonly clock: Clock,
    private readonly bytesPerSecond: () => number,
  ) {
    this.countedAt = clock.now();
  }

  admit(): Admission {
    let settle: (passage: Passage | null) => void = () => {};
    const passage = new Promise<Passage | null>((resolve) => {
      settle = resolve;
    });
    const waiter = { settle };
    this.waiting.push(waiter);
    this.next();
    const cancel = (): void => {
      const at = this.waiting.indexOf(waiter);
      if (at < 0) return;
      this.waiting.splice(at, 1);
      waiter.settle(null);
    };
    return { passage, cancel };
  }

  /** Cancels all that wait. */
  close(): void {
    this.timer?.cancel();
    for (const waiter of this.waiting.splice(0)) waiter.settle(null);
  }

  private next(): void {
    if (this.isBusy || this.waiting.length === 0) return;
    this.count();
    if (this.balance < 0) return this.lookAgain();
    this.isBusy = true;
    this.waiting.shift()!.settle({
      done: (bytes) => {
        this.isBusy = false;
        this.count();
        this.balance -= bytes;
        this.next();
      },
    });
  }

  private count(): void {
    const now = this.clock.now();
    const rate = this.bytesPerSecond();
    const earned = (rate * (now - this.countedAt)) / 1000;
    this.balance = Math.min(this.balance + earned, (rate * BURST_MS) / 1000);
    this.countedAt = now;
  }

  private lookAgain(): void {
    if (this.timer !== null) return;
    const rate = this.bytesPerSecond();
    const waitMs = rate > 0 ? Math.ceil((-this.balance * 1000) / rate) : LOOK_AGAIN_MS;
    this.timer = this.clock.after(Math.max(1, Math.min(waitMs, LOOK_AGAIN_MS)), () => {
      this.timer = null;
      this.next();
    });
  }
}
