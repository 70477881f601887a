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
