import { partitionRecordCodec, type TopicRecord, type Versioned } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import type { ControllerState } from '../controller-state';
import { brokersView } from '../detection/absence';
import type { TopicDefaults } from '../settings';
import { partitionGuard, registrationGuard, topicGuard } from '../txn/guards';
import { type PlannedChange, Urgency } from '../txn/planned-txn';
import { effectiveMinIsr } from './in-sync';
import { type ChangeKind, changePartition, type PartitionChange, type PartitionPolicy } from './partition-change';

/** A leader elected although it may lack records that were acknowledged. */
export interface PossibleLoss {
  readonly topic: string;
  readonly partition: number;
  readonly broker: number;
  readonly leaderEpoch: number;
  readonly kind: 'last-known' | 'unclean';
}

export interface PartitionChanges {
  readonly changes: readonly PlannedChange[];
  readonly possibleLosses: readonly PossibleLoss[];
}

/** What has to change in the records of the partitions that topics show. */
export function planPartitionChanges(state: ControllerState, now: number): PartitionChanges {
  const view = brokersView(state, now);
  const changes: PlannedChange[] = [];
  const possibleLosses: PossibleLoss[] = [];
  for (const topic of state.image.topics.values()) {
    for (const [partition, record] of state.image.partitions.get(topic.value.topicId) ?? []) {
      if (partition >= topic.value.partitions) continue;
      const change = changePartition(record.value, view, policyOf(topic.value, record.value, state.defaults));
      if (change === null) continue;
      changes.push(planPartitionChange(state, topic, partition, record, change));
      const loss = possibleLoss(topic.value.name, partition, change);
      if (loss !== null) possibleLosses.push(loss);
    }
  }
  return { changes, possibleLosses };
}

export function policyOf(topic: TopicRecord, record: PartitionRecord, defaults: TopicDefaults): PartitionPolicy {
  return {
    minIsr: effectiveMinIsr(minInsyncReplicas(topic.configs, defaults), record.replicas.length),
    uncleanAllowed: uncleanLeaderElection(topic.configs, defaults),
  };
}

export function minInsyncReplicas(configs: Readonly<Record<string, string>>, defaults: TopicDefaults): number {
  const configured = Number(configs['min.insync.replicas'] ?? Number.NaN);
  return Number.isInteger(configured) && configured >= 1 ? configured : defaults.minInsyncReplicas;
}

export function uncleanLeaderElection(configs: Readonly<Record<string, string>>, defaults: TopicDefaults): boolean {
  const configured = configs['unclean.leader.election.enable']?.trim().toLowerCase();
  return configured === undefined ? defaults.uncleanLeaderElection : configured === 'true';
}

function planPartitionChange(
  state: ControllerState,
  topic: Versioned<TopicRecord>,
  partition: number,
  record: Versioned<PartitionRecord>,
  change: PartitionChange,
): PlannedChange {
  const { topicId, name } = topic.value;
  const compare = [partitionGuard(state.keys, topicId, partition, record)];
  const elected = change.elected && state.image.brokers.get(change.elected.leader.broker);
  if (elected) compare.push(registrationGuard(state.keys, elected));
  if (reliesOnConfigs(change)) compare.push(topicGuard(state.keys, topic));
  return {
    reason: `${name}-${partition}: ${describe(change)}`,
    urgency: urgencyOf(change.kind, topic.value.internal),
    compare,
    success: [
      {
        type: 'put',
        key: state.keys.partition(topicId, partition),
        value: partitionRecordCodec.encode(change.record),
      },
    ],
  };
}

function reliesOnConfigs(change: PartitionChange): boolean {
  return change.kind === 'minimum' || change.elected?.kind === 'unclean';
}

/** Internal topics first: without them consumer groups stand still on all topics. */
function urgencyOf(kind: ChangeKind, internal: boolean): number {
  switch (kind) {
    case 'elected':
      return internal ? Urgency.ELECT : Urgency.ELECT_USER_TOPIC;
    case 'in-sync':
      return Urgency.SHRINK_ISR;
    case 'moved':
      return Urgency.DRAIN;
    case 'leaderless':
      return Urgency.LEADERLESS;
    case 'minimum':
      return Urgency.SETTINGS;
  }
}

function describe(change: PartitionChange): string {
  const { record, elected, kind } = change;
  const inSync = `ISR [${record.isr.map((member) => member.broker)}], ELR [${record.elr.map((member) => member.broker)}]`;
  if (elected !== null) {
    return `leader ${elected.leader.broker} by ${elected.kind} in epoch ${record.leaderEpoch}, ${inSync}`;
  }
  if (kind === 'leaderless') return `no leader in epoch ${record.leaderEpoch}, ${inSync}`;
  return kind === 'minimum' ? `min.insync.replicas ${record.minIsr}, ${inSync}` : inSync;
}

function possibleLoss(topic: string, partition: number, change: PartitionChange): PossibleLoss | null {
  const kind = change.elected?.kind;
  if (change.elected === null || (kind !== 'last-known' && kind !== 'unclean')) return null;
  const { leaderEpoch } = change.record;
  return { topic, partition, broker: change.elected.leader.broker, leaderEpoch, kind };
}
