import { OttlaError } from '@ottla/protocol';
import type { Cluster } from '../cluster/cluster';
import type { ConsumedRecords } from './consumed-records';
import { FetchLink } from './fetch-link';
import { type ConsumerOptions, type ConsumerSettings, consumerSettings } from './options';
import { PartitionFeed } from './partition-feed';

type Next = IteratorResult<ConsumedRecords, undefined>;

interface Reader {
  resolve(next: Next): void;
  reject(error: unknown): void;
}

/**
 * Reads assigned partitions from their leaders, following them when they change. Iterate over it once; leaving the
 * iteration closes it.
 */
export class Consumer implements AsyncIterable<ConsumedRecords> {
  readonly #cluster: Cluster;
  readonly #settings: ConsumerSettings;
  readonly #feeds: readonly PartitionFeed[];
  readonly #links = new Map<string, FetchLink>();
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal | undefined;
  readonly #onClosed: () => void;
  /** Bounded by the credit that the feeds give. */
  readonly #queue: { records: ConsumedRecords; feed: PartitionFeed }[] = [];
  #reader: Reader | null = null;
  #failure: unknown = null;
  #begun = false;

  /** Made by `ClusterClient.consumer`. */
  constructor(cluster: Cluster, options: ConsumerOptions, onClosed: () => void) {
    this.#cluster = cluster;
    this.#settings = consumerSettings(options);
    this.#signal = options.signal;
    this.#onClosed = onClosed;
    this.#feeds = this.#makeFeeds(options);
  }

  /** The next offset that will be fetched, null until it is known or when the partition isn't assigned. */
  position(topic: string, partition: number): number | null {
    return this.#feeds.find((feed) => feed.topic === topic && feed.partition === partition)?.position ?? null;
  }

  [Symbol.asyncIterator](): AsyncIterator<ConsumedRecords, undefined> {
    if (this.#begun) throw new OttlaError('INVALID_REQUEST', 'a consumer is iterated over once: make another');
    this.#begin();
    return {
      next: () => this.#next(),
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Ends the iteration, and the fetching. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new OttlaError('NETWORK_EXCEPTION', 'the consumer is closed'));
    this.#signal?.removeEventListener('abort', this.#onAbort);
    for (const feed of this.#feeds) feed.stop();
    for (const link of this.#links.values()) link.close();
    this.#queue.length = 0;
    this.#settleReader();
    this.#onClosed();
  }

  #begin(): void {
    this.#begun = true;
    if (this.#signal?.aborted) {
      this.#fail(this.#signal.reason);
      return;
    }
    this.#signal?.addEventListener('abort', this.#onAbort);
    for (const feed of this.#feeds) feed.begin();
  }

  readonly #onAbort = (): void => this.#fail(this.#signal!.reason);

  #makeFeeds(options: ConsumerOptions): PartitionFeed[] {
    const { maxPartitionFetchBytes, prefetchBytes } = this.#settings;
    const share = Math.floor(prefetchBytes / Math.max(1, options.partitions.length));
    const creditBytes = Math.max(1, Math.min(share, 8 * maxPartitionFetchBytes));
    return options.partitions.map(({ topic, partition, offset = 'earliest' }) => {
      const feed: PartitionFeed = new PartitionFeed({
        cluster: this.#cluster,
        settings: this.#settings,
        topic,
        partition,
        start: offset,
        creditBytes,
        closing: this.#closing.signal,
        linkTo: (address) => this.#linkTo(address),
        onRecords: (records) => this.#onRecords(records, feed),
        onEnd: () => this.#settleReader(),
        onFailure: (error) => this.#fail(error),
      });
      return feed;
    });
  }

  #linkTo(address: string): FetchLink {
    let link = this.#links.get(address);
    if (link === undefined) {
      link = new FetchLink(() => this.#cluster.connections.to(address));
      this.#links.set(address, link);
    }
    return link;
  }

  #next(): Promise<Next> {
    if (this.#reader !== null) {
      return Promise.reject(new OttlaError('INVALID_REQUEST', 'wait for one next() before the next'));
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#settleReader();
    });
  }

  #onRecords(records: ConsumedRecords, feed: PartitionFeed): void {
    this.#queue.push({ records, feed });
    this.#settleReader();
  }

  /** What was fetched before a failure is given first. */
  #fail(reason: unknown): void {
    this.#failure ??= reason;
    this.#settleReader();
  }

  #settleReader(): void {
    const reader = this.#reader;
    if (reader === null) return;
    const head = this.#queue.shift();
    if (head !== undefined) {
      this.#reader = null;
      head.feed.taken(head.records);
      reader.resolve({ done: false, value: head.records });
    } else if (this.#failure !== null) {
      const failure = this.#failure;
      this.#reader = null;
      this.#failure = null;
      reader.reject(failure);
      this.close();
    } else if (this.#closing.signal.aborted || this.#feeds.every(({ done }) => done)) {
      this.#reader = null;
      reader.resolve({ done: true, value: undefined });
      this.close();
    }
  }
}
