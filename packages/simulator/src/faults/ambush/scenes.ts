import type { PartitionRecord } from '@ottla/replication';
import type { StoreChange, StoreView } from '../../checkers/store/store-view';
import type { Scene, Spring } from './ambush';

/** Something that can be waited for, and those who take part in it. */
export interface Happening {
  readonly spring: Spring;
  readonly scene: Scene;
  /** The partition that it concerns, if it does one. */
  readonly place?: string;
}

/** Tells what a change of the store means. `writer`: whose it is, null for what the store does itself. */
export function happeningsOf(change: StoreChange, view: StoreView, writer: number | null): Happening[] {
  const controller = view.claim === null ? {} : { controller: view.claim.value.broker };
  switch (change.kind) {
    case 'generation':
      return [];
    case 'claim':
      return change.after === null ? [] : [{ spring: 'claimed', scene: controller }];
    case 'registration': {
      const scene = { broker: change.broker, ...controller };
      if (change.after === null) return [{ spring: 'unregistered', scene }];
      return change.before === null ? [{ spring: 'registered', scene }] : [];
    }
    case 'partition': {
      const { before, after } = change;
      if (after === null) {
        return before === null ? [] : [{ spring: 'topic-deleted', scene: holder(before.value, controller) }];
      }
      if (before === null) return [{ spring: 'topic-created', scene: holder(after.value, controller) }];
      const place = `${change.topicId}/${change.partition}`;
      return ofPartition(before.value, after.value, writer, controller).map((happening) => ({ ...happening, place }));
    }
  }
}

function ofPartition(
  before: PartitionRecord,
  after: PartitionRecord,
  writer: number | null,
  controller: Scene,
): Happening[] {
  const [added] = after.isr.filter((member) => !before.isr.some(({ broker }) => broker === member.broker));
  const [removed] = before.isr.filter((member) => !after.isr.some(({ broker }) => broker === member.broker));
  const leader = after.leader?.broker;
  const followers = after.isr.map(({ broker }) => broker).filter((broker) => broker !== leader);
  const follower = followers.find((broker) => broker !== before.leader?.broker) ?? followers[0];
  const scene = scenery({
    leader,
    'former-leader': before.leader?.broker,
    added: added?.broker,
    removed: removed?.broker,
    follower,
    'other-follower': followers.find((broker) => broker !== follower),
    ...controller,
  });
  const springs: Spring[] = [];
  if (after.leaderEpoch !== before.leaderEpoch) {
    if (leader !== undefined) springs.push('elected');
    if (leader !== undefined && isHandedOver(before, after)) springs.push('handed-over');
  } else {
    if (added !== undefined) springs.push('isr-grew');
    if (removed !== undefined) springs.push('isr-shrank');
    if (removed !== undefined && writer === leader) springs.push('fell-behind');
  }
  if (after.elr.length > before.elr.length) springs.push('elr-grew');
  if (after.minIsr !== before.minIsr) springs.push('minimum-changed');
  return springs.map((spring) => ({ spring, scene }));
}

/** The former leader lives on, in sync. */
function isHandedOver(before: PartitionRecord, after: PartitionRecord): boolean {
  const former = before.leader?.broker;
  return former !== after.leader?.broker && after.isr.some(({ broker }) => broker === former);
}

function holder({ replicas, leader }: PartitionRecord, controller: Scene): Scene {
  return scenery({ broker: replicas.find((id) => id !== leader?.broker) ?? replicas[0], ...controller });
}

function scenery(parts: Record<string, number | undefined>): Scene {
  return Object.fromEntries(Object.entries(parts).filter(([, broker]) => broker !== undefined));
}
