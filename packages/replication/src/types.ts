import type { BatchHeader, ErrorName } from '@ottla/protocol';
import type { LeaderEpochs } from './leader-epochs';
import type { FollowerMessage, LeaderMessage, PushMessage, ReportMessage, SubscribeMessage } from './messages';
import type { ProducerState } from './producer-state';

/** A replica's identity in ISR and ELR: a broker, and what its log directory holds. A replaced log id is another replica. */
export interface ReplicaId {
  broker: number;
  logId: string;
}

/** The partition's record in the metadata store: the one source of who leads, and who is in sync. */
export interface PartitionRecord {
  version: 1;
  /** Broker ids of the assignment, in order of preference. */
  replicas: number[];
  /** Of `replicas`: those that a reassignment under way brings in, and those that leave when it completes. */
  adding: number[];
  removing: number[];
  /** While a reassignment is under way: the assignment before it, to which cancelling goes back. */
  original?: number[];
  /** Brokers that left the assignment and may still have the partition's folder: theirs to delete, unless assigned anew. */
  removed?: number[];
  /** A leader leads only in the run that is named here. */
  leader: { broker: number; run: string } | null;
  leaderEpoch: number;
  isr: ReplicaId[];
  /** Eligible leader replicas (KIP-966): not in the ISR, and yet holding everything below the high watermark. */
  elr: ReplicaId[];
  /** The effective `min.insync.replicas`: already capped by the number of replicas. */
  minIsr: number;
  lastKnownLeader: ReplicaId | null;
  /** Whether the current leader epoch began with an unclean election. */
  unclean: boolean;
  /** Fields that a newer version wrote: carried along unread. */
  extra?: Record<string, unknown>;
}

export type ReplicaRole = 'leader' | 'follower' | 'idle' | 'offline';

export interface ReplicaSelf {
  broker: number;
  /** Drawn at each process start. */
  run: string;
  logId: string;
}

export interface ReplicaOptions {
  self: ReplicaSelf;
  topic: string;
  topicId: string;
  partition: number;
  /** `replica.lag.time.max.ms`: a follower that has not been caught up for so long leaves the ISR. */
  replicaLagTimeMaxMs: number;
  /** As a follower: bytes that the leader may have under way to this replica. */
  windowBytes: number;
  /** Produce requests that may wait for their append or for the high watermark. */
  maxPendingProduces: number;
  /** `producer.id.expiration.ms`. */
  producerExpirationMs: number;
}

/** What the log holds when the machine is made. The machine owns both clones from then on. */
export interface ReplicaLogState {
  logStart: number;
  /** Base offset of the batch in which `logStart` lies; `logStart` itself when it lies in none. */
  firstBatchOffset: number;
  logEnd: number;
  /** As checkpointed; the machine clamps it to the log. */
  highWatermark: number;
  epochs: LeaderEpochs;
  producers: ProducerState;
}

/** A leader's view of one replica of the assignment (itself included). */
export interface ReplicaProgress {
  broker: number;
  /** -1 until it is known in this leader epoch. */
  logEnd: number;
  /** Its log start, -1 until it is known in this leader epoch. */
  logStart: number;
  inIsr: boolean;
  /** When it last had everything that the leader had, in ms; 0 when never in this epoch. */
  caughtUpAt: number;
}

export type ReplicaInput =
  | RecordChanged
  | HistoryLost
  | Produce
  | Appended
  | AppendFailed
  | Truncated
  | RestartedAt
  | LogStartChanged
  | LogStartFailed
  | DeleteRecords
  | Subscribe
  | Report
  | Unsubscribe
  | Pushed
  | IsrWritten
  | IsrRefused
  | LeaderMessageArrived
  | StreamOpened
  | StreamClosed
  | Tick
  | Drain
  | ProducerExpiration
  | Offline;

/** The image has another version of the partition's record. The role follows from it. */
export interface RecordChanged {
  type: 'record-changed';
  record: PartitionRecord;
  modRevision: number;
}

/**
 * The store was found to have another past than the one that this replica's records came from. The replica ends its part
 * and has none until a record of a later epoch than any it knows; mod revisions count from anew.
 */
