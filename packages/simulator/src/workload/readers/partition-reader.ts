import { apis, ErrorCode, errorName, OttlaError } from '@ottla/protocol';
import type { PartitionRef } from '../../history/events';
import type { ActorContext } from '../actor';
import type { WireClient } from '../wire/wire-client';
import { listOffset } from './list-offset';
import { readBatches } from './read-batches';

export interface PartitionReaderOptions {
  readonly topic: string;
  readonly partition: number;
  /** Where to begin; null for the earliest offset. */
  readonly from: number | null;
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  /**
   * How truncation is noticed: by the epoch of the last record read, in every fetch (KIP-595); by OffsetForLeaderEpoch when
   * the leader epoch changed (KIP-320); or not at all.
   */
  readonly validation: 'last-fetched-epoch' | 'offset-for-leader-epoch' | 'none';
  /** Names the topic by id, as it takes with topics that are deleted and made again. */
  readonly byId: boolean;
  /** How many readers share the connections: a broker answers their fetches one after the other. */
  readonly sharing?: number;
  /** Where the consumer is, so that it may be sent to a replica nearby (KIP-392); '' when it doesn't say. */
  readonly rack?: string;
}

type LeaderView = { readonly leader: number; readonly leaderEpoch: number };

const BY_ID_VERSION = 16;
const BY_NAME_VERSION = 12;
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 400;
const READ_MARGIN_MS = 400;
/** Answers in a row that say that a batch is damaged, after which it's skipped. */
const DAMAGED_AFTER = 4;

/** Reads one partition from an offset on, and remembers everything. */
export class PartitionReader {
  position: number | null;
  /** The incarnation of the topic that is read, once known. */
  topicId: string | null = null;
  readonly damaged: number[] = [];
  /** As the leader told last; null before that. */
  highWatermark: number | null = null;
  /** The offset from which on everything has been read; null until there is one. */
  startedAt: number | null = null;
  private lastEpoch = -1;
  private validatedEpoch = -1;
  private corrupt = 0;
  private failures = 0;
  private closed = false;
  /** The replica that the leader sent this reader to. */
  private nearby: number | null = null;

  constructor(
    private readonly context: ActorContext,
    private readonly client: WireClient,
    private readonly options: PartitionReaderOptions,
    private readonly onProgress: (position: number) => void = () => {},
  ) {
    this.position = options.from;
  }

  get topic(): string {
    return this.options.topic;
  }

  get partition(): number {
    return this.options.partition;
  }

  start(): void {
    void this.run();
  }

  close(): void {
    this.closed = true;
  }

  private async run(): Promise<void> {
    while (!this.closed) {
      const went = await this.step().catch((error: unknown) => {
        if (error instanceof OttlaError) return false;
        throw error;
      });
      if (went) this.failures = 0;
      else await this.recover();
    }
  }

  private async recover(): Promise<void> {
    const { clock, random } = this.context;
    this.nearby = null;
    const pause = Math.min(PAUSE_MS * 2 ** this.failures++, LONGEST_PAUSE_MS);
    await clock.sleep(pause + random.below(PAUSE_MS));
    if (!this.closed) await this.client.refresh(this.options.topic);
  }

  /** One fetch; false when metadata has to be looked at first. */
  private async step(): Promise<boolean> {
    const { client, options } = this;
    const topic = client.topic(options.topic);
    const leader = client.leader(options.topic, options.partition);
    if (topic === null || leader === null) return false;
    if (this.topicId !== topic.topicId) this.beginTopic(topic.topicId);
    this.position ??= await this.earliest(leader);
    this.startedAt ??= this.position;
    if (options.validation === 'offset-for-leader-epoch') await this.validate(leader);
    return this.fetch(leader);
  }

  /** Only topics that last can be asked for their offsets, which are asked for by name; others begin at 0. */
  private async earliest(leader: LeaderView): Promise<number> {
    if (this.options.byId) return 0;
    return (await listOffset(this.context, this.client, this.ref(), leader, 'earliest')).offset;
  }

  private beginTopic(topicId: string): void {
    if (this.topicId !== null) this.position = null;
    this.startedAt = null;
    this.topicId = topicId;
    this.lastEpoch = -1;
    this.validatedEpoch = -1;
    this.nearby = null;
  }

  private ref(): PartitionRef {
    const { topic, partition } = this.options;
    return { topic, topicId: this.topicId!, partition };
  }

