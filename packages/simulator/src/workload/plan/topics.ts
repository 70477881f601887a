import type { Random } from '@ottla/runtime';
import type { Topology } from '../../run/workload-world';
import type { NewTopic } from '../admin/admin-client';
import type { AdminTask } from '../admin/admin-task';

/** A topic of the run. */
export interface TopicPlan extends NewTopic {
  /** Never deleted. */
  readonly lasting: boolean;
}

export interface TimedTask {
  readonly task: AdminTask;
  readonly atMs: number;
}

export const chance = (random: Random, percent: number): boolean => random.below(100) < percent;

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)]!;
}

export function between(random: Random, least: number, most: number): number {
  return least + random.below(most - least + 1);
}

/** The topics of a run. The first lasts, and is what most clients use. */
export function drawTopics(random: Random, topology: Topology): TopicPlan[] {
  const topics: TopicPlan[] = [drawTopic(random, topology, 'lasting-0', true)];
  if (chance(random, 70)) topics.push(drawTopic(random, topology, 'lasting-1', true));
  if (chance(random, 50) || topology.recreates) topics.push(drawTopic(random, topology, 'brief-0', false));
  return topics;
}

function drawTopic(
  random: Random,
  { brokers, topicConfigs, recreates }: Topology,
  name: string,
  lasting: boolean,
): TopicPlan {
  const most = Math.min(3, brokers.length);
  const replicationFactor = chance(random, 75) ? most : between(random, 1, most);
  const minimum = Math.min(replicationFactor, pick(random, [1, 2, 2, 2]));
  const configs: Record<string, string> = { 'min.insync.replicas': String(minimum) };
  if (chance(random, 25)) configs['unclean.leader.election.enable'] = 'true';
  if (chance(random, 20)) configs['flush.messages'] = '1';
  if (chance(random, 40)) configs['segment.bytes'] = String(pick(random, [1_024, 4_096]));
  const partitions = between(random, 1, 2);
  if (!lasting && recreates) return { name, lasting, partitions, replicationFactor: most, configs };
  if (!lasting || topicConfigs === undefined) return { name, lasting, partitions, replicationFactor, configs };
  return { name, lasting, partitions, replicationFactor: most, configs: { ...configs, ...topicConfigs } };
}

/** What administrators do to the topics besides making them. */
export function drawTasks(random: Random, topology: Topology, topics: readonly TopicPlan[]): TimedTask[] {
  const { faultMs } = topology;
  const some = (): number => between(random, Math.floor(faultMs * 0.15), Math.floor(faultMs * 0.9));
  const tasks: TimedTask[] = [];
  for (const topic of topics) {
    if (topic.lasting) tasks.push(...drawChanges(random, topology, topic, some));
    else tasks.push(...drawDeletion(random, topology, topic));
  }
  return tasks;
}

function drawDeletion(random: Random, { faultMs, recreates = false }: Topology, topic: TopicPlan): TimedTask[] {
  const deletedAt = between(random, Math.floor(faultMs * 0.3), Math.floor(faultMs * 0.6));
  const tasks: TimedTask[] = [{ task: { kind: 'delete', topic: topic.name }, atMs: deletedAt }];
  if (chance(random, 75) || recreates) {
    const atMs = deletedAt + between(random, 50, Math.floor(faultMs * (recreates ? 0.15 : 0.25)));
    tasks.push({ task: { kind: 'create', topic }, atMs });
  }
  return tasks;
}

function drawChanges(random: Random, topology: Topology, topic: TopicPlan, some: () => number): TimedTask[] {
  const { name, replicationFactor } = topic;
  const partition = random.below(topic.partitions);
  const tasks: TimedTask[] = [];
  const minimum = String(between(random, 1, replicationFactor));
  const replicas = shuffled(random, topology.brokers).slice(0, replicationFactor);
  const candidates: readonly { readonly percent: number; readonly task: AdminTask }[] = [
    { percent: 30, task: { kind: 'grow', topic: name, count: topic.partitions + 1 } },
    { percent: 40, task: { kind: 'reassign', topic: name, partition, replicas } },
    { percent: 40, task: { kind: 'alter-config', topic: name, name: 'min.insync.replicas', value: minimum } },
    { percent: 30, task: { kind: 'elect', topic: name, partition, unclean: false } },
    { percent: 25, task: { kind: 'delete-records', topic: name, partition, tenths: between(random, 1, 10) } },
  ];
  for (const { percent, task } of candidates) {
    const wanted = chance(random, percent);
    const atMs = some();
    if (wanted) tasks.push({ task, atMs });
  }
  return tasks;
}

export function shuffled<T>(random: Random, values: readonly T[]): T[] {
  const all = [...values];
  for (let last = all.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [all[last], all[other]] = [all[other]!, all[last]!];
  }
  return all;
}
