import { errorName, OttlaError, toOttlaError } from '@ottla/protocol';
import type { Backoff, door } from '@ottla/rpc';
import type { Cluster } from '../cluster/cluster';
import { listOffset } from '../cluster/list-offsets';
import { ConsumedRecords } from './consumed-records';
import type { FetchLink } from './fetch-link';
import type { ConsumerSettings, StartOffset } from './options';

export interface FeedOptions {
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  readonly topic: string;
  readonly partition: number;
  readonly start: StartOffset;
  /** How much may be fetched ahead of the application, in bytes. */
  readonly creditBytes: number;
  /** Aborted when the consumer ends. */
  readonly closing: AbortSignal;
  linkTo(address: string): FetchLink;
  onRecords(records: ConsumedRecords): void;
  /** The feed has reached its end, with `untilEnd`. */
  onEnd(): void;
  onFailure(error: OttlaError): void;
}

/** Fetches one partition from whoever leads it, from the start offset on. */
export class PartitionFeed {
  readonly topic: string;
  readonly partition: number;
  readonly #options: FeedOptions;
  readonly #backoff: Backoff;
  /** Next offset to fetch; null until the start is known. */
  #position: number | null;
  #start: StartOffset;
  /** Where to end; null until it is known, or when there is no end. */
  #end: number | null = null;
  #link: FetchLink | null = null;
  #subscription = 0;
  /** Bytes handed to the application's queue and not yet taken from it. */
  #ahead = 0;
  #failingSince: number | null = null;
  /** The partition was there: that it isn't known now may pass. */
  #found = false;
  #done = false;

  constructor(options: FeedOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.#options = options;
    this.#backoff = options.cluster.backoff();
    this.#start = options.start;
    this.#position = typeof options.start === 'number' ? options.start : null;
  }

  /** The next offset that the feed will fetch, null until it is known. */
  get position(): number | null {
    return this.#position;
  }

  get done(): boolean {
    return this.#done;
  }

  begin(): void {
    this.#subscribe().catch((error) => this.#retry(toOttlaError(error)));
  }

  /** The application took records. */
  taken({ bytes }: ConsumedRecords): void {
    this.#ahead -= bytes.length;
    this.#link?.credit(this.#subscription, bytes.length);
  }

  stop(): void {
    this.#done = true;
    this.#link?.unsubscribe(this.#subscription);
    this.#link = null;
  }

  async #subscribe(): Promise<void> {
    const { cluster, settings, linkTo, creditBytes } = this.#options;
    const info = await cluster.metadata.topic(this.topic);
    if (info.partitions[this.partition] === undefined)
      throw noSuchPartition(this.topic, this.partition, info.partitions.length);
    this.#found = true;
    this.#position ??= await this.#resolveStart();
    if (this.#done) return;
    const leader = cluster.metadata.leader(this.topic, this.partition);
    if (leader === null)
      throw new OttlaError('LEADER_NOT_AVAILABLE', `${this.topic}-${this.partition} has no leader now`);
    const link = linkTo(leader.broker.address);
    this.#link = link;
    const request = {
      topic: this.topic,
      partition: this.partition,
      offset: this.#position,
      currentLeaderEpoch: leader.leaderEpoch,
      maxBytes: settings.maxPartitionFetchBytes,
      creditBytes: creditBytes - this.#ahead,
      readCommitted: settings.readCommitted,
    };
    this.#subscription = link.subscribe(request, {
      onResult: (result) => this.#onResult(result),
      onBroken: (error) => this.#retry(error),
    });
  }

  async #resolveStart(): Promise<number> {
    const { cluster, settings, closing } = this.#options;
    const { readCommitted } = settings;
    const target = { topic: this.topic, partition: this.partition, readCommitted };
    const found = await listOffset(cluster, { ...target, at: this.#start as Exclude<StartOffset, number> }, closing);
    // No record is as young as the timestamp: begin with the next one.
    return found ?? (await listOffset(cluster, { ...target, at: 'latest' }, closing)) ?? 0;
  }

  #onResult(result: door.FetchResult): void {
    if (this.#done) return;
    if (result.errorCode !== 0) {
      this.#onError(result);
      return;
    }
    this.#failingSince = null;
    this.#backoff.reset();
    const { readCommitted, untilEnd } = this.#options.settings;
    if (untilEnd) this.#end ??= readCommitted ? result.lastStableOffset : result.highWatermark;
    const records = this.#recordsOf(result);
    this.#position = result.nextOffset;
    if (records !== null) {
      this.#ahead += records.bytes.length;
      this.#options.onRecords(records);
    }
    if (this.#end === null || result.nextOffset < this.#end) return;
    this.stop();
    this.#options.onEnd();
  }

  #recordsOf(result: door.FetchResult): ConsumedRecords | null {
    const from = this.#position!;
    const to = this.#end === null ? result.nextOffset : Math.min(result.nextOffset, this.#end);
    if (result.records.length === 0 || to <= from) return null;
    const { highWatermark, lastStableOffset, logStartOffset, records: bytes } = result;
    const { topic, partition } = this;
    const range = { topic, partition, from, to, highWatermark, lastStableOffset, logStartOffset, bytes };
    return new ConsumedRecords(range, this.#options.cluster.settings.codecs);
  }

  #onError({ errorCode, errorMessage, currentLeader }: door.FetchResult): void {
    const code = errorName(errorCode);
    const error = new OttlaError(code, errorMessage || `${this.topic}-${this.partition}: ${code}`);
    const { autoOffsetReset } = this.#options.settings;
    if (code === 'OFFSET_OUT_OF_RANGE' && autoOffsetReset !== 'none') {
      this.#start = autoOffsetReset;
      this.#position = null;
      this.begin();
      return;
    }
    const { metadata } = this.#options.cluster;
    if (currentLeader && metadata.takeHint(this.topic, this.partition, currentLeader)) this.begin();
    else this.#retry(error);
  }

  /** Learns the leader anew and goes on there, or gives up. */
  async #retry(error: OttlaError): Promise<void> {
    if (this.#done) return;
    const { cluster, settings, closing, onFailure } = this.#options;
    const { clock } = cluster.settings;
    this.#link = null;
    this.#failingSince ??= clock.now();
    if (!this.#mayPass(error) || clock.now() - this.#failingSince >= settings.retryTimeoutMs) {
      this.#done = true;
      onFailure(error);
      return;
    }
    try {
      await clock.sleep(this.#backoff.next(), closing);
      await cluster.metadata.refresh([this.topic]);
      if (!this.#done) await this.#subscribe();
    } catch (thrown) {
      if (!closing.aborted) await this.#retry(toOttlaError(thrown));
    }
  }

  /** A topic that doesn't exist is retriable to a producer, which waits for its creation; a consumer is told at once. */
  #mayPass({ code, retriable }: OttlaError): boolean {
    return retriable && code !== 'CORRUPT_MESSAGE' && (this.#found || code !== 'UNKNOWN_TOPIC_OR_PARTITION');
  }
}

function noSuchPartition(topic: string, partition: number, count: number): OttlaError {
  const message = `topic ${topic} has no partition ${partition}: it has ${count}, counted from 0`;
  return new OttlaError('UNKNOWN_TOPIC_OR_PARTITION', message);
}
