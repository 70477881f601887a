import type { Mutant } from './mutant';

const LOG_DIRECTORY = 'packages/log/src/directory/log-directory.ts';

/** What a broker keeps on its disk, and what it makes of it at a start. */
export const STORAGE: readonly Mutant[] = [
  {
    name: 'topic-id-of-folder-ignored',
    ambush: 'a broker hears late that a topic was deleted, and made again',
    invariant: '1 one leader',
    loses:
      "A topic that was deleted and created again begins with the old one's records on one replica: folders go by names.",
    edits: [
      {
        file: 'packages/log/src/recovery/open.ts',
        find: `  if (found === topicId) return false;`,
        replace: `  if (found !== null) return false;`,
      },
      {
        file: 'packages/broker/src/partition/deletions.ts',
        find: `filter((folder) => folder.topicId === topicId);`,
        replace: `filter((folder) => folder.topicId === topicId && !tracker.image.topics.has(name));`,
      },
    ],
  },
  {
    name: 'folder-deleted-for-absence',
    ambush: 'the store is restored to before a broker had registered',
    invariant: '3 acknowledged',
    loses: 'All records of a topic, when the metadata store is restored from a backup that does not know it.',
    edits: [
      {
        file: 'packages/broker/src/partition/deletions.ts',
        find: `      if (delta.deletions.length > 0) this.chore.wake();`,
        replace: `      if (delta.deletions.length > 0 || delta.topics.length > 0) this.chore.wake();`,
      },
      {
        file: 'packages/broker/src/partition/deletions.ts',
        find: `    let isFinished = true;`,
        replace: `    let isFinished = true;
    for (const { topic, partition, topicId } of await this.options.directory.partitionsOnDisk()) {
      if (topicId === null || tracker.image.topicNames.has(topicId)) continue;
      await this.options.release(topicId, partition);
      await this.options.directory.deletePartition({ topic, partition, topicId });
    }`,
      },
    ],
  },
  {
    name: 'clean-marker-left',
    ambush: 'a machine crashes again when its broker has registered',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records: a machine that crashed is taken for one that was shut down.',
    edits: [
      { file: LOG_DIRECTORY, find: `    await removeCleanShutdown(disk, dir);\n`, replace: '' },
      {
        file: 'packages/log/src/directory/held-directory.ts',
        find: `(await readCleanShutdown(disk, dir)) === last.run`,
        replace: `(await readCleanShutdown(disk, dir)) !== null`,
      },
    ],
  },
  {
    name: 'recovery-skips-rolled-segments',
    ambush: 'a machine crashes while it writes what it has rolled',
    invariant: '2 logs agree',
    loses: 'A hole in the log, found by the consumer that reaches it, after a machine crashed just behind a roll.',
    edits: [
      {
        file: 'packages/log/src/recovery/recover.ts',
        find: `  const unsafe = state.segments.from(options.recoveryPoint);`,
        replace: `  const unsafe = [state.active];`,
      },
    ],
  },
];
