import type { ServerDuplexStream } from '@grpc/grpc-js';
import { toOttlaError } from '@ottla/protocol';
import type { Clock, Logger, PeerHandlers, PeerHello } from '@ottla/runtime';
import type * as wire from '../generated/peer';
import type { GrpcServer } from '../server/grpc-server';
import type { Framing, MessageStream } from '../stream/message-stream';
import { DEFAULT_LIMITS } from '../stream/message-stream';
import type { OutboxLimits } from '../stream/outbox';
import { acceptStream, refuseStream } from '../stream/server-call';
import { readHello } from './hello';
import { leaderFraming } from './replication-framing';
import { replicationService, sessionService } from './services';
import { controllerFraming } from './session-framing';

export interface ServePeersOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: OutboxLimits;
}

/** Adds the services between brokers to a server. `self` is who serves. */
export function servePeers(
  server: GrpcServer,
  handlers: PeerHandlers,
  self: PeerHello,
  { clock, logger, limits = DEFAULT_LIMITS }: ServePeersOptions,
): void {
  const accept = <Send, Receive, Out, In>(
    framing: Framing<Send, Receive, Out, In>,
    call: ServerDuplexStream<In, Out>,
    handle: (hello: PeerHello, stream: MessageStream<Send, Receive>) => void,
  ): void => {
    let hello: PeerHello;
    try {
      hello = readHello(call.metadata, self);
    } catch (error) {
      const refusal = toOttlaError(error);
      logger.warn(`refused a stream from ${call.getPeer()}: ${refusal.message}`);
      refuseStream(call, refusal);
      return;
    }
    handle(hello, acceptStream(framing, call, { clock, limits }));
  };
  server.addService(replicationService, {
    Replicate: (call: ServerDuplexStream<wire.FollowerMessages, wire.LeaderMessages>) =>
      accept(leaderFraming, call, handlers.onReplication),
  });
  server.addService(sessionService, {
    Attend: (call: ServerDuplexStream<wire.SessionRequests, wire.SessionReplies>) =>
      accept(controllerFraming, call, handlers.onSession),
  });
}
