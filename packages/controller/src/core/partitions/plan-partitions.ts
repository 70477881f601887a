import { partitionRecordCodec, type TopicRecord, type Versioned } from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import type { ControllerEvent } from '../controller-event';
import type { ControllerState } from '../controller-state';
import { brokersView } from '../detection/absence';
import type { TopicDefaults } from '../settings';
import { minInsyncReplicas, topicDefaults, topicDefaultsGuard, uncleanLeaderElection } from '../topics/default-configs';
import { absentGuard, partitionGuard, registrationGuard, topicGuard } from '../txn/guards';
import { type PlannedChange, Urgency } from '../txn/planned-txn';
import { type ChangeKind, changePartition, type PartitionChange, type PartitionPolicy } from './partition-change';

/** What has to change in the records of the partitions that topics show. */
export function planPartitionChanges(state: ControllerState, now: number): PlannedChange[] {
  const view = brokersView(state, now);
  const defaults = topicDefaults(state.image, state.defaults);
  const changes: PlannedChange[] = [];
  for (const topic of state.image.topics.values()) {
    const policy = policyOf(topic.value, defaults);
    for (const [partition, record] of state.image.partitions.get(topic.value.topicId) ?? []) {
      if (partition >= topic.value.partitions) continue;
      const change = changePartition(record.value, view, policy);
      if (change !== null) changes.push(planPartitionChange(state, topic, partition, record, change));
    }
  }
  return changes;
}

function policyOf(topic: TopicRecord, defaults: TopicDefaults): PartitionPolicy {
  return {
    minInsyncReplicas: minInsyncReplicas(topic.configs, defaults),
    uncleanAllowed: uncleanLeaderElection(topic.configs, defaults),
  };
}

/** The write of a changed record, with guards of all that it relies on in this image. */
export function planPartitionChange(
  state: Pick<ControllerState, 'image' | 'keys'>,
  topic: Versioned<TopicRecord>,
  partition: number,
  record: Versioned<PartitionRecord>,
  change: PartitionChange,
): PlannedChange {
  const { topicId, name } = topic.value;
  const compare = [partitionGuard(state.keys, topicId, partition, record)];
  for (const broker of reliedOn(record.value, change)) {
    const registered = state.image.brokers.get(broker);
    if (registered !== undefined) compare.push(registrationGuard(state.keys, registered));
  }
  for (const broker of givenUp(record.value, change)) {
    const registered = state.image.brokers.get(broker);
    compare.push(
      registered === undefined ? absentGuard(state.keys.broker(broker)) : registrationGuard(state.keys, registered),
    );
  }
  if (reliesOnConfigs(change)) compare.push(topicGuard(state.keys, topic), topicDefaultsGuard(state.keys, state.image));
  const event = eventOf(name, partition, change);
  return {
    ...(event === null ? {} : { event }),
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

/** Whoever leads a new epoch; and when a reassignment completes, everyone in sync: the others delete what they hold. */
function reliedOn(before: PartitionRecord, { kind, record }: PartitionChange): number[] {
  if (kind === 'reassigned') return record.isr.map((member) => member.broker);
  return record.leader !== null && record.leaderEpoch !== before.leaderEpoch ? [record.leader.broker] : [];
}

/**
 * Those who may hold every committed record, and who are passed over by an election that could lose some: it relies on
 * their still being away, or without their logs.
 */
function givenUp(before: PartitionRecord, { record }: PartitionChange): number[] {
  if (!record.unclean || record.leader === null || record.leaderEpoch === before.leaderEpoch) return [];
  const elected = record.leader.broker;
  return [...before.isr, ...before.elr].map(({ broker }) => broker).filter((broker) => broker !== elected);
}

function reliesOnConfigs({ kind, elected }: PartitionChange): boolean {
  return ['minimum', 'reassigning', 'reassigned'].includes(kind) || elected?.kind === 'unclean';
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
    case 'reassigning':
    case 'reassigned':
      return Urgency.REASSIGN;
    case 'preferred':
      return Urgency.BALANCE;
  }
}

function describe(change: PartitionChange): string {
  const { record, elected, kind } = change;
  const inSync = `ISR [${record.isr.map((member) => member.broker)}], ELR [${record.elr.map((member) => member.broker)}]`;
  if (kind === 'reassigning') {
    const { replicas, adding, removing } = record;
    return `replicas [${replicas}], adding [${adding}], removing [${removing}], ${inSync}`;
  }
  if (elected !== null && kind !== 'reassigned') {
    const rule = kind === 'preferred' ? 'preference' : elected.kind;
    return `leader ${elected.leader.broker} by ${rule} in epoch ${record.leaderEpoch}, ${inSync}`;
  }
  if (kind === 'leaderless') return `no leader in epoch ${record.leaderEpoch}, ${inSync}`;
  if (kind === 'reassigned') return `reassigned to [${record.replicas}], ${inSync}`;
  return kind === 'minimum' ? `min.insync.replicas ${record.minIsr}, ${inSync}` : inSync;
}

function eventOf(topic: string, partition: number, change: PartitionChange): ControllerEvent | null {
  const { record, elected, kind } = change;
  if (elected !== null) {
    const { broker } = elected.leader;
    return { type: 'elected', topic, partition, broker, leaderEpoch: record.leaderEpoch, kind: elected.kind };
  }
  return kind === 'leaderless' ? { type: 'leaderless', topic, partition, leaderEpoch: record.leaderEpoch } : null;
}
