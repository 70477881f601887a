import {
  type ClusterImage,
  type Compare,
  keysFor,
  type MetadataStore,
  partitionRecordCodec,
  StoreUnavailableError,
  type Txn,
  type TxnResult,
} from '@ottla/metadata';
import type { PartitionRecord } from '@ottla/replication';

/** A change of a partition's record that its leader wants, as the replica machine proposed it. */
export interface PartitionChange {
  readonly topicId: string;
  readonly partition: number;
  readonly expectedModRevision: number;
  readonly record: PartitionRecord;
  /** Replicas that join the ISR, as their streams introduced them. */
  readonly adds: readonly { readonly broker: number; readonly run: string; readonly logId: string }[];
}

export type PartitionChangeResult =
  | { readonly written: true; readonly record: PartitionRecord; readonly modRevision: number }
  /** Refused: `record` is the truth read back, null when it's unknown what the store holds. */
  | { readonly written: false; readonly record: PartitionRecord | null; readonly modRevision: number };

export interface RecordWriterOptions {
  readonly store: MetadataStore;
  readonly clusterId: string;
  readonly self: { readonly broker: number; readonly run: string };
  image(): ClusterImage;
}

/**
 * A leader's writes to its partition's record. Each is a transaction guarded by the record's mod revision, by the leader's
 * own registration, and by the registration that each added replica's stream was opened with.
 */
export class RecordWriter {
  constructor(private readonly options: RecordWriterOptions) {}

  async write(change: PartitionChange): Promise<PartitionChangeResult> {
    const key = keysFor(this.options.clusterId).partition(change.topicId, change.partition);
    const registrations = this.registrationGuards(change);
    if (registrations === null) return this.asKnown(change);
    const result = await this.txn({
      compare: [{ key, target: 'mod', equals: change.expectedModRevision }, ...registrations],
      success: [{ type: 'put', key, value: partitionRecordCodec.encode(change.record) }],
      failure: [{ type: 'get', key }],
    });
    if (result === null) return this.asKnown(change);
    return result.succeeded
      ? { written: true, record: change.record, modRevision: result.revision }
      : readBack(result, key);
  }

  /**
   * Leaves the leadership of a partition, and its ISR when another member can take over; the controller elects again.
   * False when this broker doesn't lead it any more, or the write was refused.
   */
  async resign(topicId: string, partition: number): Promise<boolean> {
    const { self } = this.options;
    const known = this.options.image().partitions.get(topicId)?.get(partition);
    const record = known?.value;
    if (record?.leader?.broker !== self.broker || record.leader.run !== self.run) return false;
    const others = record.isr.filter((member) => member.broker !== self.broker);
    const resigned = { ...record, leader: null, isr: others.length > 0 ? others : record.isr };
    const expectedModRevision = known!.modRevision;
    const result = await this.write({ topicId, partition, expectedModRevision, record: resigned, adds: [] });
    return result.written;
  }

  /** Null when the transaction is known not to have been carried out. */
  private async txn(txn: Txn): Promise<TxnResult | null> {
    try {
      return await this.options.store.txn(txn);
    } catch (error) {
      if (error instanceof StoreUnavailableError && !error.maybeApplied) return null;
      throw error;
    }
  }

  /** Nothing was sent, so the store holds what it held: as far as the image knows. */
  private asKnown({ topicId, partition }: PartitionChange): PartitionChangeResult {
    const known = this.options.image().partitions.get(topicId)?.get(partition);
    return { written: false, record: known?.value ?? null, modRevision: known?.modRevision ?? 0 };
  }

  /** Null when a registration needed isn't in the image as the stream introduced it: the write could only be refused. */
  private registrationGuards(change: PartitionChange): Compare[] | null {
    const { self } = this.options;
    const brokers = this.options.image().brokers;
    const keys = keysFor(this.options.clusterId);
    const own = brokers.get(self.broker);
    if (own === undefined || own.value.run !== self.run) return null;
    const guards: Compare[] = [{ key: keys.broker(self.broker), target: 'mod', equals: own.modRevision }];
    for (const added of change.adds) {
      const registered = brokers.get(added.broker);
      const same =
        registered !== undefined &&
        registered.value.run === added.run &&
        registered.value.logIds.includes(added.logId) &&
        registered.value.state === 'active';
      if (!same) return null;
      guards.push({ key: keys.broker(added.broker), target: 'mod', equals: registered.modRevision });
    }
    return guards;
  }
}

function readBack(result: TxnResult, key: string): PartitionChangeResult {
  const kv = result.reads[0]?.[0];
  return kv === undefined
    ? { written: false, record: null, modRevision: 0 }
    : { written: false, record: partitionRecordCodec.decode(kv.value, key), modRevision: kv.modRevision };
}
