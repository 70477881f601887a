import type { PartitionRecord } from '@ottla/replication';

/** An open replica of a live broker at one instant. */
export interface ReplicaSample {
  readonly broker: number;
  readonly logIds: readonly string[];
  readonly isLeader: boolean;
  readonly leaderEpoch: number;
  readonly logEnd: number;
  readonly highWatermark: number;
}

/** A partition at one instant: the store's record, and the replicas that are open. */
export interface PartitionSample {
  readonly at: number;
  /** For messages. */
  readonly name: string;
  readonly record: PartitionRecord;
  /** Offset behind the last record that a client knows to be acknowledged with acks=all; exempt ones don't count. */
  readonly acknowledgedEnd: number;
  readonly replicas: readonly ReplicaSample[];
}
