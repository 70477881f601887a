import type { ServiceDefinition } from '@grpc/grpc-js';
import type { FollowerMessage, LeaderMessage } from '@ottla/replication';
import {
  type Clock,
  type Logger,
  nodeTcp,
  type PeerAddress,
  type PeerHandlers,
  type PeerHello,
  type PeerNetwork,
  type PeerServer,
  type PeerStream,
  type SessionReply,
  type SessionRequest,
} from '@ottla/runtime';
import { createGrpcServer } from '../server/grpc-server';
import { DEFAULT_MAX_MESSAGE_BYTES, formatAddress, type KeepAlive, methodOf, openChannel } from '../stream/channel';
import { openStream } from '../stream/client-call';
import { DEFAULT_LIMITS, type Framing } from '../stream/message-stream';
import type { OutboxLimits } from '../stream/outbox';
import { helloMetadata } from './hello';
import { followerFraming } from './replication-framing';
import { servePeers } from './serve-peers';
import { replicationService, sessionService } from './services';
import { brokerFraming } from './session-framing';

export interface NodePeerNetworkOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a stream may take to be accepted, in ms. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Default: a sign of life after 10 s without one, within 10 s. */
  readonly keepAlive?: KeepAlive;
  /** Largest message between brokers, in bytes, which bounds the largest batch. Default 128 MiB. */
  readonly maxMessageBytes?: number;
  /** How much a stream queues. */
  readonly limits?: OutboxLimits;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
/** Clears connections to machines that are gone. Whether a broker is alive is judged by its session. */
const DEFAULT_KEEP_ALIVE: KeepAlive = { afterMs: 10_000, timeoutMs: 10_000 };

/** Brokers reach each other by gRPC, each stream on a connection of its own. */
export class NodePeerNetwork implements PeerNetwork {
  readonly #options: Required<NodePeerNetworkOptions>;
  readonly #streams = new Set<{ close(): void }>();
  readonly #servers = new Set<PeerServer>();

  constructor(options: NodePeerNetworkOptions) {
    this.#options = {
      connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS,
      keepAlive: DEFAULT_KEEP_ALIVE,
      maxMessageBytes: DEFAULT_MAX_MESSAGE_BYTES,
      limits: DEFAULT_LIMITS,
      ...options,
    };
  }

  openReplication(address: PeerAddress, hello: PeerHello): PeerStream<FollowerMessage, LeaderMessage> {
    return this.#open(followerFraming, replicationService, 'Replicate', address, hello);
  }

  openSession(address: PeerAddress, hello: PeerHello): PeerStream<SessionRequest, SessionReply> {
    return this.#open(brokerFraming, sessionService, 'Attend', address, hello);
  }

  probe(address: PeerAddress, timeoutMs: number): ReturnType<PeerNetwork['probe']> {
    return nodeTcp.probe(address.host, address.port, timeoutMs);
  }

  async serve(address: PeerAddress, handlers: PeerHandlers, self: PeerHello): Promise<PeerServer> {
    const { clock, logger, maxMessageBytes, limits } = this.#options;
    const server = createGrpcServer({ clock, logger, maxMessageBytes });
    servePeers(server, handlers, self, { clock, logger, limits });
    const { port } = await server.listen(address);
    const peerServer: PeerServer = {
      port,
      close: async () => {
        this.#servers.delete(peerServer);
        await server.close();
      },
    };
    this.#servers.add(peerServer);
    return peerServer;
  }

  /** Closes every stream and server. */
  async close(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await Promise.all([...this.#servers].map((server) => server.close()));
  }

  #open<Send, Receive, Out, In>(
    framing: Framing<Send, Receive, Out, In>,
    service: ServiceDefinition,
    method: string,
    address: PeerAddress,
    hello: PeerHello,
  ): PeerStream<Send, Receive> {
    const remote = formatAddress(address);
    const client = openChannel(remote, this.#options);
    const stream = openStream(framing, {
      ...this.#options,
      remote,
      client,
      method: methodOf<Out, In>(service, method),
      metadata: helloMetadata(hello),
      onReleased: () => {
        this.#streams.delete(stream);
        client.close();
      },
    });
    this.#streams.add(stream);
    return stream;
  }
}

export function nodePeerNetwork(options: NodePeerNetworkOptions): NodePeerNetwork {
  return new NodePeerNetwork(options);
}
