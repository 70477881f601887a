export { type RunningBroker, startBroker } from './composition/start-broker';
export { createLogger, type LogSettings } from './composition/winston-logger';
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
