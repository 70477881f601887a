import { ErrorCode, type FetchRequest, type FetchResponse, OttlaError, toOttlaError } from '@ottla/protocol';
import type { BrokerServices, LocalPartition, ReadResult } from '../../services';
import { type CurrentLeaders, requireEpoch } from '../leader';
import { findTopic, requireTopic, type TopicReference } from '../topic-lookup';
import type { ReplicaSelection } from './replica-selection';

type Asked = FetchRequest['topics'][number]['partitions'][number];
type PartitionResponse = FetchResponse['responses'][number]['partitions'][number];

/** Errors that are answered with the current leader, so that the client needs no metadata first (KIP-951). */
const LEADER_ERRORS = new Set(['NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH']);

type Outcome =
  | { readonly type: 'data'; readonly read: ReadResult; readonly upTo: number }
  | { readonly type: 'diverged'; readonly epoch: number; readonly endOffset: number; readonly read: ReadResult }
  | { readonly type: 'elsewhere'; readonly broker: number; readonly read: ReadResult }
  | { readonly type: 'failed'; readonly error: OttlaError };

/** Who reads: what all partitions of a fetch have in common. */
export interface Reader {
  readonly isolation: 'read_committed' | 'read_uncommitted';
  readonly selection: ReplicaSelection;
}

/** One partition of a fetch: what has been read of it so far. */
export class FetchedPartition {
  private readonly isolation: Reader['isolation'];
  private readonly selection: ReplicaSelection;
  private readonly topic: TopicReference & { readonly topic: string };
  private local: LocalPartition | null = null;
  private outcome: Outcome | null = null;

  constructor(
    topic: { readonly topic: string; readonly topicId: string },
    private readonly asked: Asked,
    { isolation, selection }: Reader,
    private readonly services: BrokerServices,
  ) {
    this.topic = { ...topic, name: topic.topic };
    this.isolation = isolation;
    this.selection = selection;
  }

  get byteLength(): number {
    return this.outcome?.type === 'data' ? this.outcome.read.byteLength : 0;
  }

  /** Whether the client should hear of this partition now, however few bytes there are. */
  get isUrgent(): boolean {
    const { outcome } = this;
    if (outcome?.type !== 'data') return outcome !== null;
    // There is data that didn't fit beside that of other partitions.
    return outcome.read.byteLength === 0 && this.asked.fetchOffset < outcome.upTo;
  }

  /** Whether reading again could give more than the last time. */
  get isStale(): boolean {
    const { outcome, local } = this;
    if (outcome?.type !== 'data' || local === null) return outcome === null;
    return !this.selection.isReadable(local) || this.readableUpTo(local) > outcome.upTo;
  }

  /** The bytes that reading again would give, judging by the size of the records so far. */
  get expectedBytes(): number {
    const { outcome, local } = this;
    if (outcome?.type !== 'data' || local === null || !this.isStale) return this.byteLength;
    const records = outcome.upTo - this.asked.fetchOffset;
    if (outcome.read.byteLength === 0 || records <= 0 || !this.selection.isReadable(local)) {
      return Number.POSITIVE_INFINITY;
    }
    const expected = (outcome.read.byteLength / records) * (this.readableUpTo(local) - this.asked.fetchOffset);
    return Math.min(expected, Math.max(this.asked.partitionMaxBytes, this.byteLength));
  }

  /** Calls back when there may be more to read. */
  onAdvance(listener: () => void): () => void {
    return this.local?.onAdvance(listener) ?? (() => {});
  }

  /** Reads at most `maxBytes`, or with `atLeastOne` one batch however large. Never rejects. */
  async read(maxBytes: number, atLeastOne: boolean): Promise<void> {
    try {
      const topic = requireTopic(this.services.image(), this.topic);
      const local = this.selection.requireReadable(topic, this.asked.partition);
      this.local = local;
      requireEpoch(local, this.asked.currentLeaderEpoch);
      this.outcome =
        this.divergence(local) ?? this.elsewhere(local) ?? (await this.readFrom(local, maxBytes, atLeastOne));
    } catch (thrown) {
      this.outcome = { type: 'failed', error: this.expected(thrown) };
    }
  }

