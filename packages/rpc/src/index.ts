import type { Clock, Logger, PeerNetwork } from '@ottla/runtime';
import type { DoorHandlers } from './door/handlers';
import type { GrpcServer } from './server/grpc-server';

export type { DoorCall, DoorHandlers, FetchedRecords, FetchRead, Produced } from './door/handlers';
export type * as door from './generated/door';
export { createGrpcServer, type GrpcServer, type GrpcServerOptions, type ServingState } from './server/grpc-server';
export { looksLikeHttp2 } from './server/http2-preface';

/** Serves the client door (`ottla.v1.Broker` and `ottla.v1.Admin`) on a server. */
export function serveDoor(
  _server: GrpcServer,
  _handlers: DoorHandlers,
  _options: { clock: Clock; logger: Logger },
): void {
  throw new Error('not yet');
}

export interface NodePeerNetworkOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Brokers reach each other by gRPC. */
export function nodePeerNetwork(_options: NodePeerNetworkOptions): PeerNetwork & { close(): Promise<void> } {
  throw new Error('not yet');
}
