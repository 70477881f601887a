import type { OttlaError } from '@ottla/protocol';
import type { FollowerMessage, LeaderMessage } from '@ottla/replication';

/** Where a broker listens for the other brokers. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Who opened a stream. It is the first thing that the other side learns, before any message; a stream from another
 * cluster is refused. `broker` and `run` are what guarded writes compare with the registration in the store.
 */
export interface PeerHello {
  readonly clusterId: string;
  readonly broker: number;
  readonly run: string;
}

/**
 * One end of a bidirectional stream of typed messages between two brokers. Messages arrive in the order sent, each once,
 * or the stream closes. Set the callbacks in the turn of the event loop in which the stream was obtained: nothing is
 * delivered before that turn ends.
 */
export interface PeerStream<Send, Receive> {
  /** The other end, as host:port, for logs. */
  readonly remote: string;
  /**
   * Queues a message. False when the stream is over its high-water mark: the message is queued all the same, and the
   * sender should wait for `onDrain`. Sending on a closed stream does nothing and answers false.
   */
  send(message: Send): boolean;
  onMessage(callback: (message: Receive) => void): void;
  onDrain(callback: () => void): void;
  /** Called once: with null when either side closed it in good order, otherwise with what broke it. */
  onClose(callback: (error: OttlaError | null) => void): void;
  /** Closes this end; with an error, the other end's `onClose` is given it. Closing twice does nothing. */
  close(error?: OttlaError): void;
}

/** What a broker sends the controller every heartbeat interval. */
export interface SessionHeartbeat {
  readonly type: 'heartbeat';
  readonly broker: number;
  readonly run: string;
  /** Grows by one with each heartbeat of a stream, from 0. */
  readonly sequence: number;
  /** Revision of the store up to which the broker's image of the cluster has come. */
  readonly imageRevision: number;
  /** The broker has found the store to have another past, and waits for a generation above this one; 0 when it hasn't. */
  readonly exceededGeneration: number;
}

/** What one replica's log holds; it stays so until a new generation of the store begins. */
export interface ReportedReplica {
  readonly topicId: string;
  readonly partition: number;
  readonly logId: string;
  /** The highest leader epoch known to the replica, -1 when none is. */
  readonly highestEpoch: number;
  /** Leader epoch of the last batch, -1 when the log holds none. */
  readonly lastEpoch: number;
  readonly logEnd: number;
}

/** A part of the answer to `report-replicas`: after the last part, everything that the broker holds has been told. */
export interface SessionReplicas {
  readonly type: 'replicas';
  /** As asked for. */
  readonly generation: number;
  readonly replicas: readonly ReportedReplica[];
  /** No producer id at or above it has been given out by this broker, or written to a log here. */
  readonly nextProducerId: number;
  readonly last: boolean;
}

export type SessionRequest = SessionHeartbeat | SessionReplicas;

/** The controller heard heartbeat `sequence`. A broker judges the controller's silence by these. */
export interface SessionHeartbeatAck {
  readonly type: 'heartbeat-ack';
  readonly sequence: number;
  readonly controllerEpoch: number;
}

/** The broker asked is not the controller (any more, or yet): look at the store again. The stream closes after it. */
export interface SessionNotController {
  readonly type: 'not-controller';
}

/**
 * The store was restored from a backup, and the controller is about to begin `generation`: stop every replica, and tell
 * what it holds.
 */
export interface SessionReportReplicas {
  readonly type: 'report-replicas';
  readonly generation: number;
}

export type SessionReply = SessionHeartbeatAck | SessionNotController | SessionReportReplicas;

/** Answer to a raw TCP connect: accepted; refused (nobody listens there); or nothing within the time given. */
export type ProbeResult = 'open' | 'refused' | 'silent';

export interface PeerHandlers {
  onReplication(hello: PeerHello, stream: PeerStream<LeaderMessage, FollowerMessage>): void;
  onSession(hello: PeerHello, stream: PeerStream<SessionReply, SessionRequest>): void;
}

export interface PeerServer {
  /** The port bound, also when 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

/** How brokers reach each other. Sessions travel on a connection of their own, never behind replicated records. */
export interface PeerNetwork {
  /** Answers at once; a failure to connect arrives as `onClose`. */
  openReplication(address: PeerAddress, hello: PeerHello): PeerStream<FollowerMessage, LeaderMessage>;
  /** Answers at once; a failure to connect arrives as `onClose`. */
  openSession(address: PeerAddress, hello: PeerHello): PeerStream<SessionRequest, SessionReply>;
  /** Connects and closes, by raw TCP. Never throws. */
  probe(address: PeerAddress, timeoutMs: number): Promise<ProbeResult>;
  /** `self` is who serves: its cluster id is what hellos are held against. Port 0 takes any free port. */
  serve(address: PeerAddress, handlers: PeerHandlers, self: PeerHello): Promise<PeerServer>;
}
