import type { Mutant } from './mutant';

const RECORD_WRITER = 'packages/broker/src/partition/record-writer.ts';
const PARTITION_CHANGE = 'packages/controller/src/core/partitions/partition-change.ts';

/** Who is in the ISR, and who may lead. */
export const IN_SYNC: readonly Mutant[] = [
  {
    name: 'elr-kept-when-minimum-changes',
    ambush: 'the leader dies when the minimum has changed',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records: a replica is elected that left the ISR under another minimum.',
    edits: [
      {
        file: PARTITION_CHANGE,
        find: `record: { ...record, minIsr, elr: [] }`,
        replace: `record: { ...record, minIsr }`,
      },
    ],
  },
  {
    name: 'leader-resumes-epoch',
    ambush: 'kill each new leader',
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
  },
  {
    name: 'isr-entry-without-log-id',
    ambush: 'a machine crashes again when its broker has registered',
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
  },
  {
    name: 'added-by-registration-of-image',
    ambush: 'a follower dies unheard while its leader cannot reach the store',
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
  },
  {
    name: 'draining-broker-added',
    ambush: 'followers are stopped in order',
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
  },
  {
    name: 'shrink-without-own-registration',
    ambush: 'a leader is not registered, and nobody controls',
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
  },
];
