import type { ClusterImage } from '@ottla/metadata';

/**
 * What the image alone doesn't tell: since when something in it has been as it is. Kept by the controller during one
 * term; a new one begins with none, which only makes it wait longer.
 */
export class Observations {
  readonly #registeredSince = new Map<number, { createRevision: number; since: number }>();
  readonly #missingSince = new Map<number, number>();
  readonly #leftoversSince = new Map<string, number>();

  onImage(image: ClusterImage, now: number): void {
    this.#observeBrokers(image, now);
    this.#observeLeftovers(image, now);
  }

  /** Since when the broker's current registration has been seen; null when it isn't registered. */
  registeredSince(broker: number): number | null {
    return this.#registeredSince.get(broker)?.since ?? null;
  }

  /** When a broker that had been registered was first seen not to be; null when it's registered or never was. */
  missingSince(broker: number): number | null {
    return this.#missingSince.get(broker) ?? null;
  }

  /** Since when the topic id has had partition records that belong to no topic; null when it has none. */
  leftoversSince(topicId: string): number | null {
    return this.#leftoversSince.get(topicId) ?? null;
  }

  #observeBrokers(image: ClusterImage, now: number): void {
    for (const [broker, registration] of image.brokers) {
      this.#missingSince.delete(broker);
      if (this.#registeredSince.get(broker)?.createRevision === registration.createRevision) continue;
      this.#registeredSince.set(broker, { createRevision: registration.createRevision, since: now });
    }
    for (const broker of this.#registeredSince.keys()) {
      if (image.brokers.has(broker)) continue;
      this.#registeredSince.delete(broker);
      this.#missingSince.set(broker, now);
    }
  }

  #observeLeftovers(image: ClusterImage, now: number): void {
    for (const topicId of this.#leftoversSince.keys()) {
      if (!hasLeftovers(image, topicId)) this.#leftoversSince.delete(topicId);
    }
    for (const topicId of image.partitions.keys()) {
      if (hasLeftovers(image, topicId) && !this.#leftoversSince.has(topicId)) this.#leftoversSince.set(topicId, now);
    }
  }
}

/** Partition records that no topic has: of a topic that was never finished, or beyond a topic's partition count. */
export function hasLeftovers(image: ClusterImage, topicId: string): boolean {
  const records = image.partitions.get(topicId);
  return records !== undefined && records.size > visiblePartitions(image, topicId);
}

/** How many partitions the topic shows; 0 for a topic id that isn't a topic's. Records from there on aren't in use. */
export function visiblePartitions(image: ClusterImage, topicId: string): number {
  const name = image.topicNames.get(topicId);
  return name === undefined ? 0 : (image.topics.get(name)?.value.partitions ?? 0);
}
