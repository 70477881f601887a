import type { OttlaError } from '@ottla/protocol';
import type { Clock, Disk, DiskFile, Logger } from '@ottla/runtime';
import type { LogConfig } from '../config';
import type { LogResources } from '../resources/log-resources';

export interface PartitionLogOptions {
  disk: Disk;
  clock: Clock;
  logger: Logger;
  /** The partition's own folder, `<data dir>/<topic>-<partition>`. */
  dir: string;
  topic: string;
  /** The canonical 36-character UUID. */
  topicId: string;
  partition: number;
  config: LogConfig;
  /** True when the log was closed cleanly: what is on disk is trusted. */
  cleanShutdown: boolean;
  /** Everything below this offset was fsynced. */
  recoveryPoint: number;
  logStart: number;
  producerExpirationMs: number;
  /** File descriptors and caches shared with other logs; by default the log has its own. */
  resources?: LogResources;
  /** Makes a recovery point or log start that went back durable, before the log is cut. */
  checkpoint?: () => Promise<void>;
  /** The log can't go on. Comes at most once. */
  onOffline?: (error: OttlaError, reason: OfflineReason) => void;
  /** Recovery is about to cut what had been written whole, which no killed process leaves behind: damage, or a crash. */
  onLoss?: (lost: LostRecords) => Promise<void>;
}

export interface LostRecords {
  /** The log will end here. */
  offset: number;
  reason: string;
}

/** `sync-failed`: an fsync; `cut-failed`: what a failed write left, or a truncation, could not be finished. */
export type OfflineReason = 'sync-failed' | 'cut-failed';

export interface AppendResult {
  /** Next offset behind what was appended. */
  endOffset: number;
}

export interface ReadOptions {
  /** A budget for the bytes given. */
  maxBytes: number;
  /** Exclusive: no batch that reaches this offset is given. */
  upTo: number;
  /** Give the first batch even if it is larger than `maxBytes`. */
  atLeastOne: boolean;
}

export interface ReadResult {
  /** Of the first batch given; `fromOffset` when none is. */
  baseOffset: number;
  /** Whole batches, in order. Never change them. */
  chunks: Uint8Array[];
  /** The offset behind the last batch given; `fromOffset` when none is. */
  endOffset: number;
  byteLength: number;
}

/** Whole batches as a range of a segment's file, for sendfile. */
export interface LogRange {
  file: DiskFile;
  position: number;
  byteLength: number;
  baseOffset: number;
  endOffset: number;
  /** Lets go of the file; call it exactly once, when the bytes are sent or given up. */
  release(): void;
}

export interface TimestampOffset {
  offset: number;
  timestamp: number;
}

export interface FoundTimestamp extends TimestampOffset {
  leaderEpoch: number;
}
