import type { Mutant } from './mutant';

/** What a partition knows of its producers, and a coordinator of its groups. */
export const IDEMPOTENCE: readonly Mutant[] = [
  {
    name: 'failed-append-keeps-dedupe',
    ambush: 'the disk of a new leader is full',
    invariant: '3 acknowledged',
    loses: 'Acknowledged records: what could not be written is taken for a duplicate when it is sent again.',
    edits: [
      {
        file: 'packages/replication/src/local-log.ts',
        find: `    this.epochs = failed.epochs;
    this.producers = failed.producers;`,
        replace: `    this.epochs = failed.epochs;`,
      },
    ],
  },
  {
    name: 'dedupe-lost-on-promotion',
    ambush: 'kill each new leader',
    invariant: '5 idempotence',
    loses: 'Records twice: a new leader does not recognise what a producer sends again.',
    edits: [
      {
        file: 'packages/replication/src/leader/leader.ts',
        find: `    this.epochStart = log.logEnd;`,
        replace: `    this.epochStart = log.logEnd;
    const Producers = log.producers.constructor as new (expirationMs: number, forgotten: boolean) => typeof log.producers;
    log.producers = new Producers(log.producers.expirationMs, true);`,
      },
    ],
  },
  {
    name: 'coordinator-loads-to-high-watermark',
    ambush: 'leaders with long tails die in turn',
    invariant: '7 committed offset',
    loses: 'A group reads records again: its coordinator forgot the last commits that it had confirmed.',
    edits: [
      {
        file: 'packages/broker/src/groups/hosted-coordinator.ts',
        find: `      if (next >= partition.logEnd) {
        await this.highWatermarkAt(next);
        if (next >= partition.logEnd) break;
      }`,
        replace: `      if (next >= partition.highWatermark) break;`,
      },
      {
        file: 'packages/broker/src/partition/partition-host.ts',
        find: `    const upTo = this.options.log.logEnd;`,
        replace: `    const upTo = this.highWatermark;`,
      },
    ],
  },
  {
    name: 'producer-ids-given-out-again',
    ambush: 'the store is restored to when topics were made',
    invariant: '5 idempotence',
    loses:
      "Records: after a restore of the store two producers have one id, and one's records pass for the other's duplicates.",
    edits: [
      {
        file: 'packages/controller/src/core/restore/plan-generation.ts',
        find: `Math.max(image.producerIds?.value.nextProducerId ?? 0, ...taken) + PRODUCER_ID_MARGIN`,
        replace: `Math.max(image.producerIds?.value.nextProducerId ?? 0, Math.min(0, PRODUCER_ID_MARGIN, ...taken))`,
      },
      {
        file: 'packages/broker/src/producer-ids.ts',
        find: `    this.requireUnused(first);
`,
        replace: '',
      },
    ],
  },
];
