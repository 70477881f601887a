/** A partition of one incarnation of a topic. */
export interface PartitionRef {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

interface Event {
  /** Virtual milliseconds since the run began. */
  readonly at: number;
  readonly client: string;
}

/** An answer. `sent` is the number of events that the history held when the request left. */
interface Answer extends Event {
  readonly sent: number;
}

export type Acks = 0 | 1 | -1;

/** A batch leaves for a broker, for the first time or again. */
export interface ProduceSent extends Event, PartitionRef {
  readonly type: 'produce-sent';
  /** The same at each attempt. */
  readonly batch: number;
  /** When the batch was made, by its producer's clock, which is right: it may have waited since. */
  readonly madeAt: number;
  readonly broker: number;
  readonly acks: Acks;
  /** -1 when the producer isn't idempotent. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** The records' values, each unique in the run. */
  readonly values: readonly string[];
}

export interface ProduceAcked extends Answer, PartitionRef {
  readonly type: 'produce-acked';
  readonly batch: number;
  readonly broker: number;
  readonly acks: 1 | -1;
  readonly baseOffset: number;
}

/** An attempt failed. Whether the batch was appended may be unknown. */
export interface ProduceRefused extends Answer, PartitionRef {
  readonly type: 'produce-refused';
  readonly batch: number;
  readonly broker: number;
  readonly error: string;
  /** Every batch of this producer and partition before this one has been acknowledged. */
  readonly oldest: boolean;
  /**
   * Milliseconds since the producer made the last batch of the partition that was acknowledged; 0 when none was. A broker that
   * has read its log knows of nothing later.
   */
  readonly idleMs: number;
}

export interface ReadRecord {
  readonly offset: number;
  readonly value: string;
  readonly leaderEpoch: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** -1 without a producer id. */
  readonly sequence: number;
}

/** Records given to a consumer. */
export interface RecordsRead extends Answer, PartitionRef {
  readonly type: 'records-read';
  readonly broker: number;
  readonly fetchOffset: number;
  /** The leader epoch that the request named, -1 for none. */
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly logStart: number;
  /** Those at or above the offset asked for. */
  readonly records: readonly ReadRecord[];
}

/** A consumer was told that its position doesn't exist any more: it was truncated (`diverged`), or is outside the log. */
export interface PositionLost extends Answer, PartitionRef {
  readonly type: 'position-lost';
  readonly broker: number;
  readonly position: number;
  readonly how: 'diverged' | 'out-of-range';
  /** Where the log begins and ends as far as the consumer was told; -1 when not. */
  readonly logStart: number;
  readonly end: number;
}

/** Bytes that no producer wrote came: a batch whose CRC doesn't hold. */
export interface CorruptRead extends Answer, PartitionRef {
  readonly type: 'corrupt-read';
  readonly broker: number;
  readonly offset: number;
}

/** An answer of ListOffsets to a request that named a leader epoch. */
export interface OffsetTold extends Answer, PartitionRef {
  readonly type: 'offset-told';
  readonly broker: number;
  readonly which: 'earliest' | 'latest';
  readonly leaderEpoch: number;
  readonly offset: number;
}

/** A member may act in a generation: the coordinator has answered its SyncGroup. */
export interface GenerationSynced extends Answer {
  readonly type: 'generation-synced';
  readonly group: string;
  readonly member: string;
  readonly generation: number;
}

export interface GroupJoined extends Answer {
  readonly type: 'group-joined';
  /** The coordinator. */
  readonly broker: number;
  readonly group: string;
  readonly member: string;
  readonly generation: number;
}

export interface CommitSent extends Event {
  readonly type: 'commit-sent';
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Unique in the run; committed as the offset's metadata. */
  readonly commit: string;
  readonly generation: number;
}

export interface CommitAcked extends Answer {
  readonly type: 'commit-acked';
  /** The coordinator. */
  readonly broker: number;
  readonly group: string;
  readonly commit: string;
}

/** Certainly not carried out, now or later. */
export interface CommitRefused extends Answer {
  readonly type: 'commit-refused';
  readonly group: string;
  readonly commit: string;
  readonly error: string;
}

export interface CommittedTold extends Answer {
  readonly type: 'committed-told';
  /** The coordinator. */
  readonly broker: number;
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** -1 for none. */
  readonly offset: number;
  /** The metadata committed with it; empty for none. */
  readonly commit: string;
}

export interface ProducerIdIssued extends Answer {
  readonly type: 'producer-id-issued';
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface AdminAnswered extends Answer {
  readonly type: 'admin-answered';
  readonly request: string;
  readonly topic: string;
  readonly error: string;
}

/** Records below an offset are to be deleted: from here on they may vanish. */
export interface DeleteRecordsSent extends Event, PartitionRef {
  readonly type: 'delete-records-sent';
  readonly before: number;
}

/** A consumer that began after the faults read a partition from its beginning to its end. */
export interface ReadBack extends Event, PartitionRef {
  readonly type: 'read-back';
  readonly from: number;
  readonly to: number;
  /** Offsets that were skipped because their batch is damaged on the disk. */
  readonly damaged: readonly number[];
}

export type HistoryEvent =
  | ProduceSent
  | ProduceAcked
  | ProduceRefused
  | RecordsRead
  | PositionLost
  | CorruptRead
  | OffsetTold
  | GenerationSynced
  | GroupJoined
  | CommitSent
  | CommitAcked
  | CommitRefused
  | CommittedTold
  | ProducerIdIssued
  | AdminAnswered
  | DeleteRecordsSent
  | ReadBack;

export type HistoryEventType = HistoryEvent['type'];
