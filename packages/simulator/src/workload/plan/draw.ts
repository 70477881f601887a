import type { Random } from '@ottla/runtime';
import type { PlannedItem } from '../../run/result';
import type { Topology, WorkloadPlan } from '../../run/workload-world';
import { describeTask } from '../admin/admin-task';
import type { DoorConsumerSettings } from '../door/door-consumer';
import type { GroupMemberSettings } from '../groups/group-member';
import type { KafkaProducerSettings } from '../producers/kafka-producer';
import type { ProducerSettings } from '../producers/producer';
import type { OffsetProberSettings } from '../readers/offset-prober';
import type { PlainConsumerSettings } from '../readers/plain-consumer';
import {
  drawConsumer,
  drawDoorConsumer,
  drawDoorProducer,
  drawGroup,
  drawProber,
  drawProducer,
  type GroupPlan,
} from './clients';
import { between, chance, drawTasks, drawTopics, type TimedTask, type TopicPlan } from './topics';

/** One actor of the workload. */
export type ActorPlan =
  | { readonly kind: 'topic'; readonly settings: TopicPlan }
  | { readonly kind: 'admin'; readonly settings: TimedTask }
  | { readonly kind: 'producer'; readonly settings: KafkaProducerSettings }
  | { readonly kind: 'door-producer'; readonly settings: ProducerSettings }
  | { readonly kind: 'consumer'; readonly settings: PlainConsumerSettings }
  | { readonly kind: 'door-consumer'; readonly settings: DoorConsumerSettings }
  | { readonly kind: 'prober'; readonly settings: OffsetProberSettings }
  | { readonly kind: 'group-member'; readonly settings: GroupMemberSettings };

export interface WorkloadItem extends PlannedItem {
  readonly actor: ActorPlan;
  readonly omitted: boolean;
}

export interface ClientsPlan extends WorkloadPlan {
  readonly items: readonly WorkloadItem[];
  readonly topics: readonly TopicPlan[];
  readonly groups: readonly GroupPlan[];
}

const FIRST_INDEX = 1_000;

/** What the clients of a run will do. */
export function drawWorkload(random: Random, topology: Topology, omit: ReadonlySet<number>): ClientsPlan {
  const { faultMs } = topology;
  const topics = drawTopics(random, topology);
  const actors: ActorPlan[] = topics.map((settings) => ({ kind: 'topic', settings }));
  const producers = between(random, 2, 4);
  for (let n = 0; n < producers; n++) {
    const brief = topics.filter(({ lasting }) => !lasting);
    const written = topology.recreates && n === 0 ? brief : topics;
    const settings = drawProducer(random, written, faultMs);
    actors.push({ kind: 'producer', settings: topology.latecomers ? latecomer(settings, n, faultMs) : settings });
  }
  const consumers = between(random, 1, 3);
  for (let n = 0; n < consumers; n++) {
    actors.push({ kind: 'consumer', settings: drawConsumer(random, topics, topology) });
  }
  actors.push({ kind: 'prober', settings: drawProber(random, topics) });
  if (chance(random, 35)) actors.push({ kind: 'door-producer', settings: drawDoorProducer(random, topics, faultMs) });
  if (chance(random, 35)) actors.push({ kind: 'door-consumer', settings: drawDoorConsumer(random, topics) });
  const groups = chance(random, 55) ? [drawGroup(random, topics, faultMs, 0)] : [];
  for (const { members } of groups) {
    for (const settings of members) actors.push({ kind: 'group-member', settings });
  }
  for (const settings of drawTasks(random, topology, topics)) actors.push({ kind: 'admin', settings });
  const items = actors.map((actor, index) => {
    const number = FIRST_INDEX + index;
    return { index: number, kind: actor.kind, text: describe(actor), actor, omitted: omit.has(number) };
  });
  return { items, topics, groups };
}

function latecomer(settings: KafkaProducerSettings, n: number, faultMs: number): KafkaProducerSettings {
  const startMs = n % 2 === 1 ? settings.startMs + Math.floor(faultMs / 2) : settings.startMs;
  return { ...settings, acks: -1, idempotent: true, startMs };
}

function describe({ kind, settings }: ActorPlan): string {
  if (kind === 'topic') return describeTask({ kind: 'create', topic: settings });
  if (kind === 'admin') return `${describeTask(settings.task)} at ${settings.atMs} ms`;
  return JSON.stringify(settings);
}
