export type { ControllerEvent, ElectionKind, FenceEvidence } from './core/controller-event';
export type { ControllerState, SessionView } from './core/controller-state';
export { Observations, visiblePartitions } from './core/detection/observations';
export { Suspicion } from './core/detection/suspicion';
export type { AskedElection } from './core/partitions/asked-election';
export { changePartition, type PartitionChange, type PartitionPolicy } from './core/partitions/partition-change';
export { isReassigning, targetReplicas } from './core/reassignment/assignment';
export type { ReassignmentRequest } from './core/reassignment/plan-reassignment';
export { type AssignedPartition, type ProposalBroker, proposeAssignments } from './core/reassignment/propose';
export { type ReconcilePlan, reconcile } from './core/reconcile';
export {
  DEFAULT_LEADER_BALANCE,
  DEFAULT_TIMINGS,
  type LeaderBalanceSettings,
  type MembershipTimings,
  type TopicDefaults,
} from './core/settings';
export { type CreationContext, type CreationPlan, planCreateTopic } from './core/topics/plan-create';
export { type DeletionPlan, planDeleteTopic } from './core/topics/plan-delete';
export { planCreatePartitions } from './core/topics/plan-grow';
export { checkTopicName, collidingTopic } from './core/topics/topic-name';
export type {
  Assignments,
  ConfigEdit,
  ConfigValidator,
  CreatePartitionsRequest,
  CreateTopicRequest,
  TopicReference,
} from './core/topics/topic-requests';
export type { PlannedChange, PlannedTxn } from './core/txn/planned-txn';
export { ClusterMember, type ClusterMemberOptions } from './host/cluster-member';
export type { ClusterView, Self } from './host/cluster-view';
export { ConfigAdmin, type ConfigAdminOptions } from './host/config-admin';
export { ControllerHost, type ControllerHostOptions } from './host/controlling/controller-host';
export { BrokerLease, type BrokerLeaseOptions } from './host/membership/broker-lease';
export {
  BrokerRegistrar,
  type BrokerRegistrarOptions,
  type RegistrationDetails,
} from './host/membership/broker-registrar';
export { SessionClient, type SessionClientOptions } from './host/membership/session-client';
export {
  PartitionAdmin,
  type PartitionAdminOptions,
  type PartitionResult,
  type ReassignOptions,
  type TopicPartition,
} from './host/partition-admin';
export { type AdminOptions, type CreatedTopic, TopicAdmin, type TopicAdminOptions } from './host/topic-admin';
