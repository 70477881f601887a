import { readFileSync, writeFileSync } from 'node:fs';
import type { Admin, AskedAssignment, PartitionResult, TopicInfo } from '@ottla/client';
import type { AssignedPartition } from '@ottla/controller';
import { CommandError } from '../command-error';
import { formatPlan, parsePlan } from '../reassign/plan-file';
import { progressOf, type ReassignmentProgress } from '../reassign/progress';
import { isThrottled, throttle, unthrottle } from '../reassign/throttle';
import { complain, say, sayJson } from '../stdio/say';
import { table } from '../stdio/table';
import { withClient } from './with-client';

export interface ReassignFlags {
  readonly bootstrap?: string;
  readonly json?: boolean;
}

export interface PlanFlags extends ReassignFlags {
  /** Ids of the brokers to spread over; all that are there when left out. */
  readonly brokers?: readonly number[];
  readonly replicationFactor?: number;
  readonly out?: string;
}

export interface StartFlags extends ReassignFlags {
  readonly plan?: string;
  readonly partition?: number;
  readonly to?: readonly number[];
  /** Bytes a second. */
  readonly throttle?: number;
}

export interface CancelFlags extends ReassignFlags {
  readonly partition?: number;
  readonly all?: boolean;
}

export interface StatusFlags extends ReassignFlags {
  readonly wait?: boolean;
}

const WAIT_MS = 1_000;

/** Proposes an even assignment of topics over brokers; starts nothing. */
export function planReassignment(topics: readonly string[], flags: PlanFlags): Promise<number> {
  return withClient(flags.bootstrap, async ({ admin }) => {
    const chosen = await chosenTopics(admin, topics);
    const plan = await propose(admin, chosen, flags);
    if (flags.out !== undefined) writeFileSync(flags.out, `${formatPlan(plan)}\n`);
    if (flags.json) say(formatPlan(plan));
    else say(planText(plan, chosen, flags.out));
    return 0;
  });
}

/** Starts the reassignments of a plan, or of one topic to the brokers named. */
export function startReassignment(topic: string | undefined, flags: StartFlags): Promise<number> {
  return withClient(flags.bootstrap, async ({ admin }) => {
    const asked = await wanted(admin, topic, flags);
    if (flags.throttle !== undefined) {
      const topics = await chosenTopics(admin, [...new Set(asked.map((one) => one.topic))]);
      await throttle(admin, topics, asked, flags.throttle);
    }
    const results = await admin.reassign(asked);
    const isThrottledNow = flags.throttle !== undefined;
    return told(results, flags, 'started', isThrottledNow ? '; end the throttle with `ottla reassign unthrottle`' : '');
  });
}

/** The reassignments under way, and how far each replica that is being added is. */
export function reassignmentStatus(topic: string | undefined, flags: StatusFlags): Promise<number> {
  return withClient(flags.bootstrap, async ({ admin }) => {
    let progress = await progressNow(admin, topic);
    while (flags.wait && progress.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
      progress = await progressNow(admin, topic);
    }
    if (flags.json) sayJson(progress);
    else say(statusText(progress));
    const throttled = (await admin.listTopics({ internal: true })).filter(isThrottled).map(({ name }) => name);
    if (!flags.json && throttled.length > 0) {
      say(`throttled: ${throttled.join(', ')}; \`ottla reassign unthrottle\` ends that`);
    }
    return 0;
  });
}

export function cancelReassignment(topic: string | undefined, flags: CancelFlags): Promise<number> {
  if ((topic === undefined) !== (flags.all === true)) {
    throw new CommandError('which reassignments? name a topic, or give --all');
  }
  return withClient(flags.bootstrap, async ({ admin }) => {
    const underWay = (await admin.listReassignments()).filter(
      (one) =>
        (topic === undefined || one.topic === topic) &&
        (flags.partition === undefined || one.partition === flags.partition),
    );
    if (underWay.length === 0) throw new CommandError('no such reassignment is under way');
    const asked = underWay.map((one): AskedAssignment => ({ ...one, replicas: null }));
    return told(await admin.reassign(asked), flags, 'cancelled', '');
  });
}

export function endThrottle({ bootstrap, json }: ReassignFlags): Promise<number> {
  return withClient(bootstrap, async ({ admin }) => {
    const topics = await unthrottle(admin);
    if (json) sayJson({ unthrottled: topics });
    else say(topics.length === 0 ? 'no topic was throttled' : `no longer throttled: ${topics.join(', ')}`);
    return 0;
  });
}

