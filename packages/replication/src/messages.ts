import type { ErrorName } from '@ottla/protocol';

/**
 * What every message between two replicas of a partition carries. A message whose leader epoch or subscription is not
 * the receiver's current one is dropped, or refused when the sender has to learn that its epoch is wrong.
 */
export interface MessageBase {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  /** Chosen by the follower, higher for each subscription; everything that belongs to the subscription repeats it. */
  subscription: number;
}

/** A follower asks for everything from `endOffset` on, and says what its log ends with. */
export interface SubscribeMessage extends MessageBase {
  type: 'subscribe';
  logId: string;
  /** The follower's log end offset: nothing is being written or cut when it subscribes. */
  endOffset: number;
  /** Leader epoch of the follower's last batch, -1 when its log holds none. */
  lastEpoch: number;
  /** The follower's log start offset. */
  logStart: number;
  /** Bytes of batches that may be under way to this follower, sent and not yet reported as written. */
  windowBytes: number;
}

/** A follower has written, or deleted: its log's ends, and the bytes by which it opens the window again. */
export interface ReportMessage extends MessageBase {
  type: 'report';
  endOffset: number;
  logStart: number;
  grantedBytes: number;
}

export interface UnsubscribeMessage extends MessageBase {
  type: 'unsubscribe';
}

export type FollowerMessage = SubscribeMessage | ReportMessage | UnsubscribeMessage;

/** Batches from the leader, or, with empty `records`, a changed high watermark or log start; the first one accepts the subscription. */
export interface PushMessage extends MessageBase {
  type: 'push';
  highWatermark: number;
  logStart: number;
  /** Base offset of the first batch; with or without batches, the end that the leader expects the follower's log to have. */
  baseOffset: number;
  /** Whole record batches, possibly none. */
  records: Uint8Array;
}

/** The logs part: `epoch` is the largest epoch the leader knows at or below the follower's last, `endOffset` where it ended (KIP-279). */
export interface DivergedMessage extends MessageBase {
  type: 'diverged';
  epoch: number;
  endOffset: number;
}

/** Nothing of the follower's log can be kept: it starts anew at the leader's first batch. */
export interface StartAnewMessage extends MessageBase {
  type: 'start-anew';
  /** At or below the leader's log start, which may lie inside that batch. */
  firstBatchOffset: number;
}

/** The leader doesn't serve this subscription; `currentEpoch` is the epoch that it knows. */
export interface RefusedMessage extends MessageBase {
  type: 'refused';
  error: ErrorName;
  currentEpoch: number;
}

export type LeaderMessage = PushMessage | DivergedMessage | StartAnewMessage | RefusedMessage;
