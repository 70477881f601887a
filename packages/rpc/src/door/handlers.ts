import type * as door from '../generated/door';

/** What a handler knows of the call that it answers. */
export interface DoorCall {
  /** The client, as host:port. */
  readonly remote: string;
  /**
   * The address under which the client reached this broker; port 0 when it didn't say. A client that came by the Kafka
   * listener is answered with addresses of Kafka listeners, since it may reach no others.
   */
  readonly local: { readonly host: string; readonly port: number };
  /** Aborted when the client cancels, disconnects or runs out of time. */
  readonly signal: AbortSignal;
}

/** Where a produced entry lies now. */
export interface Produced {
  readonly baseOffset: number;
  readonly logStartOffset: number;
  /** Milliseconds since 1970 when the broker stamped the batches, otherwise -1 or absent. */
  readonly logAppendTime?: number;
}

/** One read for a fetch subscription. */
export interface FetchRead {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** -1 for none. */
  readonly currentLeaderEpoch: number;
  /** At least one batch is given even when it is larger. */
  readonly maxBytes: number;
  /** How long to wait for a first batch; 0 answers at once. */
  readonly maxWaitMs: number;
  readonly readCommitted: boolean;
}

export interface FetchedRecords {
  /** Whole batches, in pieces; none when nothing came in time. */
  readonly chunks: readonly Uint8Array[];
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
}

/**
 * What the gRPC door asks of a broker. Each method rejects with an OttlaError, which the door turns into the protocol's
 * error; anything else counts as UNKNOWN_SERVER_ERROR.
 */
export interface DoorHandlers {
  metadata(request: door.MetadataRequest, call: DoorCall): Promise<door.MetadataResponse>;
  listOffsets(request: door.ListOffsetsRequest, call: DoorCall): Promise<door.ListOffsetsResponse>;
  initProducerId(request: door.InitProducerIdRequest, call: DoorCall): Promise<door.InitProducerIdResponse>;
  createTopics(request: door.CreateTopicsRequest, call: DoorCall): Promise<door.CreateTopicsResponse>;
  deleteTopics(request: door.DeleteTopicsRequest, call: DoorCall): Promise<door.DeleteTopicsResponse>;
  createPartitions(request: door.CreatePartitionsRequest, call: DoorCall): Promise<door.CreatePartitionsResponse>;
  describeReplicas(request: door.DescribeReplicasRequest, call: DoorCall): Promise<door.DescribeReplicasResponse>;
  describeCluster(request: door.DescribeClusterRequest, call: DoorCall): Promise<door.DescribeClusterResponse>;
  /** A request of the Kafka protocol, put as on the Kafka port. */
  kafka(request: door.KafkaFrame, call: DoorCall): Promise<door.KafkaFrame>;
  /**
   * Appends the entry's batches, which it may stamp in place. Called for the entries of a stream in the order they came,
   * without waiting for one before the next: appends to one partition keep the order of the calls.
   */
  produce(entry: door.ProduceEntry, call: DoorCall): Promise<Produced>;
  /** Reads from the leader. Rejects with OFFSET_OUT_OF_RANGE, NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, ... */
  fetch(read: FetchRead, call: DoorCall): Promise<FetchedRecords>;
  /** Who leads the partition as far as this broker knows; null when it doesn't. A hint in NOT_LEADER_OR_FOLLOWER. */
  currentLeader(topic: string, partition: number): door.CurrentLeader | null;
}
