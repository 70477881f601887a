import type { Random } from '@ottla/runtime';
import type { Topology } from '../../run/workload-world';
import type { DoorConsumerSettings } from '../door/door-consumer';
import type { GroupMemberSettings } from '../groups/group-member';
import type { KafkaProducerSettings } from '../producers/kafka-producer';
import type { ProducerSettings } from '../producers/producer';
import type { OffsetProberSettings } from '../readers/offset-prober';
import type { PlainConsumerSettings } from '../readers/plain-consumer';
import { between, chance, pick, type TopicPlan } from './topics';

export interface GroupPlan {
  readonly group: string;
  readonly topics: readonly string[];
  readonly members: readonly GroupMemberSettings[];
}

type PartitionPlan = { readonly topic: string; readonly partition: number };

export function drawProducer(random: Random, topics: readonly TopicPlan[], faultMs: number): KafkaProducerSettings {
  const { partitions, lasting } = drawPartitions(random, topics);
  return {
    ...drawProducing(random, partitions, faultMs),
    requestTimeoutMs: pick(random, [300, 600, 1_200]),
    sticky: chance(random, 50),
    byId: !lasting || chance(random, 50),
  };
}

/** Of a producer at the gRPC door, where topics go by name. */
export function drawDoorProducer(random: Random, topics: readonly TopicPlan[], faultMs: number): ProducerSettings {
  const { partitions } = drawPartitions(
    random,
    topics.filter(({ lasting }) => lasting),
  );
  return { ...drawProducing(random, partitions, faultMs), maxInFlight: 1 };
}

function drawProducing(random: Random, partitions: readonly PartitionPlan[], faultMs: number): ProducerSettings {
  const kind = random.below(100);
  const idempotent = kind < 60;
  const acks = kind < 75 ? -1 : kind < 90 ? 1 : 0;
  const pausedFrom = between(random, Math.floor(faultMs * 0.2), Math.floor(faultMs * 0.6));
  const pause = { fromMs: pausedFrom, toMs: pausedFrom + between(random, 1_000, Math.floor(faultMs * 0.4)) };
  return {
    ...{ partitions, acks, idempotent },
    intervalMs: pick(random, [60, 120, 250]),
    maxRecords: pick(random, [1, 2, 4]),
    padding: pick(random, [0, 30, 120]),
    maxInFlight: pick(random, [1, 3, 5]),
    maxAttempts: pick(random, [1, 4, 20]),
    echoOneIn: idempotent ? pick(random, [0, 5, 15]) : 0,
    startMs: between(random, 0, 800),
    pause: chance(random, 25) ? pause : null,
  };
}

/** One or two partitions of one topic, mostly the first. */
function drawPartitions(
  random: Random,
  topics: readonly TopicPlan[],
): { partitions: readonly PartitionPlan[]; lasting: boolean } {
  const topic = chance(random, 50) ? topics[0]! : pick(random, topics);
  const first = random.below(topic.partitions);
  const both = chance(random, 30) && topic.partitions > 1;
  const numbers = both ? [0, 1] : [first];
  return { partitions: numbers.map((partition) => ({ topic: topic.name, partition })), lasting: topic.lasting };
}

export function drawConsumer(
  random: Random,
  topics: readonly TopicPlan[],
  { faultMs, racks }: Topology,
): PlainConsumerSettings {
  const topic = pick(random, topics);
  const all = Array.from({ length: topic.partitions }, (_, partition) => ({ topic: topic.name, partition }));
  const partitions = chance(random, 50) ? all : [pick(random, all)];
  const validation = pick(random, [
    'last-fetched-epoch',
    'last-fetched-epoch',
    'offset-for-leader-epoch',
    'none',
  ] as const);
  return {
    ...{ partitions, byId: !topic.lasting },
    validation: topic.lasting || validation !== 'offset-for-leader-epoch' ? validation : 'last-fetched-epoch',
    rack: chance(random, 50) ? (pick(random, [...racks.values()]) ?? '') : '',
    sticky: chance(random, 60),
    maxWaitMs: pick(random, [100, 400]),
    maxBytes: pick(random, [512, 4_096, 65_536]),
    startMs: chance(random, 70) ? between(random, 0, 500) : between(random, 0, Math.floor(faultMs * 0.7)),
  };
}

export function drawDoorConsumer(random: Random, topics: readonly TopicPlan[]): DoorConsumerSettings {
  const topic = pick(
    random,
    topics.filter(({ lasting }) => lasting),
  );
  const partition = random.below(topic.partitions);
  return { topic: topic.name, partition, startMs: between(random, 0, 2_000), maxWaitMs: pick(random, [100, 400]) };
}

export function drawProber(random: Random, topics: readonly TopicPlan[]): OffsetProberSettings {
  const names = topics.filter(({ lasting }) => lasting).map(({ name }) => name);
  return { topics: names, intervalMs: pick(random, [80, 200]), sticky: chance(random, 50) };
}

export function drawGroup(random: Random, topics: readonly TopicPlan[], faultMs: number, number: number): GroupPlan {
  const group = `group-${number}`;
  const names = [topics[0]!.name];
  const count = between(random, 1, 3);
  const shared = { group, topics: names, heartbeatMs: pick(random, [150, 300]), commitMs: pick(random, [200, 500]) };
  const members = Array.from({ length: count }, (_, index): GroupMemberSettings => {
    const instance = chance(random, 30) ? `${group}-static-${index}` : null;
    const sessionTimeoutMs = pick(random, [900, 2_000]);
    return { ...shared, instance, sessionTimeoutMs, lives: drawLives(random, faultMs, index === 0) };
  });
  return { group, topics: names, members };
}

/** The first member is there in the end, so that the group comes to the end. */
function drawLives(random: Random, faultMs: number, stays: boolean): GroupMemberSettings['lives'] {
  const fromMs = between(random, 0, 1_000);
  const toMs = between(random, Math.floor(faultMs * 0.3), Math.floor(faultMs * 0.6));
  const again = toMs + between(random, 100, Math.floor(faultMs * 0.2));
  const first = { fromMs, toMs, leaves: chance(random, 40) };
  const kind = random.below(3);
  const forEver = { fromMs, toMs: Number.POSITIVE_INFINITY, leaves: false };
  if (kind === 0) return [forEver];
  if (kind === 1 && !stays) return [first];
  return [first, { fromMs: again, toMs: Number.POSITIVE_INFINITY, leaves: false }];
}