export interface HistoryLost {
  type: 'history-lost';
}

/** One partition's part of a produce request, its batches already checked. */
export interface Produce {
  type: 'produce';
  requestId: number;
  acks: 0 | 1 | -1;
  /** As the producer sent them: offsets and leader epoch are assigned here. */
  headers: BatchHeader[];
  /** On the clock of `step`'s `now`. */
  deadline: number;
}

/** The log has written everything below `endOffset`. */
export interface Appended {
  type: 'appended';
  /** The epoch of the `append` effect. */
  epoch: number;
  endOffset: number;
}

/**
 * A write failed; with it everything queued behind it, and the log was cut back to `endOffset`, its last confirmed end.
 * An append that the machine orders before it has heard of this doesn't begin at the log's end any more: it must fail too.
 */
export interface AppendFailed {
  type: 'append-failed';
  epoch: number;
  endOffset: number;
  reason: string;
  producers: ProducerState;
  epochs: LeaderEpochs;
}

export interface Truncated {
  type: 'truncated';
  /** At or below the offset asked for: batches are cut whole. */
  endOffset: number;
  producers: ProducerState;
  epochs: LeaderEpochs;
}

export interface RestartedAt {
  type: 'restarted-at';
  offset: number;
}

/** What lies before `logStart` was deleted: by a `log-start` effect, or by retention. */
export interface LogStartChanged {
  type: 'log-start-changed';
  logStart: number;
  /** Base offset of the batch in which `logStart` lies, kept whole; `logStart` itself when it lies in none. */
  firstBatchOffset: number;
}

/** A `log-start` effect could not be carried out; the log is as it was. */
export interface LogStartFailed {
  type: 'log-start-failed';
  reason: string;
}

/** Delete the records below `offset`, on every replica; -1: below the high watermark. */
export interface DeleteRecords {
  type: 'delete-records';
  /** Of a sequence of its own, apart from that of produces. */
  requestId: number;
  offset: number;
  /** On the clock of `step`'s `now`. */
  deadline: number;
}

/**
 * A follower's subscription. The host serves one stream of a broker at a time: it feeds `unsubscribe` for the old
 * stream before anything from a new one.
 */
export interface Subscribe {
  type: 'subscribe';
  broker: number;
  /** The run that the stream was opened with. */
  run: string;
  message: SubscribeMessage;
}

export interface Report {
  type: 'report';
  broker: number;
  run: string;
  message: ReportMessage;
}

/** The follower unsubscribed, or its stream closed. */
export interface Unsubscribe {
  type: 'unsubscribe';
  broker: number;
  run: string;
}

/** The host carried out a `push`: it sent [fromOffset, endOffset). Nothing sent: `endOffset` = the effect's `fromOffset`, `bytes` = 0. */
export interface Pushed {
  type: 'pushed';
  broker: number;
  /** Of the `push` effect. */
  run: string;
  subscription: number;
  epoch: number;
  endOffset: number;
  bytes: number;
}

export interface IsrWritten {
  type: 'isr-written';
  proposal: number;
  record: PartitionRecord;
  modRevision: number;
}

/** The store refused the proposal and gave the record it holds (null: the partition is gone, or the outcome is unknown). */
export interface IsrRefused {
  type: 'isr-refused';
  proposal: number;
  record: PartitionRecord | null;
  modRevision: number;
}

/** From the stream of the leader that the record names. */
export interface LeaderMessageArrived {
  type: 'leader-message';
  message: LeaderMessage;
  /** The headers of a push's batches, in order; empty for anything else. */
  headers: BatchHeader[];
}

/**
 * The stream to the record's leader is open. Fed also after the replica began to follow a leader (broker and run) to
 * which a stream has been open before.
 */
export interface StreamOpened {
  type: 'stream-opened';
}

export interface StreamClosed {
  type: 'stream-closed';
}

/** A deadline of `nextDeadline()` has passed. */
export interface Tick {
  type: 'tick';
}

/** The broker is shutting down, for good: a leader takes no more produces, and goes on pushing what it has. */
export interface Drain {
  type: 'drain';
}

