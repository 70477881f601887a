export { type RunningBroker, startBrokerOn } from './composition/broker';
export { startBroker } from './composition/node/start-broker';
export { createLogger, type LogSettings } from './composition/node/winston-logger';
export type {
  AdminServer,
  AdminStatus,
  BrokerPorts,
  ClosablePeers,
  GrpcDoor,
  OpenStore,
} from './composition/ports';
export { describeConfig, type SettingDescription } from './config/describe';
export type { HostPort, ListenerAddress } from './config/kinds';
export { type ConfigSources, environmentVariable, loadBrokerConfig } from './config/load';
export { type BrokerConfig, type BrokerValues, brokerConfig, type Origin, type SettingName } from './config/schema';
export { checkTopicConfigs, type TopicConfig, topicConfig } from './config/topic-settings';
export type {
  BrokerServices,
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
