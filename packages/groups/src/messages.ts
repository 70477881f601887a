import type {
  DeleteGroupsRequest,
  DeleteGroupsResponse,
  DescribeGroupsRequest,
  DescribeGroupsResponse,
  ErrorName,
  HeartbeatRequest,
  HeartbeatResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
  ListGroupsRequest,
  ListGroupsResponse,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from '@ottla/protocol';

/** Settings of a coordinator. All times are milliseconds. */
export interface GroupCoordinatorOptions {
  /** `group.min.session.timeout.ms`: a JoinGroup asking for less is refused with INVALID_SESSION_TIMEOUT. */
  readonly groupMinSessionTimeoutMs: number;
  /** `group.max.session.timeout.ms`: a JoinGroup asking for more is refused with INVALID_SESSION_TIMEOUT. */
  readonly groupMaxSessionTimeoutMs: number;
  /** `group.initial.rebalance.delay.ms`: how long an empty group waits for further members before its first rebalance. */
  readonly groupInitialRebalanceDelayMs: number;
  /** `offsets.retention.minutes`, in ms: how long offsets outlive the group's last member (or, without members, the commit). */
  readonly offsetsRetentionMs: number;
  /** `group.max.size`: members in a group; a further one is refused with GROUP_MAX_SIZE_REACHED. */
  readonly groupMaxSize: number;
  /** `offset.metadata.max.bytes`: longest metadata string of a committed offset (OFFSET_METADATA_TOO_LARGE). */
  readonly offsetMetadataMaxBytes: number;
  /** `offsets.retention.check.interval.ms`: how often expired offsets are looked for. Default 600,000. */
  readonly offsetsRetentionCheckIntervalMs?: number;
  /** How long a JoinGroup of a member that is new to the group may wait for the rebalance. Default 300,000, as Kafka. */
  readonly newMemberJoinTimeoutMs?: number;
  /**
   * Requests of one group that may wait at a time (for a rebalance, or for their own write). Default 10,000. One more is
   * refused with COORDINATOR_LOAD_IN_PROGRESS, on which clients back off and try again here.
   */
  readonly maxPendingRequestsPerGroup?: number;
}

/** Request bodies by API: everything that goes to a group's coordinator. */
export interface GroupRequests {
  JoinGroup: JoinGroupRequest;
  SyncGroup: SyncGroupRequest;
  Heartbeat: HeartbeatRequest;
  LeaveGroup: LeaveGroupRequest;
  OffsetCommit: OffsetCommitRequest;
  OffsetFetch: OffsetFetchRequest;
  DescribeGroups: DescribeGroupsRequest;
  ListGroups: ListGroupsRequest;
  DeleteGroups: DeleteGroupsRequest;
}

/** Response bodies by API. */
export interface GroupResponses {
  JoinGroup: JoinGroupResponse;
  SyncGroup: SyncGroupResponse;
  Heartbeat: HeartbeatResponse;
  LeaveGroup: LeaveGroupResponse;
  OffsetCommit: OffsetCommitResponse;
  OffsetFetch: OffsetFetchResponse;
  DescribeGroups: DescribeGroupsResponse;
  ListGroups: ListGroupsResponse;
  DeleteGroups: DeleteGroupsResponse;
}

export type GroupApi = keyof GroupRequests;
export type GroupResponse = GroupResponses[GroupApi];

/** Where a request came from. */
export interface RequestContext {
  /** Chosen by the host, unique among its unanswered requests; the reply carries it. */
  readonly requestId: number;
  /** API version of the request; the reply is shaped for it. */
  readonly version: number;
  readonly clientId: string;
  /** As Kafka shows it in DescribeGroups: `/10.0.0.7`. */
  readonly clientHost: string;
  /** A fresh UUID, the random part of a member id should one be assigned. */
  readonly memberIdSeed: string;
}

export type GroupRequestInput = {
  [A in GroupApi]: { readonly type: 'request'; readonly api: A; readonly body: GroupRequests[A] } & RequestContext;
}[GroupApi];

/** A record of the `__consumer_offsets` partition. `timestamp` is the record's, in ms. */
export interface StoredRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
}

/** A record to append; a null value is a tombstone. */
export interface RecordToWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

export type GroupInput =
  /** Records in log order, in as many inputs as the host likes. Replaying a record twice changes nothing. */
  | { readonly type: 'load'; readonly records: readonly StoredRecord[] }
  /** All records up to the start of the epoch are replayed and below the high watermark: serve. */
  | { readonly type: 'loaded' }
  | GroupRequestInput
  /** All records of the write are below the high watermark. Writes that succeed do so in the order of their ids. */
  | { readonly type: 'written'; readonly writeId: number }
  /**
   * REQUEST_TIMED_OUT and NOT_ENOUGH_REPLICAS_AFTER_APPEND say that the records are in the leader's log and may yet pass
   * the high watermark; any other error says that they are not in the log.
   */
  | { readonly type: 'write-failed'; readonly writeId: number; readonly error: ErrorName }
  /** Due at `nextDeadline()`; harmless at any other time. */
  | { readonly type: 'tick' }
  /** Leadership is gone: every waiting request is answered NOT_COORDINATOR, and every later one too. */
  | { readonly type: 'unload' }
  | { readonly type: 'topics-deleted'; readonly topics: readonly string[] };

export type GroupEffect =
  | { readonly type: 'reply'; readonly requestId: number; readonly body: GroupResponse }
  /** An acks=all append of one batch to the coordinator's partition. The host keeps the order of writes. */
  | { readonly type: 'write'; readonly writeId: number; readonly records: readonly RecordToWrite[] }
  /** For the log; changes nothing. */
  | { readonly type: 'event'; readonly event: GroupEvent };

/** Why a member is no longer in its group. */
export type DepartureCause =
  | 'left'
  | 'session timeout'
  | 'did not rejoin within the rebalance timeout'
  | 'did not sync within the rebalance timeout'
  | 'replaced by a new process with the same group.instance.id'
  | 'the group is over group.max.size';

/** What a log of the coordinator tells: who, why and how long. */
export type GroupEvent =
  | { readonly kind: 'loaded'; readonly groups: number; readonly offsets: number }
  /** Records that replay couldn't use, by reason; reported once, when loading ends. */
  | { readonly kind: 'records-skipped'; readonly records: number; readonly reason: string }
  | {
      readonly kind: 'member-joined';
      readonly group: string;
      readonly member: string;
      readonly instance: string | null;
      readonly clientId: string;
      readonly clientHost: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'member-departed';
      readonly group: string;
      readonly member: string;
      readonly instance: string | null;
      readonly cause: DepartureCause;
      /** The client's own words, if any (LeaveGroup v5). */
      readonly reason: string | null;
    }
  | {
      readonly kind: 'rebalance-started';
      readonly group: string;
      /** The generation that ends. */
      readonly generation: number;
      readonly members: number;
      readonly cause: string;
    }
  | {
      readonly kind: 'rebalance-completed';
      readonly group: string;
      readonly generation: number;
      readonly members: number;
      readonly leader: string | null;
      readonly protocol: string | null;
      readonly cause: string;
      /** From the start of the rebalance to the committed assignment. */
      readonly durationMs: number;
    }
  | { readonly kind: 'group-removed'; readonly group: string; readonly cause: 'deleted' | 'expired' }
  | { readonly kind: 'offsets-expired'; readonly group: string; readonly offsets: number }
  | {
      readonly kind: 'write-failed';
      readonly group: string | null;
      readonly what: string;
      readonly error: ErrorName;
    };
