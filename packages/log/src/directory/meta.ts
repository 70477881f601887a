import { OttlaError } from '@ottla/protocol';
import type { Disk } from '@ottla/runtime';

/** `meta.json`: whose directory this is, and who used it last. */
export interface DirectoryMeta {
  version: 1;
  clusterId: string;
  brokerId: number;
  /** Names what the directory holds; replaced when some of it may have been lost. */
  logId: string;
  /** The kernel's boot id in the last run; empty when it proves nothing. */
  bootId: string;
  run: string;
  /** The runs of which the last to register with the metadata store may be one, `run` the last of them. */
  runs?: string[];
  /** The number of this run among the starts of the broker that registered, if it did. */
  starts?: number;
}

const META = 'meta.json';
const CLEAN_SHUTDOWN = 'clean-shutdown';

/** Null when there is none. Fields that this version doesn't know are kept. */
export async function readMeta(disk: Disk, dir: string): Promise<DirectoryMeta | null> {
  const path = `${dir}/${META}`;
  const bytes = await disk.readFile(path);
  if (bytes === null) return null;
  const meta = parseObject(bytes) as Partial<DirectoryMeta> | null;
  if (meta?.version === 1 && isWhole(meta)) return meta;
  const message =
    meta?.version === undefined || meta.version === 1
      ? `${path} is damaged; restore it from another copy, or use an empty directory`
      : `${path} has version ${meta.version}, which this release doesn't know; start the release that wrote it`;
  throw new OttlaError('KAFKA_STORAGE_ERROR', message);
}

function isWhole(meta: Partial<DirectoryMeta>): meta is DirectoryMeta {
  const texts = [meta.clusterId, meta.logId, meta.bootId, meta.run];
  return texts.every((text) => typeof text === 'string') && Number.isInteger(meta.brokerId);
}

export async function writeMeta(disk: Disk, dir: string, meta: DirectoryMeta): Promise<void> {
  await disk.writeFileAtomic(`${dir}/${META}`, encodeObject(meta));
}

/** The run that closed the directory cleanly; null when the last one did not. */
export async function readCleanShutdown(disk: Disk, dir: string): Promise<string | null> {
  const bytes = await disk.readFile(`${dir}/${CLEAN_SHUTDOWN}`);
  const marker = bytes === null ? null : (parseObject(bytes) as { run?: unknown } | null);
  return typeof marker?.run === 'string' ? marker.run : null;
}

export async function writeCleanShutdown(disk: Disk, dir: string, run: string): Promise<void> {
  await disk.writeFileAtomic(`${dir}/${CLEAN_SHUTDOWN}`, encodeObject({ version: 1, run }));
}

/** Gone for good when it resolves. */
export async function removeCleanShutdown(disk: Disk, dir: string): Promise<void> {
  await disk.removeFile(`${dir}/${CLEAN_SHUTDOWN}`);
  await disk.syncDir(dir);
}

/** Refuses a directory without `meta.json` that somebody else's data is in. */
export function refuseForeign(dir: string, names: readonly string[], isPartition: (name: string) => boolean): void {
  const way = 'use an empty directory';
  if (names.includes('meta.properties')) {
    throw new OttlaError('INVALID_CONFIG', `${dir} is a data directory of Apache Kafka; ${way}`);
  }
  const partition = names.find(isPartition);
  if (partition === undefined) return;
  const message = `${dir} holds ${partition}, but no ${META} tells whose it is; restore the file, or ${way}`;
  throw new OttlaError('INVALID_CONFIG', message);
}

export function refuseMismatch(dir: string, meta: DirectoryMeta, self: { clusterId: string; brokerId: number }): void {
  const way = 'use the directory of this one, or an empty one';
  if (meta.clusterId !== self.clusterId) {
    const message = `${dir} belongs to cluster ${meta.clusterId}, this broker to ${self.clusterId}; ${way}`;
    throw new OttlaError('INCONSISTENT_CLUSTER_ID', message);
  }
  if (meta.brokerId !== self.brokerId) {
    const message = `${dir} belongs to broker ${meta.brokerId}, this is broker ${self.brokerId}; ${way}`;
    throw new OttlaError('INVALID_CONFIG', message);
  }
}

function parseObject(bytes: Uint8Array): object | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function encodeObject(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
