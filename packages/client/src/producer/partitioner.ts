import type { Random } from '@ottla/runtime';

/** Java's murmur2, with which Kafka's clients hash keys; as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const multiplier = 0x5bd1e995;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = 0x9747b28c ^ bytes.length;
  const whole = bytes.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(view.getInt32(at, true), multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  const rest = bytes.length - whole;
  if (rest === 3) hash ^= bytes[whole + 2]! << 16;
  if (rest >= 2) hash ^= bytes[whole + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes[whole]!, multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

/** The partition of a key, the same as Kafka's clients choose. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

/**
 * Where records without a key go: all to one partition until a batch's worth has gone there, then to another drawn at
 * random (KIP-794), so that batches fill.
 */
export class StickyPartition {
  readonly #random: Random;
  readonly #bytesPerPartition: number;
  #current = -1;
  #bytes = 0;

  constructor(random: Random, bytesPerPartition: number) {
    this.#random = random;
    this.#bytesPerPartition = bytesPerPartition;
  }

  /** `available` are the partitions that have a leader; without any, all are drawn from. */
  choose(partitions: number, available: readonly number[], recordBytes: number): number {
    const usable = available.length > 0 ? available.includes(this.#current) : this.#current < partitions;
    if (this.#current < 0 || this.#bytes >= this.#bytesPerPartition || !usable) {
      this.#current = available[this.#random.below(available.length || 1)] ?? this.#random.below(partitions);
      this.#bytes = 0;
    }
    this.#bytes += recordBytes;
    return this.#current;
  }
}