/** All topics when none is named. */
async function chosenTopics(admin: Admin, names: readonly string[]): Promise<TopicInfo[]> {
  const all = await admin.listTopics({ internal: true });
  const unknown = names.find((name) => !all.some((topic) => topic.name === name));
  if (unknown !== undefined) throw new CommandError(`topic ${unknown} doesn't exist: \`ottla topics list\` names them`);
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

async function propose(admin: Admin, topics: readonly TopicInfo[], flags: PlanFlags): Promise<AssignedPartition[]> {
  const { proposeAssignments } = require('@ottla/controller') as typeof import('@ottla/controller');
  const { brokers } = await admin.describeCluster();
  const named = flags.brokers ?? brokers.filter(({ state }) => state === 'active').map(({ id }) => id);
  const absent = named.find((id) => !brokers.some((broker) => broker.id === id));
  if (absent !== undefined) throw new CommandError(`broker ${absent} is not registered: start it first`);
  const over = brokers.filter(({ id }) => named.includes(id)).map(({ id, rack }) => ({ broker: id, rack }));
  return proposeAssignments(assignmentsOf(topics), over, flags.replicationFactor ?? null);
}

function assignmentsOf(topics: readonly TopicInfo[]): AssignedPartition[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, replicas }) => ({ topic: name, partition, replicas })),
  );
}

async function wanted(admin: Admin, topic: string | undefined, flags: StartFlags): Promise<AssignedPartition[]> {
  if ((flags.plan === undefined) === (topic === undefined)) {
    throw new CommandError('what to reassign? give --plan FILE, or a topic and --to BROKER,...');
  }
  if (flags.plan !== undefined) return parsePlan(readPlan(flags.plan), flags.plan);
  const { to, partition } = flags;
  if (to === undefined)
    throw new CommandError(`reassign ${topic} where? give --to BROKER,..., the preferred leader first`);
  const [info] = await chosenTopics(admin, [topic!]);
  const chosen = info!.partitions.filter((one) => partition === undefined || one.partition === partition);
  if (chosen.length === 0) throw new CommandError(`topic ${topic} has no partition ${partition}`);
  return chosen.map((one) => ({ topic: topic!, partition: one.partition, replicas: to }));
}

/** `-` is the standard input. */
function readPlan(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new CommandError(`--plan ${path}: ${(error as Error).message}`);
  }
}

async function progressNow(admin: Admin, topic: string | undefined): Promise<ReassignmentProgress[]> {
  const underWay = (await admin.listReassignments()).filter((one) => topic === undefined || one.topic === topic);
  const names = [...new Set(underWay.map((one) => one.topic))];
  const described = new Map(
    await Promise.all(names.map(async (name) => [name, await admin.describeTopic(name)] as const)),
  );
  return underWay.map((one) => progressOf(one, described.get(one.topic)!.partitions[one.partition]));
}

function planText(plan: readonly AssignedPartition[], topics: readonly TopicInfo[], out: string | undefined): string {
  if (plan.length === 0) return 'nothing to reassign: it is even already';
  const before = new Map(assignmentsOf(topics).map((one) => [`${one.topic}-${one.partition}`, one.replicas]));
  const rows = plan.map(({ topic, partition, replicas }) => {
    const present = before.get(`${topic}-${partition}`)!;
    return [topic, String(partition), present.join(','), replicas.join(',')];
  });
  const copied = plan.flatMap(({ topic, partition, replicas }) => {
    const present = before.get(`${topic}-${partition}`)!;
    return replicas.filter((broker) => !present.includes(broker));
  }).length;
  const next = out === undefined ? 'write it with --out FILE' : `start it with \`ottla reassign start --plan ${out}\``;
  return [
    ...table(['topic', 'partition', 'replicas', 'planned'], rows),
    `${plan.length} partition(s) change, ${copied} replica(s) are copied; ${next}`,
  ].join('\n');
}

function statusText(progress: readonly ReassignmentProgress[]): string {
  if (progress.length === 0) return 'no reassignment is under way';
  const rows = progress.map(({ topic, partition, replicas, added, removing, leader }) => [
    ...[topic, String(partition), replicas.join(','), leader === null ? 'none' : String(leader)],
    added.map(({ broker, inSync, percent }) => `${broker} ${inSync ? 'in sync' : `${percent ?? '?'}%`}`).join(', '),
    removing.join(','),
  ]);
  return table(['topic', 'partition', 'replicas', 'leader', 'adding', 'removing'], rows).join('\n');
}

/** Says what became of each partition; 1 when any of them failed. */
function told(results: readonly PartitionResult[], { json }: ReassignFlags, done: string, hint: string): number {
  const failed = results.filter(({ error }) => error !== null);
  if (json) {
    sayJson(
      results.map(({ topic, partition, error }) => ({
        ...{ topic, partition, error: error?.code ?? null, message: error?.message ?? null },
      })),
    );
  } else {
    for (const { error } of failed) complain(error!.message);
    const count = results.length - failed.length;
    if (count > 0) say(`${done} ${count} reassignment(s)${hint}`);
  }
  return failed.length === 0 ? 0 : 1;
}
