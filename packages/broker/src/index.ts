export type {
  BrokerServices,
  GroupApiName,
  GroupRequest,
  Groups,
  LocalPartition,
  Partitions,
  ProduceOptions,
  ProduceResult,
  ProducerIds,
  ReadOptions,
  ReadResult,
  TimestampedOffset,
} from './services';
