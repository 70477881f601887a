import type { Acknowledgement, Read } from './clients/journal';

/** What is known of one partition at the end of a run. */
export interface PartitionEvidence {
  readonly name: string;
  readonly acknowledged: readonly Acknowledgement[];
  /** Read back from the beginning when all is over, by each client. */
  readonly readBack: readonly { readonly client: string; readonly records: readonly Read[] }[];
  /** Read by groups meanwhile. */
  readonly consumed: readonly {
    readonly client: string;
    readonly reads: readonly Read[];
    readonly rewound: readonly { readonly offset: number; readonly committed: number }[];
  }[];
}

export const FLAWS = ['lost', 'duplicated', 'reordered', 'changed', 'skipped', 'rewound'] as const;

/**
 * lost: an acknowledged record isn't there, or not at its offset. duplicated: a record is there more than once.
 * reordered: after one that was sent later. changed: clients don't read the same at an offset, or none of what was sent.
 * skipped: a group was never given a record. rewound: a group was given a record below an offset that it had committed.
 */
export type Flaw = (typeof FLAWS)[number];

export interface Finding {
  readonly flaw: Flaw;
  readonly sentence: string;
}

/** Compares what was acknowledged with what is there. Empty: all is well. */
export function check(evidence: PartitionEvidence): Finding[] {
  const [reference] = evidence.readBack;
  if (reference === undefined) throw new Error(`${evidence.name} was not read back`);
  const findings: Finding[] = [];
  const found = (flaw: Flaw, what: string): void => {
    findings.push({ flaw, sentence: `${evidence.name}: ${flaw}: ${what}` });
  };
  const records = reference.records;
  findStrangers(records, reference.client, found);
  findLost(evidence.acknowledged, records, found);
  findRepeats(records, found);
  const byOffset = new Map(records.map(({ offset, sequence }) => [offset, sequence]));
  for (const other of evidence.readBack.slice(1)) compareReads(reference, other, found);
  for (const group of evidence.consumed) {
    for (const read of group.reads) {
      const there = byOffset.get(read.offset);
      if (there !== read.sequence)
        found('changed', `${group.client} was given ${show(read.sequence)} at ${read.offset}, now ${show(there)}`);
    }
    const given = new Set(group.reads.map(({ offset }) => offset));
    for (const { offset } of records) if (!given.has(offset)) found('skipped', `${group.client}, offset ${offset}`);
    for (const { offset, committed } of group.rewound)
      found('rewound', `${group.client} was given ${offset} after it had committed ${committed}`);
  }
  return findings;
}

type Found = (flaw: Flaw, what: string) => void;

function findStrangers(records: readonly Read[], client: string, found: Found): void {
  for (const { offset, sequence } of records)
    if (sequence === null) found('changed', `${client} reads at ${offset} what nobody sent`);
}

function findLost(acknowledged: readonly Acknowledgement[], records: readonly Read[], found: Found): void {
  const offsets = new Map<number | null, Set<number>>();
  for (const { offset, sequence } of records) {
    const at = offsets.get(sequence);
    if (at === undefined) offsets.set(sequence, new Set([offset]));
    else at.add(offset);
  }
  for (const { sequence, offset } of acknowledged) {
    const at = offsets.get(sequence);
    if (at === undefined) found('lost', `record ${sequence}, acknowledged at offset ${offset}`);
    // A negative offset: the client was not told where.
    else if (offset >= 0 && !at.has(offset))
      found('lost', `record ${sequence} is at ${[...at].join(', ')}, acknowledged at offset ${offset}`);
  }
}

function findRepeats(records: readonly Read[], found: Found): void {
  const seen = new Map<number, number>();
  let highest = -1;
  for (const { offset, sequence } of records) {
    if (sequence === null) continue;
    const before = seen.get(sequence);
    if (before !== undefined) found('duplicated', `record ${sequence} at ${before} and ${offset}`);
    else if (sequence < highest) found('reordered', `record ${sequence} at ${offset} follows ${highest}`);
    seen.set(sequence, before ?? offset);
    highest = Math.max(highest, sequence);
  }
}

function compareReads(
  one: { client: string; records: readonly Read[] },
  other: { client: string; records: readonly Read[] },
  found: Found,
): void {
  const offsets = new Map(other.records.map(({ offset, sequence }) => [offset, sequence]));
  for (const { offset, sequence } of one.records) {
    const there = offsets.get(offset);
    if (there !== sequence)
      found('changed', `${one.client} reads ${show(sequence)} at ${offset}, ${other.client} ${show(there)}`);
    offsets.delete(offset);
  }
  for (const [offset, sequence] of offsets)
    found('changed', `${other.client} reads ${show(sequence)} at ${offset}, ${one.client} nothing`);
}

function show(sequence: number | null | undefined): string {
  if (sequence === undefined) return 'nothing';
  return sequence === null ? 'what nobody sent' : `record ${sequence}`;
}
