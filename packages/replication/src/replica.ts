import type {
  PartitionRecord,
  ReplicaEffect,
  ReplicaInput,
  ReplicaLogState,
  ReplicaOptions,
  ReplicaProgress,
  ReplicaRole,
} from './types';

export class Replica {
  constructor(
    readonly options: ReplicaOptions,
    _log: ReplicaLogState,
  ) {}

  get role(): ReplicaRole {
    throw new Error('unfinished');
  }

  get record(): PartitionRecord | null {
    throw new Error('unfinished');
  }

  get leaderEpoch(): number {
    throw new Error('unfinished');
  }

  /** Where the epoch that this replica leads began; null when it doesn't lead, or its log is still settling. */
  get epochStart(): number | null {
    throw new Error('unfinished');
  }

  get logStart(): number {
    throw new Error('unfinished');
  }

  /** The confirmed log end offset. */
  get logEnd(): number {
    throw new Error('unfinished');
  }

  get highWatermark(): number {
    throw new Error('unfinished');
  }

  get lastStableOffset(): number {
    throw new Error('unfinished');
  }

  step(_now: number, _input: ReplicaInput): ReplicaEffect[] {
    throw new Error('unfinished');
  }

  nextDeadline(): number | null {
    throw new Error('unfinished');
  }

  replicaProgress(): ReplicaProgress[] {
    throw new Error('unfinished');
  }

  latestReadable(): number {
    throw new Error('unfinished');
  }

  endOffsetForEpoch(_epoch: number): { epoch: number; endOffset: number } {
    throw new Error('unfinished');
  }
}
