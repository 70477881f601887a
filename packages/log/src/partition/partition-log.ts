import type { BatchHeader } from '@ottla/protocol';
import type { LeaderEpochs, ProducerState } from '@ottla/replication';
import type { Codecs } from '@ottla/runtime';
import type {
  AppendResult,
  FoundTimestamp,
  LogRange,
  PartitionLogOptions,
  ReadOptions,
  ReadResult,
  TimestampOffset,
} from './types';

const TODO = (): never => {
  throw new Error('being written');
};

export class PartitionLog {
  static open(_options: PartitionLogOptions): Promise<PartitionLog> {
    return TODO();
  }
  readonly topic: string = '';
  readonly topicId: string = '';
  readonly partition: number = 0;
  get logStart(): number {
    return TODO();
  }
  get logEnd(): number {
    return TODO();
  }
  get recoveryPoint(): number {
    return TODO();
  }
  get sizeBytes(): number {
    return TODO();
  }
  get epochs(): LeaderEpochs {
    return TODO();
  }
  get producers(): ProducerState {
    return TODO();
  }
  append(_batches: Uint8Array, _headers: readonly BatchHeader[], _expectedEnd?: number): Promise<AppendResult> {
    return TODO();
  }
  read(_fromOffset: number, _options: ReadOptions): Promise<ReadResult> {
    return TODO();
  }
  locate(_fromOffset: number, _options: ReadOptions): Promise<LogRange | null> {
    return TODO();
  }
  offsetForTimestamp(_timestamp: number, _codecs: Codecs): Promise<FoundTimestamp | null> {
    return TODO();
  }
  maxTimestamp(_codecs?: Codecs): Promise<TimestampOffset> {
    return TODO();
  }
  batchHeaders(_from: number, _upTo: number): AsyncIterable<BatchHeader> {
    return TODO();
  }
  truncate(_offset: number): Promise<void> {
    return TODO();
  }
  restartAt(_offset: number): Promise<void> {
    return TODO();
  }
  flush(): Promise<void> {
    return TODO();
  }
  close(_options: { clean: boolean }): Promise<void> {
    return TODO();
  }
  delete(): Promise<void> {
    return TODO();
  }
}
