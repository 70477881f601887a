/** A partition's folder is `<topic>-<partition>`. */
export function partitionFolder(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

const PARTITION_FOLDER = /^(.+)-(\d+)$/;
const DELETED = '-delete';
const STRAY = '-stray';
/** What file systems take as a name. */
const MAX_NAME = 255;

/** Null for anything but a partition's folder; folders being deleted and strays are none. */
export function parsePartitionFolder(name: string): { topic: string; partition: number } | null {
  if (isDeletedFolder(name) || name.endsWith(STRAY)) return null;
  const match = PARTITION_FOLDER.exec(name);
  return match === null ? null : { topic: match[1] as string, partition: Number(match[2]) };
}

export function isDeletedFolder(name: string): boolean {
  return name.endsWith(DELETED);
}

/** Kafka's name for a folder on its way out, `<name>.<id>-delete`; a long name is cut. */
export function deletedFolder(name: string, id: string): string {
  return withTail(name, `.${id.replaceAll('-', '')}${DELETED}`);
}

/** Kafka's name for a folder that belongs to nothing here, `<name>.<id>-stray`. */
export function strayFolder(name: string, id: string): string {
  return withTail(name, `.${id.replaceAll('-', '')}${STRAY}`);
}

function withTail(name: string, tail: string): string {
  return `${name.slice(0, MAX_NAME - tail.length)}${tail}`;
}
