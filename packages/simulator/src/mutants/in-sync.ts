import type { Mutant } from './mutant';

const RECORD_WRITER = 'packages/broker/src/partition/record-writer.ts';
const PARTITION_CHANGE = 'packages/controller/src/core/partitions/partition-change.ts';

/** Who is in the ISR, and who may lead. */
export const IN_SYNC: readonly Mutant[] = [
  {
    name: 'elr-kept-when-minimum-changes',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records: a replica is elected that left the ISR under another minimum.',
    edits: [
      {
        file: PARTITION_CHANGE,
        find: `record: { ...record, minIsr, elr: [] }`,
        replace: `record: { ...record, minIsr }`,
      },
    ],
    seeds: [],
  },
  {
    name: 'leader-resumes-epoch',
    invariant: '1 one leader',
    loses: 'A leader epoch with two processes: what the first had promised the second does not know.',
    edits: [
      {
        file: 'packages/replication/src/rules/identity.ts',
        find: `leader.run === self.run ? 'leader' : 'idle'`,
        replace: `'leader'`,
      },
      {
        file: 'packages/controller/src/core/partitions/liveness.ts',
        find: `  return registration.run === run;`,
        replace: `  return registration.run !== '' && run !== '';`,
      },
      {
        file: 'packages/broker/src/partition/leader-links.ts',
        find: `registered === undefined || registered.run !== link.leader.run`,
        replace: `registered === undefined`,
      },
    ],
    seeds: [],
  },
  {
    name: 'isr-entry-without-log-id',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records: a broker that came back with an empty disk leads.',
    edits: [
      {
        file: 'packages/replication/src/rules/identity.ts',
        find: `  return a.broker === b.broker && a.logId === b.logId;`,
        replace: `  return a.broker === b.broker;`,
      },
      {
        file: 'packages/controller/src/core/partitions/liveness.ts',
        find: `  return registration.logIds.includes(replica.logId);`,
        replace: `  return registration.broker === replica.broker;`,
      },
    ],
    seeds: [],
  },
  {
    name: 'added-by-registration-of-image',
    invariant: '6 in sync',
    loses: 'Acknowledged records: what the old process had reported lets the new one, which lost it, into the ISR.',
    edits: [
      {
        file: RECORD_WRITER,
        find: `        registered.value.run === added.run &&
        registered.value.logIds.includes(added.logId) &&
        registered.value.state === 'active';`,
        replace: `        registered.value.state === 'active';
      if (same) {
        const member = change.record.isr.find(({ broker }) => broker === added.broker);
        if (member !== undefined) member.logId = registered.value.logIds[0]!;
      }`,
      },
    ],
    seeds: [],
  },
  {
    name: 'draining-broker-added',
    invariant: '6 in sync',
    loses: 'Producers wait for a broker that is about to stop: a planned restart is felt.',
    edits: [
      {
        file: RECORD_WRITER,
        find: `        registered.value.logIds.includes(added.logId) &&
        registered.value.state === 'active';`,
        replace: `        registered.value.logIds.includes(added.logId);`,
      },
    ],
    seeds: [],
  },
  {
    name: 'shrink-without-own-registration',
    invariant: '6 in sync',
    loses: 'A partition is offline: a fenced leader took everybody else out of the ISR on its way out.',
    edits: [
      {
        file: RECORD_WRITER,
        find: `    if (own === undefined || own.value.run !== self.run) return null;
    const guards: Compare[] = [{ key: keys.broker(self.broker), target: 'mod', equals: own.modRevision }];`,
        replace: `    const guards: Compare[] = own === undefined ? [] : [];`,
      },
    ],
    seeds: [],
  },
];