  private async fetch(leader: LeaderView): Promise<boolean> {
    const { client, options, context } = this;
    const to = this.ref();
    const fetchOffset = this.position!;
    const sent = context.recorder.mark;
    const lastFetchedEpoch = options.validation === 'last-fetched-epoch' ? this.lastEpoch : -1;
    const asked = { partition: to.partition, currentLeaderEpoch: leader.leaderEpoch, fetchOffset, lastFetchedEpoch };
    const partitions = [{ ...asked, partitionMaxBytes: options.maxBytes }];
    const body = {
      ...{ maxWaitMs: options.maxWaitMs, minBytes: 1, maxBytes: options.maxBytes, isolationLevel: 0 },
      ...{ topics: [{ topic: to.topic, topicId: to.topicId, partitions }], forgottenTopicsData: [] },
      rackId: options.rack ?? '',
    };
    const broker = this.nearby ?? leader.leader;
    const version = options.byId ? BY_ID_VERSION : BY_NAME_VERSION;
    const answer = await client.ask(
      broker,
      apis.Fetch,
      version,
      body,
      options.maxWaitMs * (options.sharing ?? 1) + READ_MARGIN_MS,
    );
    if (this.closed || this.topicId !== to.topicId) return true;
    const result = answer.responses[0]?.partitions[0];
    if (result === undefined) throw new OttlaError(errorName(answer.errorCode), 'the fetch failed as a whole');
    const { recorder, name: reader } = context;
    const where = { client: reader, sent, ...to, broker };
    const { errorCode } = result;
    // Only a leader knows what is out of range.
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && broker !== leader.leader) return false;
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return this.outOfRange(leader, fetchOffset, sent);
    if (errorCode !== ErrorCode.NONE) return this.refused(errorCode, fetchOffset, broker, sent);
    if (result.preferredReadReplica >= 0) {
      // A replica that can't be read sends the reader back: not at once, so that they don't go on for ever.
      if (this.nearby === null) this.context.count('readsNearby');
      this.nearby = result.preferredReadReplica;
      return true;
    }
    const { divergingEpoch, highWatermark, logStartOffset: logStart } = result;
    if (divergingEpoch && divergingEpoch.endOffset >= 0) {
      return this.diverged(broker, divergingEpoch.endOffset, logStart, sent);
    }
    const read = readBatches(result.records ?? new Uint8Array(0), fetchOffset);
    const what = { fetchOffset, leaderEpoch: leader.leaderEpoch, highWatermark, logStart, records: read.records };
    recorder.record({ type: 'records-read', ...where, ...what });
    this.highWatermark = highWatermark;
    if (read.records.length > 0) this.corrupt = 0;
    this.advance(read.nextOffset, read.records.at(-1)?.leaderEpoch ?? this.lastEpoch);
    return read.corruptAt === null ? true : this.skipDamaged(read.corruptAt, broker, sent);
  }

  private advance(position: number, epoch: number): void {
    this.position = position;
    this.lastEpoch = epoch;
    this.onProgress(position);
  }

  private async refused(code: number, offset: number, broker: number, sent: number): Promise<boolean> {
    const error = errorName(code);
    if (error === 'CORRUPT_MESSAGE' || error === 'KAFKA_STORAGE_ERROR') return this.skipDamaged(offset, broker, sent);
    return false;
  }

  /** A damaged batch stays damaged on this broker: after a few attempts the reader goes on behind it. */
  private async skipDamaged(offset: number, broker: number, sent: number): Promise<boolean> {
    const { recorder, name: client } = this.context;
    recorder.record({ type: 'corrupt-read', client, sent, ...this.ref(), broker, offset });
    this.corrupt++;
    if (this.corrupt < DAMAGED_AFTER) return false;
    this.damaged.push(offset);
    this.position = offset + 1;
    return true;
  }

  private diverged(broker: number, endOffset: number, logStart: number, sent: number): boolean {
    this.lost('diverged', broker, logStart, endOffset, sent);
    this.position = Math.min(this.position!, endOffset);
    this.lastEpoch = -1;
    return true;
  }

  private async outOfRange(leader: LeaderView, asked: number, sent: number): Promise<boolean> {
    const { context, client } = this;
    const to = this.ref();
    if (this.options.byId) {
      this.lost('out-of-range', leader.leader, -1, -1, sent);
      this.position = 0;
    } else {
      const earliest = await listOffset(context, client, to, leader, 'earliest');
      const latest = await listOffset(context, client, to, leader, 'latest');
      if (this.position !== asked) return true;
      this.lost('out-of-range', leader.leader, earliest.offset, latest.offset, sent);
      this.position = asked < earliest.offset ? earliest.offset : Math.min(asked, latest.offset);
    }
    this.startedAt = Math.max(this.startedAt ?? 0, this.position);
    this.lastEpoch = -1;
    return true;
  }

  private lost(how: 'diverged' | 'out-of-range', broker: number, logStart: number, end: number, sent: number): void {
    const { recorder, name: client } = this.context;
    const what = { broker, position: this.position!, how, logStart, end };
    recorder.record({ type: 'position-lost', client, sent, ...this.ref(), ...what });
  }

  /** Asks a leader of a new epoch where the epoch of the last record read ended. */
  private async validate(leader: LeaderView): Promise<void> {
    if (this.lastEpoch < 0 || this.validatedEpoch === leader.leaderEpoch) return;
    const { client, context } = this;
    const to = this.ref();
    const sent = context.recorder.mark;
    const { leaderEpoch: currentLeaderEpoch } = leader;
    const partitions = [{ partition: to.partition, currentLeaderEpoch, leaderEpoch: this.lastEpoch }];
    const body = { replicaId: -1, topics: [{ topic: to.topic, partitions }] };
    const answer = await client.ask(leader.leader, apis.OffsetForLeaderEpoch, 4, body);
    const result = answer.topics[0]?.partitions[0];
    if (result === undefined || result.errorCode !== ErrorCode.NONE) {
      throw new OttlaError(errorName(result?.errorCode ?? -1), 'the position could not be validated');
    }
    this.validatedEpoch = leader.leaderEpoch;
    if (result.endOffset >= 0 && result.endOffset < this.position!) {
      this.diverged(leader.leader, result.endOffset, -1, sent);
    }
  }
}
