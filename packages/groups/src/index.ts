export { GroupCoordinator } from './coordinator';
export type {
  DepartureCause,
  GroupApi,
  GroupCoordinatorOptions,
  GroupEffect,
  GroupEvent,
  GroupInput,
  GroupRequestInput,
  GroupRequests,
  GroupResponse,
  GroupResponses,
  RecordToWrite,
  RequestContext,
  StoredRecord,
} from './messages';
export { partitionForGroup } from './partition';
export {
  CONSUMER_PROTOCOL_TYPE,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
} from './records/consumer-protocol';
export { groupMetadataKey, groupMetadataValue } from './records/group-metadata';
export { offsetCommitKey, offsetCommitValue } from './records/offset-commit';
