import type { Random } from '@ottla/runtime';

/** How one direction between two machines behaves. Times in ms, rates in [0, 1]. */
export interface LinkQuality {
  readonly delayMs: number;
  /** Each packet takes up to so much longer. */
  readonly jitterMs: number;
  /** Packets lost, each of which is sent again after a timeout that doubles. */
  readonly lossRate: number;
}

/** What is wrong with a link for a while; the delay varies by as much again. */
export type LinkTrouble = Pick<LinkQuality, 'delayMs' | 'lossRate'>;

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
  private quality: LinkQuality;
  private readonly troubles = new Set<LinkTrouble>();
  private readonly waiting = new Set<() => void>();

  constructor(
    readonly from: string,
    readonly to: string,
    private readonly usual: LinkQuality,
    private readonly random: Random,
  ) {
    this.quality = usual;
  }

  /** Packets take longer, or get lost, until the returned function is called; troubles at one time add up. */
  degrade(trouble: LinkTrouble): () => void {
    this.troubles.add(trouble);
    this.measure();
    return () => {
      this.troubles.delete(trouble);
      this.measure();
    };
  }

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

  private measure(): void {
    let { delayMs, jitterMs, lossRate } = this.usual;
    for (const trouble of this.troubles) {
      delayMs += trouble.delayMs;
      jitterMs += trouble.delayMs;
      lossRate = Math.max(lossRate, trouble.lossRate);
    }
    this.quality = { delayMs, jitterMs, lossRate };
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
