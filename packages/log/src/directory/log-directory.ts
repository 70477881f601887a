import type { OttlaError } from '@ottla/protocol';
import type { Clock, Disk, Logger, Random } from '@ottla/runtime';
import type { LogConfig } from '../config';
import type { PartitionLog } from '../partition/partition-log';
import type { LogResourceLimits } from '../segment/resources';

const TODO = (): never => {
  throw new Error('being written');
};

export interface LogDirectoryOptions {
  disk: Disk;
  clock: Clock;
  random: Random;
  logger: Logger;
  dir: string;
  clusterId: string;
  brokerId: number;
  /** This process's run. */
  run: string;
  /** The kernel's boot id; empty when unknown, which proves nothing. */
  bootId: string;
  /** `transactional.id`-free producers are forgotten after this long without an append; default 1 day. */
  producerExpirationMs?: number;
  limits?: Partial<LogResourceLimits>;
}

export interface PartitionOnDisk {
  topic: string;
  partition: number;
  /** Null when the folder's partition.metadata is missing or unreadable. */
  topicId: string | null;
}

export interface OpenPartition {
  topic: string;
  topicId: string;
  partition: number;
  config: LogConfig;
}

export class LogDirectory {
  static open(_options: LogDirectoryOptions): Promise<LogDirectory> {
    return TODO();
  }
  readonly logId: string = '';
  /** True when the last run of this directory ended by `close({ clean: true })`. */
  readonly cleanShutdown: boolean = false;
  /** Why the directory is offline; null while it works. */
  get failure(): OttlaError | null {
    return TODO();
  }
  /** The directory went offline (failed fsync). Returns how to stop listening. */
  onOffline(_listener: (error: OttlaError) => void): () => void {
    return TODO();
  }
  openPartition(_options: OpenPartition): Promise<PartitionLog> {
    return TODO();
  }
  partitionsOnDisk(): Promise<PartitionOnDisk[]> {
    return TODO();
  }
  highWatermark(_topic: string, _partition: number): number {
    return TODO();
  }
  setHighWatermark(_topic: string, _partition: number, _value: number): void {
    return TODO();
  }
  checkpoint(): Promise<void> {
    return TODO();
  }
  setAside(_stray: { topic: string; partition: number }): Promise<void> {
    return TODO();
  }
  deletePartition(_partition: { topic: string; partition: number; topicId: string }): Promise<void> {
    return TODO();
  }
  close(_options: { clean: boolean }): Promise<void> {
    return TODO();
  }
}
