export { type EmbeddedStore, type EmbeddedStoreOptions, startEmbeddedStore } from './embedded/embedded-store';
export {
  CompactedError,
  LeaseNotFoundError,
  StoreHistoryChangedError,
  StoreLimitError,
  StoreUnavailableError,
} from './errors';
export { EtcdStore, type EtcdStoreOptions } from './etcd/etcd-store';
export type { ClusterImage, ImageDelta, Versioned } from './image';
export { type ImageListener, ImageTracker, type ImageTrackerOptions } from './image-tracker';
export { type ClusterKeys, keysFor, type ParsedKey, parseKey } from './keys';
export { MemoryStore, type MemoryStoreOptions } from './memory/memory-store';
export {
  type BrokerRegistration,
  brokerRegistrationCodec,
  type Codec,
  type ConfigRecord,
  type ControllerClaim,
  configRecordCodec,
  controllerClaimCodec,
  type DeletionRecord,
  deletionRecordCodec,
  type Endpoint,
  type Extra,
  type GenerationRecord,
  generationCodec,
  type ListenerEndpoint,
  type ProducerIdsRecord,
  partitionRecordCodec,
  producerIdsCodec,
  type TopicRecord,
  topicRecordCodec,
} from './records';
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
