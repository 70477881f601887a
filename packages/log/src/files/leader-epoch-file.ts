import { type LeaderEpochEntry, LeaderEpochs } from '@ottla/replication';
import type { Disk } from '@ottla/runtime';
import { damaged, decodeCheckpoint, encodeCheckpoint, parseNumbers } from './text-checkpoint';

const FILE_NAME = 'leader-epochs';

/** Kafka's leader-epoch checkpoint: a line `epoch start-offset` an epoch, in order. */
export async function readLeaderEpochs(disk: Disk, dir: string): Promise<LeaderEpochs | null> {
  const path = `${dir}/${FILE_NAME}`;
  const bytes = await disk.readFile(path);
  if (bytes === null) return null;
  const entries = decodeCheckpoint(path, bytes).map((line): LeaderEpochEntry => {
    const fields = line.split(' ');
    const [epoch, startOffset] = parseNumbers(path, line, fields);
    if (fields.length !== 2) throw damaged(path, `the line '${line}' makes no sense`);
    return { epoch: epoch as number, startOffset: startOffset as number };
  });
  return LeaderEpochs.from(entries);
}

/** Durable when it resolves. */
export async function writeLeaderEpochs(disk: Disk, dir: string, epochs: LeaderEpochs): Promise<void> {
  const lines = epochs.entries().map(({ epoch, startOffset }) => `${epoch} ${startOffset}`);
  await disk.writeFileAtomic(`${dir}/${FILE_NAME}`, encodeCheckpoint(lines));
}

export function removeLeaderEpochs(disk: Disk, dir: string): Promise<void> {
  return disk.removeFile(`${dir}/${FILE_NAME}`);
}
