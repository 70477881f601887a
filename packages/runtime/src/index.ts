export type { CompressionName } from '@ottla/protocol';
export { Deferred } from './concurrency/deferred';
export { SerialQueue } from './concurrency/serial-queue';
export { sleepOn } from './concurrency/sleep';
export { withDeadline } from './concurrency/with-deadline';
export type { DiskOperation, Fault } from './memory/faults';
export { ManualClock } from './memory/manual-clock';
export type { MemoryDiskOptions } from './memory/memory-device';
export { MemoryDisk, type MemoryDiskImage } from './memory/memory-disk';
export { SeededRandom } from './memory/seeded-random';
export { nodeClock } from './node/node-clock';
export { nodeCodecs } from './node/node-codecs';
export { nodeDisk } from './node/node-disk';
export { nodeRandom } from './node/node-random';
export { nodeTcp } from './node/node-tcp';
export { nodeBootId } from './node/process-identity';
export type { Clock, Timer } from './ports/clock';
export { type Codecs, DEFAULT_MAX_DECOMPRESSED_BYTES } from './ports/codecs';
export {
  type Disk,
  DiskError,
  type DiskFile,
  type DiskLock,
  DiskLockedError,
  type FileStat,
  type OpenMode,
} from './ports/disk';
export { type Logger, silentLogger } from './ports/logger';
export type { TcpConnection, TcpHandlers, TcpListener, TcpNetwork } from './ports/network';
export type {
  PeerAddress,
  PeerHandlers,
  PeerHello,
  PeerNetwork,
  PeerServer,
  PeerStream,
  ProbeResult,
  ReportedReplica,
  SessionHeartbeat,
  SessionHeartbeatAck,
  SessionNotController,
  SessionReplicas,
  SessionReply,
  SessionReportReplicas,
  SessionRequest,
} from './ports/peer-network';
export type { Random } from './ports/random';
