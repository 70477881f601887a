import {
  type ClusterImage,
  type ClusterKeys,
  generationCodec,
  partitionRecordCodec,
  producerIdsCodec,
  type Versioned,
} from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';
import type { ReportedReplica } from '@ottla/runtime';
import { partitionGuard, registrationGuard } from '../txn/guards';
import { type PlannedChange, Urgency } from '../txn/planned-txn';

/** All that one broker holds, as it will stay until the new generation begins. */
export interface BrokerReport {
  readonly run: string;
  readonly replicas: readonly ReportedReplica[];
  /** No producer id at or above it has been given out by this broker, or written to a log there. */
  readonly nextProducerId: number;
}

export interface GenerationInput {
  readonly image: ClusterImage;
  readonly keys: ClusterKeys;
  readonly self: { readonly broker: number; readonly run: string };
  readonly generation: number;
  /** By broker. */
  readonly reports: ReadonlyMap<number, BrokerReport>;
}

export interface GenerationPlan {
  /** Every partition in an epoch that no replica has known. */
  readonly records: readonly PlannedChange[];
  /** To be written when all of them are: begins the generation. */
  readonly beginning: PlannedChange;
}

interface Candidate extends ReportedReplica {
  readonly broker: number;
  readonly run: string;
}

/** Room for what replicas know that didn't report: those whose brokers are away. */
const EPOCH_MARGIN = 1_000;
const PRODUCER_ID_MARGIN = 1_000_000;

/**
 * What begins a new generation of a store that was restored from a backup. Its records may be older than the truth, ISRs
 * included, so what the replicas hold decides: of each partition leads the one whose log ends in the latest epoch, and the
 * furthest there. It holds everything that was committed, as long as one of those reports that did.
 */
export function planGeneration(input: GenerationInput): GenerationPlan {
  const candidates = candidatesOf(input.reports);
  const records: PlannedChange[] = [];
  for (const [topicId, partitions] of input.image.partitions) {
    for (const [partition, record] of partitions) {
      const reported = candidates.get(nameOf(topicId, partition)) ?? [];
      records.push(planRecord(input, topicId, partition, record, reported));
    }
  }
  return { records, beginning: planBeginning(input) };
}

/** The brokers on which partitions rely and that haven't reported. */
export function missingReports({ image, reports }: Pick<GenerationInput, 'image' | 'reports'>): number[] {
  const missing = new Set([...image.brokers.keys()].filter((broker) => !reports.has(broker)));
  for (const partitions of image.partitions.values()) {
    for (const { value } of partitions.values()) {
      for (const broker of value.replicas) if (!reports.has(broker)) missing.add(broker);
    }
  }
  return [...missing].sort((a, b) => a - b);
}

function candidatesOf(reports: GenerationInput['reports']): Map<string, Candidate[]> {
  const found = new Map<string, Candidate[]>();
  for (const [broker, { run, replicas }] of reports) {
    for (const replica of replicas) {
      const name = nameOf(replica.topicId, replica.partition);
      found.set(name, [...(found.get(name) ?? []), { ...replica, broker, run }]);
    }
  }
  return found;
}

function planRecord(
  { image, keys, generation, reports }: GenerationInput,
  topicId: string,
  partition: number,
  record: Versioned<PartitionRecord>,
  reported: readonly Candidate[],
): PlannedChange {
  const leaderEpoch = Math.max(record.value.leaderEpoch, ...reported.map((one) => one.highestEpoch)) + EPOCH_MARGIN;
  const isComplete = record.value.replicas.every((broker) => reports.has(broker));
  const value = decide(record.value, leaderEpoch, reported, isComplete);
  const topic = image.topicNames.get(topicId) ?? topicId;
  const compare = [partitionGuard(keys, topicId, partition, record)];
  const registered = value.leader === null ? undefined : image.brokers.get(value.leader.broker);
  if (registered !== undefined) compare.push(registrationGuard(keys, registered));
  const leads = value.leader === null ? 'no replica reported, no leader' : `leader ${value.leader.broker}`;
  const doubt = isComplete ? '' : ', not all replicas reported';
  return {
    reason: `${topic}-${partition}: ${leads} in epoch ${leaderEpoch} of generation ${generation}${doubt}`,
    urgency: Urgency.ELECT,
    compare,
    success: [{ type: 'put', key: keys.partition(topicId, partition), value: partitionRecordCodec.encode(value) }],
    ...(value.leader === null
      ? {}
      : {
          event: {
            ...{ type: 'elected', topic, partition, broker: value.leader.broker, leaderEpoch },
            kind: value.unclean ? 'unclean' : 'isr',
          },
        }),
  };
}

/** The ISR is whoever holds exactly what the leader holds; the others join when they have caught up. */
function decide(
  record: PartitionRecord,
  leaderEpoch: number,
  reported: readonly Candidate[],
  isComplete: boolean,
): PartitionRecord {
  const [best] = [...reported].sort((a, b) => b.lastEpoch - a.lastEpoch || b.logEnd - a.logEnd);
  // Folders that an older record let go may be in use again.
  const { removed: _removed, ...kept } = record;
  if (best === undefined) return { ...kept, leader: null, leaderEpoch };
  const equals = reported.filter(({ lastEpoch, logEnd }) => lastEpoch === best.lastEpoch && logEnd === best.logEnd);
  const byBroker = new Map(equals.map((candidate) => [candidate.broker, candidate]));
  const assigned = record.replicas.flatMap((broker) => byBroker.get(broker) ?? []);
  const members = assigned.length > 0 ? assigned : [best];
  const leader = members[0]!;
  const replicas = record.replicas.includes(leader.broker) ? record.replicas : [...record.replicas, leader.broker];
  return {
    ...kept,
    replicas,
    leader: { broker: leader.broker, run: leader.run },
    leaderEpoch,
    isr: members.map(({ broker, logId }) => ({ broker, logId })),
    elr: [],
    lastKnownLeader: { broker: leader.broker, logId: leader.logId },
    unclean: !isComplete,
  };
}

function planBeginning({ image, keys, self, generation, reports }: GenerationInput): PlannedChange {
  const { clusterId } = keys;
  const taken = [...reports.values()].map(({ nextProducerId }) => nextProducerId);
  const nextProducerId = Math.max(image.producerIds?.value.nextProducerId ?? 0, ...taken) + PRODUCER_ID_MARGIN;
  const ids = { ...image.producerIds?.value, version: 1 as const, ...self, nextProducerId };
  const record = { ...image.generation?.value, version: 1 as const, clusterId, generation };
  return {
    reason: `generation ${generation} of the metadata store begins`,
    urgency: Urgency.CLEANUP,
    compare: [
      { key: keys.generation(), target: 'mod', equals: image.generation?.modRevision ?? 0 },
      { key: keys.producerIds(), target: 'mod', equals: image.producerIds?.modRevision ?? 0 },
    ],
    success: [
      { type: 'put', key: keys.producerIds(), value: producerIdsCodec.encode(ids) },
      { type: 'put', key: keys.generation(), value: generationCodec.encode(record) },
    ],
  };
}

function nameOf(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}
