import { LeaseNotFoundError, type MetadataStore } from '@ottla/metadata';
import { OttlaError, toOttlaError } from '@ottla/protocol';
import { type Clock, type Logger, type Timer, withDeadline } from '@ottla/runtime';

export interface BrokerLeaseOptions {
  readonly store: () => MetadataStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ttlMs: number;
}

interface HeldLease {
  readonly id: string;
  ttlMs: number;
  /** Sending time of the latest request that the store is known to have granted. Its TTL runs from there at the earliest. */
  confirmedAt: number;
}

/**
 * The lease under which a broker's registration and controller claim exist. It counts as lost as soon as the store may
 * have let it expire, by this process's monotonic clock; a lost lease is never renewed nor written with.
 */
export class BrokerLease {
  readonly #options: BrokerLeaseOptions;
  readonly #lostListeners = new Set<() => void>();
  #held: HeldLease | null = null;
  #renewal: Timer | null = null;
  #expiry: Timer | null = null;
  #everConfirmedAt: number | null = null;
  #stallEndedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: BrokerLeaseOptions) {
    this.#options = options;
  }

  /** The lease's id; null when there is none, or it must be counted as lost. */
  get id(): string | null {
    this.#expireIfDue();
    return this.#held?.id ?? null;
  }

  /** Called each time when the lease was lost, not when it's given up. */
  onLost(listener: () => void): void {
    this.#lostListeners.add(listener);
  }

  /** Takes a new lease, unless one is held. */
  async acquire(): Promise<string> {
    const held = this.id;
    if (held !== null) return held;
    const sentAt = this.#options.clock.now();
    const lease = await this.#options.store().grantLease(this.#options.ttlMs);
    if (this.#closed)
      throw new OttlaError('BROKER_NOT_AVAILABLE', 'the lease is no longer wanted: the broker is leaving');
    this.#held = { id: lease.id, ttlMs: lease.ttlMs, confirmedAt: sentAt };
    this.#confirmed(this.#held, sentAt);
    this.#scheduleRenewal(this.#held.ttlMs / 3);
    return lease.id;
  }

  /** The store said that the lease is gone. */
  reportGone(id: string): void {
    if (this.#held?.id === id) this.#lose('the store let it expire');
  }

  /** Counts the lease as lost: what was written under it can't be relied on any more. */
  abandon(reason: string): void {
    if (this.#held !== null) this.#lose(reason);
  }

  /**
   * From when on a missing registration means that its broker is gone. After the store stalled, all leases may vanish at
   * once: everybody is then given `graceMs` to register again. Infinity while the store stalls.
   */
  absenceCountsFrom(graceMs: number): number {
    if (this.#everConfirmedAt === null) return Number.NEGATIVE_INFINITY;
    const silence = this.#options.clock.now() - this.#everConfirmedAt;
    return isStall(silence, this.#options.ttlMs) ? Number.POSITIVE_INFINITY : this.#stallEndedAt + graceMs;
  }

  /** Gives the lease up: its keys vanish at once, or with its TTL when the store can't be reached. */
  async close(): Promise<void> {
    this.#closed = true;
    const id = this.id;
    this.#forget();
    if (id !== null) await this.#revoke(id);
  }

  async #revoke(id: string): Promise<void> {
    try {
      await this.#options.store().revokeLease(id);
    } catch (error) {
      if (error instanceof LeaseNotFoundError) return;
      this.#options.logger.warn('the lease could not be given up; it expires by itself', {
        ttlMs: this.#options.ttlMs,
        error: toOttlaError(error).message,
      });
    }
  }

  #scheduleRenewal(delayMs: number): void {
    this.#renewal?.cancel();
    this.#renewal = this.#options.clock.after(delayMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    if (this.id === null) return;
    const held = this.#held!;
    const sentAt = this.#options.clock.now();
    try {
      const renewal = this.#options.store().keepAlive(held.id);
      const { ttlMs } = await withDeadline(renewal, this.#options.clock, held.ttlMs / 3, 'lease renewal: no answer');
      if (this.id !== held.id) return;
      held.ttlMs = ttlMs;
      this.#confirmed(held, sentAt);
      this.#scheduleRenewal(held.ttlMs / 3 - (this.#options.clock.now() - sentAt));
    } catch (error) {
      if (this.id !== held.id) return;
      if (error instanceof LeaseNotFoundError) this.#lose('the store let it expire');
      else this.#scheduleRenewal(held.ttlMs / 10);
    }
  }

  #confirmed(held: HeldLease, sentAt: number): void {
    const { clock } = this.#options;
    if (this.#everConfirmedAt !== null && isStall(sentAt - this.#everConfirmedAt, this.#options.ttlMs)) {
      this.#stallEndedAt = clock.now();
    }
    this.#everConfirmedAt = sentAt;
    held.confirmedAt = sentAt;
    this.#expiry?.cancel();
    this.#expiry = clock.after(sentAt + held.ttlMs - clock.now(), () => this.#expireIfDue());
  }

  #expireIfDue(): void {
    const held = this.#held;
    if (held === null || this.#options.clock.now() < expiresAt(held)) return;
    this.#lose(`not renewed for ${held.ttlMs} ms`);
  }

  #lose(reason: string): void {
    const id = this.#held?.id;
    this.#forget();
    this.#options.logger.warn('lost the lease of the metadata store', { lease: id, reason });
    for (const listener of this.#lostListeners) listener();
  }

  #forget(): void {
    this.#held = null;
    this.#renewal?.cancel();
    this.#expiry?.cancel();
  }
}

/** Counted from before the request was sent: the store began to count later. */
export function expiresAt(lease: { readonly confirmedAt: number; readonly ttlMs: number }): number {
  return lease.confirmedAt + lease.ttlMs;
}

/** Longer than a renewal takes in order, shorter than any other broker's lease outlives its last renewal. */
function isStall(silenceMs: number, ttlMs: number): boolean {
  return silenceMs > ttlMs / 2;
}
