import type { ClusterClient, DeletedRecords, LogDirDescription, ProducerDescription } from '@ottla/client';
import { CommandError } from '../command-error';
import { say, sayJson } from '../stdio/say';
import { table } from '../stdio/table';
import { withClient } from './with-client';

interface CommonFlags {
  readonly bootstrap?: string;
  readonly json?: boolean;
}

export interface LogDirsFlags extends CommonFlags {
  readonly broker?: number;
  readonly topic?: string;
}

export interface ProducersFlags extends CommonFlags {
  readonly partition?: number;
  readonly broker?: number;
}

export interface DeleteRecordsFlags extends CommonFlags {
  readonly partition?: number;
  /** An offset, or `end`. */
  readonly before: string;
}

export function logDirs({ bootstrap, json, broker, topic }: LogDirsFlags): Promise<number> {
  return withClient(bootstrap, async ({ admin }) => {
    const dirs = (await admin.describeLogDirs({ broker })).map((dir) => ({
      ...dir,
      replicas: dir.replicas.filter((replica) => topic === undefined || replica.topic === topic),
    }));
    if (json) sayJson(dirs.map((dir) => ({ ...dir, error: dir.error?.code ?? null })));
    else say(dirs.map(dirAsText).join('\n\n'));
    return 0;
  });
}

export function producers(topic: string, flags: ProducersFlags): Promise<number> {
  const { bootstrap, json, broker } = flags;
  return withClient(bootstrap, async (client) => {
    const rows: (ProducerDescription & { partition: number })[] = [];
    for (const partition of await partitionsOf(client, topic, flags.partition)) {
      const described = await client.admin.describeProducers({ topic, partition }, { broker });
      rows.push(...described.map((producer) => ({ partition, ...producer })));
    }
    if (json) sayJson(rows);
    else say(producersAsText(rows));
    return 0;
  });
}

export function deleteRecords(topic: string, flags: DeleteRecordsFlags): Promise<number> {
  const before = beforeOf(flags.before);
  return withClient(flags.bootstrap, async (client) => {
    const partitions = await partitionsOf(client, topic, flags.partition);
    if (before !== 'end' && flags.partition === undefined && partitions.length > 1) {
      throw new CommandError(`${topic} has ${partitions.length} partitions: give --partition with an offset`);
    }
    const deleted: DeletedRecords[] = [];
    for (const partition of partitions) deleted.push(await client.admin.deleteRecords({ topic, partition, before }));
    if (flags.json) sayJson(deleted);
    else for (const { partition, lowWatermark } of deleted) say(`${topic}-${partition} begins at ${lowWatermark} now`);
    return 0;
  });
}

function beforeOf(text: string): number | 'end' {
  if (text === 'end') return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CommandError(`--before ${text}: expected an offset, or end for all records`);
}

async function partitionsOf({ admin }: ClusterClient, topic: string, only: number | undefined): Promise<number[]> {
  if (only !== undefined) return [only];
  return (await admin.describeTopic(topic)).partitions.map(({ partition }) => partition);
}

function dirAsText({ broker, path, error, totalBytes, usableBytes, replicas }: LogDirDescription): string {
  const volume =
    totalBytes === null || usableBytes === null ? '' : `  ${bytes(usableBytes)} of ${bytes(totalBytes)} usable`;
  const state = error === null ? '' : `  offline: ${error.code}`;
  const sorted = [...replicas].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  );
  const rows = sorted.map((replica) => [
    `${replica.topic}-${replica.partition}`,
    String(replica.sizeBytes),
    String(replica.offsetLag),
  ]);
  const heading = `broker ${broker}  ${path}${volume}${state}`;
  return [heading, ...(rows.length === 0 ? ['no replicas'] : table(['replica', 'bytes', 'lag'], rows))].join('\n');
}

function producersAsText(rows: readonly (ProducerDescription & { readonly partition: number })[]): string {
  if (rows.length === 0) return 'no idempotent producer is known';
  const cells = rows.map(({ partition, producerId, producerEpoch, lastSequence, lastTimestamp }) => [
    ...[partition, producerId, producerEpoch, lastSequence].map(String),
    lastTimestamp < 0 ? '' : new Date(lastTimestamp).toISOString(),
  ]);
  return table(['partition', 'producer', 'epoch', 'last sequence', 'last append'], cells).join('\n');
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function bytes(count: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), UNITS.length - 1);
  const value = count / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}
