export { checkLogConfig, defaultLogConfig, type LogConfig } from './config';
export { HeldDirectory, type LogDirectoryOptions } from './directory/held-directory';
export type { LastRun } from './directory/identity';
export {
  LogDirectory,
  type OpenPartition,
  type PartitionOnDisk,
} from './directory/log-directory';
export { PartitionLog } from './partition/partition-log';
export type {
  AppendResult,
  FoundTimestamp,
  LogRange,
  LostRecords,
  OfflineReason,
  PartitionLogOptions,
  ReadOptions,
  ReadResult,
  TimestampOffset,
} from './partition/types';
export { defaultResourceLimits, type LogResourceLimits, LogResources } from './resources/log-resources';
export type { LogStart } from './write/log-start';