/** `producer.id.expiration.ms` is another from now on. */
export interface ProducerExpiration {
  type: 'producer-expiration';
  expirationMs: number;
}

/**
 * The log can't be used, or an invariant is broken. For good: the host makes another machine from a repaired log, and
 * if this one led, only once the record names a later epoch.
 */
export interface Offline {
  type: 'offline';
  reason: string;
}

export type ReplicaEffect =
  | Append
  | Truncate
  | RestartAt
  | Reply
  | ToLeader
  | ToFollower
  | Push
  | HighWatermarkAdvanced
  | AdvanceLogStart
  | RecordsDeleted
  | RoleChanged
  | ProposeIsr
  | Resign;

/** Cut the log to end at `offset` or, batches being cut whole, below; then feed `truncated`. */
export interface Truncate {
  type: 'truncate';
  offset: number;
}

/** Empty the log, and let it go on from `offset`; then feed `restarted-at`. */
export interface RestartAt {
  type: 'restart-at';
  offset: number;
}

export interface ToLeader {
  type: 'to-leader';
  broker: number;
  message: FollowerMessage;
}

/** A message without batches, after all that was sent to this follower before. */
export interface ToFollower {
  type: 'to-follower';
  broker: number;
  message: LeaderMessage;
}

/** More can be read: wake consumers, and checkpoint when it is time. */
export interface HighWatermarkAdvanced {
  type: 'high-watermark';
  value: number;
}

/**
 * Delete what lies before `offset`, durably, then feed `log-start-changed`, or `log-start-failed`. On a leader because of
 * a `delete-records`, on a follower because its leader has. One at a time.
 */
export interface AdvanceLogStart {
  type: 'log-start';
  offset: number;
}

/** The answer to a `delete-records`. */
export interface RecordsDeleted {
  type: 'records-deleted';
  requestId: number;
  error: ErrorName | null;
  message: string | null;
  /** The smallest log start of the replicas: at or above the offset asked for; -1 with an error. */
  lowWatermark: number;
}

/**
 * The replica has another role, or its role in another epoch, from now on. For a leader it comes when its inherited
 * log has settled, so that `epochStart` and `logEnd` are final. For a follower the host opens a stream to the leader.
 */
export interface RoleChanged {
  type: 'role-changed';
  role: ReplicaRole;
  leaderEpoch: number;
}

/** Give up leadership: write the record with no leader, guarded. Repeated each second until the record has changed. */
export interface Resign {
  type: 'resign';
  reason: string;
}

/** Write these batches at the end of the log; the order of the effects is the order of the log. */
export interface Append {
  type: 'append';
  epoch: number;
  baseOffset: number;
  /** On a leader: the produce whose bytes these are, to be stamped with the headers' offsets and epoch. */
  requestId: number | null;
  /** On a follower: the push whose bytes these are. */
  push: PushMessage | null;
  /** With final base offsets and leader epochs. */
  headers: BatchHeader[];
}

/** The answer to a produce with acks 1 or -1. */
export interface Reply {
  type: 'reply';
  requestId: number;
  error: ErrorName | null;
  message: string | null;
  /** -1 with an error. */
  baseOffset: number;
  logAppendTime?: never;
  logStart: number;
  currentLeaderEpoch: number;
}

/** Read [fromOffset, upTo) up to `maxBytes`, send it as a PushMessage, then feed `pushed`. At most one is under way per follower. */
export interface Push {
  type: 'push';
  broker: number;
  run: string;
  subscription: number;
  epoch: number;
  fromOffset: number;
  upTo: number;
  maxBytes: number;
  /** Whether the first batch may be larger than `maxBytes`. */
  atLeastOne: boolean;
  /** For the message. */
  highWatermark: number;
  logStart: number;
}

/** Write the record, guarded by its mod revision, this broker's registration, and the registration (run, log id, active) of each addition. */
export interface ProposeIsr {
  type: 'propose-isr';
  proposal: number;
  expectedModRevision: number;
  record: PartitionRecord;
  adds: { broker: number; run: string; logId: string }[];
}
