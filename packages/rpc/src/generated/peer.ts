// Written by scripts/proto.mjs from proto/. Do not edit.

/**
 * What a follower sends. Several messages travel together when they were queued together; their order is the order
 * in which they were sent.
 */
export interface FollowerMessages {
  messages: FollowerMessage[];
  /** Set in the last message of a stream that the follower ends. A stream that ends without it has broken. */
  farewell?: Farewell | null;
}

export interface FollowerMessage {
  subscribe?: Subscribe | null;
  report?: Report | null;
  unsubscribe?: Unsubscribe | null;
}

export interface LeaderMessages {
  messages: LeaderMessage[];
}

export interface LeaderMessage {
  push?: Push | null;
  diverged?: Diverged | null;
  startAnew?: StartAnew | null;
  refused?: Refused | null;
}

/** Asks for a partition's batches from `end_offset` on. */
export interface Subscribe {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  subscription: number;
  /** The log directory that holds the follower's replica. */
  logId: string;
  /** The follower's log end offset (LEO). */
  endOffset: number;
  /** Leader epoch of the last batch in the follower's log, -1 when the log is empty. */
  lastEpoch: number;
  /** How many bytes of batches the leader may have under way. */
  windowBytes: number;
  /** The follower's log start offset. */
  logStart: number;
}

/** The follower has written up to `end_offset`, and deleted what lay before `log_start`. */
export interface Report {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  subscription: number;
  endOffset: number;
  /** Added to the window. */
  grantedBytes: number;
  logStart: number;
}

export interface Unsubscribe {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  subscription: number;
}

/** Batches, or news of the high watermark and the log's start without batches. */
export interface Push {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  subscription: number;
  highWatermark: number;
  logStart: number;
  /** Offset of the first batch, which is the follower's log end offset when it gets here. */
  baseOffset: number;
  /** Whole record batches (v2), as they lie in the leader's log. */
  records: Uint8Array;
}

/**
 * The follower's log holds what the leader's doesn't: the largest epoch at or below the follower's last one, and where
 * it ended on the leader (KIP-101). Epoch -1 when there is none.
 */
export interface Diverged {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  subscription: number;
  epoch: number;
  endOffset: number;
}

/**
 * The follower's log ends before the leader's begins: it starts anew at the leader's first batch. (The leader's log
 * start may lie inside that batch; the pushes that follow name it.)
 */
export interface StartAnew {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  subscription: number;
  firstBatchOffset: number;
}

/** The receiver doesn't lead the partition, or leads it in another epoch. */
export interface Refused {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  subscription: number;
  /** Name of a Kafka error code, such as FENCED_LEADER_EPOCH. */
  error: string;
  currentEpoch: number;
}

export interface Farewell {
  /** Name of a Kafka error code; empty when the stream ends in good order. */
  error: string;
  message: string;
}

export interface SessionRequests {
  messages: SessionRequest[];
  /** As in FollowerMessages. */
  farewell?: Farewell | null;
}

export interface SessionRequest {
  heartbeat?: Heartbeat | null;
  replicas?: Replicas | null;
}

export interface Heartbeat {
  broker: number;
  run: string;
  /** Grows by one with each heartbeat of a stream, from 0. */
  sequence: number;
  /** Revision of the store up to which the broker's image of the cluster has come. */
  imageRevision: number;
  /** The broker has found the store to have another past, and waits for a generation above this one; 0 when it hasn't. */
  exceededGeneration: number;
}

/** A part of the answer to ReportReplicas. */
export interface Replicas {
  /** As asked for. */
  generation: number;
  replicas: Replica[];
  /** No producer id at or above it has been given out by this broker, or written to a log here. */
  nextProducerId: number;
  /** Everything that the broker holds has been told. */
  last: boolean;
}

/** What one replica's log holds; it stays so until a new generation of the store begins. */
export interface Replica {
  topicId: string;
  partition: number;
  logId: string;
  /** The highest leader epoch known to the replica, -1 when none is. */
  highestEpoch: number;
  /** Leader epoch of the last batch, -1 when the log holds none. */
  lastEpoch: number;
  logEnd: number;
}

export interface SessionReplies {
  messages: SessionReply[];
}

export interface SessionReply {
  heartbeatAck?: HeartbeatAck | null;
  notController?: NotController | null;
  reportReplicas?: ReportReplicas | null;
}

export interface HeartbeatAck {
  sequence: number;
  controllerEpoch: number;
}

/** The broker asked is not the controller: look at the store again. */
export type NotController = Record<string, never>;

/**
 * The metadata store was restored from a backup, and the controller is about to begin `generation`: stop every replica,
 * and tell what it holds.
 */
export interface ReportReplicas {
  generation: number;
}
