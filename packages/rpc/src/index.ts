export {
  type CallOptions,
  type DoorClient,
  type DoorClientOptions,
  doorClient,
  type FetchStream,
  type ProduceStream,
} from './door/door-client';
export type { DoorCall, DoorHandlers, FetchedRecords, FetchRead, Produced } from './door/handlers';
export { type ServeDoorOptions, serveDoor } from './door/serve-door';
export type * as door from './generated/door';
export { NodePeerNetwork, type NodePeerNetworkOptions, nodePeerNetwork } from './peer/node-peer-network';
export { type ServePeersOptions, servePeers } from './peer/serve-peers';
export { createGrpcServer, type GrpcServer, type GrpcServerOptions } from './server/grpc-server';
export type { ServingState } from './server/health';
export { looksLikeHttp2 } from './server/http2-preface';
export { Backoff, type BackoffOptions } from './stream/backoff';
export { formatAddress, type KeepAlive } from './stream/channel';
export type { MessageStream } from './stream/message-stream';
export type { OutboxLimits } from './stream/outbox';
