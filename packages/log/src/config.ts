import { OttlaError } from '@ottla/protocol';

/** Settings of one partition's log; the names are those of Kafka's topic configs. */
export interface LogConfig {
  /** `segment.bytes`: a segment is closed before it would grow beyond this. At most 2^31 - 1. */
  segmentBytes: number;
  /** `segment.ms`: a segment is closed when a batch comes that is this much later than the segment's first. */
  segmentMs: number;
  /** `index.interval.bytes`: about how many bytes of log one index entry stands for. */
  indexIntervalBytes: number;
  /** `segment.index.bytes`: the size at which an index is full, which closes its segment. */
  indexMaxBytes: number;
  /** `flush.messages`: fsync before confirming when this many offsets are unflushed. Infinity leaves it to the page cache. */
  flushMessages: number;
  /** `flush.ms`: fsync at the latest this long after an append. Infinity leaves it to the page cache. */
  flushMs: number;
  /** `max.message.bytes`: the largest batch that the topic takes. */
  maxMessageBytes: number;
}

export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: 7 * 24 * 60 * 60 * 1000,
  indexIntervalBytes: 4096,
  indexMaxBytes: 10 * 1024 * 1024,
  flushMessages: Number.POSITIVE_INFINITY,
  flushMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: 1024 * 1024 + 12,
};

const MAX_INT32 = 0x7fffffff;

const RANGES: Readonly<Record<keyof LogConfig, readonly [min: number, max: number, setting: string]>> = {
  segmentBytes: [64, MAX_INT32, 'segment.bytes'],
  segmentMs: [1, Number.POSITIVE_INFINITY, 'segment.ms'],
  indexIntervalBytes: [0, MAX_INT32, 'index.interval.bytes'],
  indexMaxBytes: [24, MAX_INT32, 'segment.index.bytes'],
  flushMessages: [1, Number.POSITIVE_INFINITY, 'flush.messages'],
  flushMs: [0, Number.POSITIVE_INFINITY, 'flush.ms'],
  maxMessageBytes: [0, MAX_INT32, 'max.message.bytes'],
};

/** Throws `INVALID_CONFIG`, naming setting, value and range. */
export function checkLogConfig(config: LogConfig): void {
  for (const key of Object.keys(RANGES) as (keyof LogConfig)[]) {
    const [min, max, setting] = RANGES[key];
    const value = config[key];
    if (value >= min && value <= max) continue;
    throw new OttlaError('INVALID_CONFIG', `${setting} is ${value}; it must be between ${min} and ${max}`);
  }
}
