export { type EmbeddedStore, type EmbeddedStoreOptions, startEmbeddedStore } from './embedded/embedded-store';
export {
  CompactedError,
  LeaseNotFoundError,
  StoreHistoryChangedError,
  StoreLimitError,
  StoreUnavailableError,
} from './errors';
export type { EtcdConnection, EtcdWatchStream } from './etcd/client-library';
export { createEtcdStore, EtcdStore, type EtcdStoreOptions } from './etcd/etcd-store';
export { type KeepAliveStream, KeepAlives } from './etcd/keep-alives';
export type { ClusterImage, ImageDelta, Versioned } from './image/cluster-image';
export { type ImageListener, ImageTracker, type ImageTrackerOptions } from './image/image-tracker';
export { ALL_BROKERS, type ClusterKeys, keysFor, type ParsedKey, parseKey } from './keys';
export type { Commit } from './machine/history';
export { fromByteKey, type KeyRange, keysFrom, oneKey, toByteKey } from './machine/key-range';
export { MachineError, type MachineErrorKind } from './machine/machine-error';
export type {
  Guard,
  MachineRecord,
  Operation,
  OperationResult,
  RangeResult,
  Transaction,
} from './machine/requests';
export { type MachineSnapshot, StoreMachine } from './machine/store-machine';
export { WatchCursor } from './machine/watch-cursor';
export { MemoryStore, type MemoryStoreOptions } from './memory/memory-store';
export {
  brokerRegistrationCodec,
  configRecordCodec,
  controllerClaimCodec,
  deletionRecordCodec,
  generationCodec,
  lastRunCodec,
  partitionRecordCodec,
  producerIdsCodec,
  topicRecordCodec,
} from './records/codecs';
export type { Codec } from './records/record-codec';
export type {
  BrokerRegistration,
  ConfigRecord,
  ControllerClaim,
  DeletionRecord,
  Endpoint,
  Extra,
  GenerationRecord,
  LastRunRecord,
  ListenerEndpoint,
  ProducerIdsRecord,
  TopicRecord,
} from './records/records';
export {
  type Compare,
  type KeyValue,
  type Lease,
  MAX_REQUEST_BYTES,
  MAX_TXN_OPS,
  type MetadataStore,
  type Op,
  type Snapshot,
  type Txn,
  type TxnResult,
  type Watch,
  type WatchEvent,
  type WatchHandler,
  type WatchOptions,
} from './store';
