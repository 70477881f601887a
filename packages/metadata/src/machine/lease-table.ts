import type { ByteKey } from './key-range';
import { MachineError } from './machine-error';

export const NO_LEASE = '0';
/** etcd's limit: 9,000,000,000 s. */
const TTL_MAX_MS = 9e12;

export interface LeaseState {
  readonly id: string;
  readonly ttlMs: number;
  /** On the host's monotonic clock, ms. */
  expiresAt: number;
  readonly keys: Set<ByteKey>;
}

/** Leases with the keys that go with them. Times are handed in; nothing expires until the host says so. */
export class LeaseTable {
  readonly #leases = new Map<string, LeaseState>();

  has(id: string): boolean {
    return this.#leases.has(id);
  }

  get(id: string): LeaseState {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new MachineError('lease-not-found', 'requested lease not found');
    return lease;
  }

  all(): Iterable<LeaseState> {
    return this.#leases.values();
  }

  checkGrant(id: string, ttlMs: number): void {
    if (this.#leases.has(id)) throw new MachineError('lease-exists', 'lease already exists');
    if (ttlMs > TTL_MAX_MS) throw new MachineError('lease-ttl-too-large', 'too large lease TTL');
  }

  grant(id: string, ttlMs: number, now: number): void {
    this.#leases.set(id, { id, ttlMs, expiresAt: now + ttlMs, keys: new Set() });
  }

  keepAlive(id: string, now: number): LeaseState {
    const lease = this.get(id);
    lease.expiresAt = now + lease.ttlMs;
    return lease;
  }

  remove(id: string): void {
    this.#leases.delete(id);
  }

  move(key: ByteKey, from: string, to: string): void {
    if (from === to) return;
    this.#leases.get(from)?.keys.delete(key);
    this.#leases.get(to)?.keys.add(key);
  }

  /** Ids of the leases whose time has run out, the longest overdue first. */
  expired(now: number): string[] {
    const overdue = [...this.#leases.values()].filter((lease) => lease.expiresAt <= now);
    return overdue.sort((a, b) => a.expiresAt - b.expiresAt).map((lease) => lease.id);
  }

  nextExpiry(): number | null {
    let next: number | null = null;
    for (const lease of this.#leases.values()) if (next === null || lease.expiresAt < next) next = lease.expiresAt;
    return next;
  }

  /** Every lease has its full TTL again. */
  restart(now: number): void {
    for (const lease of this.#leases.values()) lease.expiresAt = now + lease.ttlMs;
  }
}
