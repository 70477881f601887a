import type { PartitionDescription, TopicDescription } from '@ottla/client';
import { CommandError } from '../command-error';
import { say, sayJson } from '../stdio/say';
import { table } from '../stdio/table';
import { withClient } from './with-client';

export interface TopicFlags {
  readonly bootstrap?: string;
  readonly json?: boolean;
}

export interface CreateFlags extends TopicFlags {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** `name=value` each. */
  readonly config: readonly string[];
}

export interface AddPartitionsFlags extends TopicFlags {
  /** In all. */
  readonly partitions: number;
  /** Brokers of each new partition; none lets the cluster choose. */
  readonly assign: readonly (readonly number[])[];
}

export function listTopics({ bootstrap, json }: TopicFlags): Promise<number> {
  return withClient(bootstrap, async ({ admin }) => {
    const topics = await admin.listTopics({ internal: true });
    if (json) {
      sayJson(
        topics.map(({ name, topicId, internal, partitions }) => ({
          name,
          topicId,
          internal,
          partitions: partitions.length,
          replicationFactor: partitions[0]?.replicas.length ?? 0,
        })),
      );
    } else {
      for (const { name } of topics) say(name);
    }
    return 0;
  });
}

export function createTopic(name: string, flags: CreateFlags): Promise<number> {
  const configs = parseConfigs(flags.config);
  return withClient(flags.bootstrap, async ({ admin }) => {
    const { partitions, replicationFactor } = flags;
    const created = await admin.createTopic({
      name,
      configs,
      ...(partitions !== undefined && { partitions }),
      ...(replicationFactor !== undefined && { replicationFactor }),
    });
    if (flags.json) sayJson(created);
    else
      say(
        `created ${name}: ${counted(created.partitions, 'partition')}, ${counted(created.replicationFactor, 'replica')}`,
      );
    return 0;
  });
}

export function addPartitions(name: string, flags: AddPartitionsFlags): Promise<number> {
  const { partitions, assign: assignments } = flags;
  return withClient(flags.bootstrap, async ({ admin }) => {
    await admin.createPartitions(name, partitions, assignments.length === 0 ? {} : { assignments });
    if (flags.json) sayJson({ name, partitions });
    else say(`${name} has ${counted(partitions, 'partition')} now`);
    return 0;
  });
}

export function deleteTopic(name: string, { bootstrap, json }: TopicFlags): Promise<number> {
  return withClient(bootstrap, async ({ admin }) => {
    await admin.deleteTopic(name);
    if (json) sayJson({ name, deleted: true });
    else say(`deleted ${name}`);
    return 0;
  });
}

export function describeTopic(name: string, { bootstrap, json }: TopicFlags): Promise<number> {
  return withClient(bootstrap, async ({ admin }) => {
    const topic = await admin.describeTopic(name);
    if (json) sayJson(asJson(topic));
    else say(asText(topic));
    return 0;
  });
}

function asJson({ name, topicId, internal, configs, partitions }: TopicDescription): object {
  return {
    name,
    topicId,
    internal,
    configs,
    partitions: partitions.map(({ partition, leader, leaderEpoch, replicas, isr, elr }) => ({
      partition,
      leader: leader < 0 ? null : leader,
      leaderEpoch,
      replicas: replicas.map(({ broker }) => broker),
      isr,
      elr,
      progress: replicas.map(({ broker, online, inSync, logStartOffset, logEndOffset, highWatermark }) => ({
        broker,
        online,
        inSync,
        logStart: logStartOffset,
        logEnd: logEndOffset,
        highWatermark,
      })),
    })),
  };
}

function asText({ name, topicId, configs, partitions }: TopicDescription): string {
  const settings = Object.entries(configs).map(([key, value]) => `${key}=${value}`);
  // Nobody is eligible beside the ISR but while it is below the minimum.
  const withElr = partitions.some(({ elr }) => elr.length > 0);
  const columns = ['partition', 'leader', 'epoch', 'ISR', ...(withElr ? ['ELR'] : []), 'replica', 'LEO', 'HW', ''];
  const rows = partitions.flatMap((partition) => rowsOf(partition, withElr));
  return [`${name}  ${topicId}${settings.length > 0 ? `  ${settings.join(' ')}` : ''}`, ...table(columns, rows)].join(
    '\n',
  );
}

/** A row for each replica; what holds for the partition is said in the first. */
function rowsOf(described: PartitionDescription, withElr: boolean): string[][] {
  const { partition, leader, leaderEpoch, isr, elr, replicas } = described;
  const epoch = String(leaderEpoch);
  const common = [String(partition), leader < 0 ? 'none' : String(leader), epoch, isr.join(',')];
  if (withElr) common.push(elr.join(','));
  return replicas.map(({ broker, online, inSync, logEndOffset, highWatermark }, index) => {
    const eligible = elr.includes(broker) ? 'eligible' : 'out of sync';
    const state = [online ? '' : 'offline', inSync ? '' : eligible].filter(Boolean).join(', ');
    return [
      ...(index === 0 ? common : common.map(() => '')),
      String(broker),
      String(logEndOffset ?? '?'),
      String(highWatermark ?? '?'),
      broker === leader ? 'leader' : state,
    ];
  });
}

function parseConfigs(flags: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flags.map((flag) => {
      const equals = flag.indexOf('=');
      if (equals <= 0) throw new CommandError(`--config ${flag}: expected NAME=VALUE, such as retention.ms=3600000`);
      return [flag.slice(0, equals), flag.slice(equals + 1)];
    }),
  );
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
