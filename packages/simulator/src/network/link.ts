import type { Random } from '@ottla/runtime';

/** How one direction between two machines behaves. Times in ms, rates in [0, 1]. */
export interface LinkQuality {
  readonly delayMs: number;
  /** Each packet takes up to so much longer. */
  readonly jitterMs: number;
  /** Packets lost, each of which is sent again after a timeout that doubles. */
  readonly lossRate: number;
}

const RETRANSMIT_MS = 200;
const RETRANSMITS_MAX = 6;
/** After a cut ends, senders notice at their next retransmission. */
const RECOVERY_MS = 400;

/**
 * One direction between two machines. What is carried is TCP, so loss, duplication and reordering of packets show only as
 * delay: bytes and messages arrive in order and once, or the connection breaks.
 */
export class Link {
  /** Reasons for which no packet passes. */
  holds = 0;
  private readonly waiting = new Set<() => void>();

  constructor(
    readonly from: string,
    readonly to: string,
    public quality: LinkQuality,
    private readonly random: Random,
  ) {}

  /** How long the next packet takes. */
  latency(): number {
    const { delayMs, jitterMs, lossRate } = this.quality;
    let latency = delayMs + (jitterMs > 0 ? (jitterMs * this.random.below(1000)) / 1000 : 0);
    if (lossRate === 0) return latency;
    for (let sent = 0; sent < RETRANSMITS_MAX && this.random.below(1000) < lossRate * 1000; sent++) {
      latency += RETRANSMIT_MS * 2 ** sent;
    }
    return latency;
  }

  /** Until a sender finds that packets pass again. */
  recovery(): number {
    return this.random.below(RECOVERY_MS);
  }

  /** True or false, as random as this link. */
  coin(): boolean {
    return this.random.below(2) === 0;
  }

  /** Calls back once when something that stood in the way has gone. */
  whenPassable(callback: () => void): void {
    this.waiting.add(callback);
  }

  /** Something that stood in the way has gone. */
  release(): void {
    const callbacks = [...this.waiting];
    this.waiting.clear();
    for (const callback of callbacks) callback();
  }
}
