export { DEFAULT_TIMINGS, type MembershipTimings, type TopicDefaults } from './core/settings';
export type {
  Assignments,
  ConfigValidator,
  CreatePartitionsRequest,
  CreateTopicRequest,
  TopicReference,
} from './core/topics/topic-requests';
export { ClusterMember, type ClusterMemberOptions, type RegistrationDetails } from './host/cluster-member';
export {
  type AdminOptions,
  type ClusterView,
  type CreatedTopic,
  TopicAdmin,
  type TopicAdminOptions,
} from './host/topic-admin';