  response(leaders: CurrentLeaders): PartitionResponse {
    const outcome = this.outcome!;
    const partitionIndex = this.asked.partition;
    if (outcome.type === 'failed') return this.refusal(outcome.error, leaders);
    const { read } = outcome;
    const response: PartitionResponse = {
      partitionIndex,
      errorCode: ErrorCode.NONE,
      highWatermark: read.highWatermark,
      lastStableOffset: read.lastStableOffset,
      logStartOffset: read.logStart,
      abortedTransactions: this.isolation === 'read_committed' ? [] : null,
      records: read.chunks,
    };
    if (outcome.type === 'data') return response;
    if (outcome.type === 'elsewhere') return { ...response, preferredReadReplica: outcome.broker };
    return { ...response, divergingEpoch: { epoch: outcome.epoch, endOffset: outcome.endOffset } };
  }

  /** A caught-up partition is answered without touching its log. */
  private async readFrom(local: LocalPartition, maxBytes: number, atLeastOne: boolean): Promise<Outcome> {
    const { fetchOffset, partitionMaxBytes } = this.asked;
    this.selection.requireReached(local, fetchOffset);
    const upTo = this.readableUpTo(local);
    const caughtUp = fetchOffset >= upTo && fetchOffset <= local.logEnd;
    if (caughtUp || (maxBytes <= 0 && !atLeastOne && fetchOffset >= local.logStart && fetchOffset <= local.logEnd)) {
      return { type: 'data', read: nothing(local), upTo };
    }
    const limit = Math.max(Math.min(maxBytes, partitionMaxBytes), 0);
    const fromFollower = !local.isLeader;
    const options = { maxBytes: limit, isolation: this.isolation, atLeastOne, fromFollower };
    const read = await local.read(fetchOffset, options);
    return { type: 'data', read, upTo };
  }

  /** A consumer that names its rack is sent to a replica there, if there is one (KIP-392). */
  private elsewhere(local: LocalPartition): Outcome | null {
    const broker = this.selection.preferred(local, this.asked.fetchOffset);
    return broker === null ? null : { type: 'elsewhere', broker, read: nothing(local) };
  }

  /** A client that says which epoch it read last learns where its history departs from this leader's (KIP-595). */
  private divergence(local: LocalPartition): Outcome | null {
    const { lastFetchedEpoch, fetchOffset } = this.asked;
    if (lastFetchedEpoch < 0) return null;
    const { epoch, endOffset } = local.endOffsetForEpoch(lastFetchedEpoch);
    if (endOffset < 0) {
      throw new OttlaError(
        'OFFSET_OUT_OF_RANGE',
        `${local.topic}-${local.partition}: nothing is left of epoch ${lastFetchedEpoch}, the log begins at ${local.logStart}`,
      );
    }
    if (epoch >= lastFetchedEpoch && endOffset >= fetchOffset) return null;
    return { type: 'diverged', epoch, endOffset, read: nothing(local) };
  }

  private readableUpTo(local: LocalPartition): number {
    return this.isolation === 'read_committed' ? local.lastStableOffset : local.highWatermark;
  }

  private refusal(error: OttlaError, leaders: CurrentLeaders): PartitionResponse {
    const { partition } = this.asked;
    const response: PartitionResponse = {
      partitionIndex: partition,
      errorCode: error.errorCode,
      highWatermark: -1,
      abortedTransactions: null,
      records: [],
    };
    const topic = LEADER_ERRORS.has(error.code) ? findTopic(this.services.image(), this.topic) : null;
    return topic === null ? response : { ...response, currentLeader: leaders.of(topic.topicId, partition) };
  }

  private expected(thrown: unknown): OttlaError {
    const error = toOttlaError(thrown);
    if (error.code === 'UNKNOWN_SERVER_ERROR') {
      const where = `${this.topic.topic || this.topic.topicId}-${this.asked.partition}`;
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      this.services.logger.error(`fetch from ${where} failed: ${error.message}`, { stack });
    }
    return error;
  }
}

function nothing(local: LocalPartition): ReadResult {
  const { highWatermark, lastStableOffset, logStart } = local;
  return { chunks: [], byteLength: 0, highWatermark, lastStableOffset, logStart };
}
