import type { LogConfig } from '@ottla/log';
import { LONG_MAX } from '../config/kinds';
import type { BrokerConfig } from '../config/schema';
import { topicConfig } from '../config/topic-settings';

/** What a partition's log is told of its topic's effective settings. */
export function logConfigOf(broker: BrokerConfig, configs: Readonly<Record<string, string>>): LogConfig {
  const topic = topicConfig(broker, configs);
  return {
    segmentBytes: topic['segment.bytes'],
    segmentMs: topic['segment.ms'],
    indexIntervalBytes: topic['index.interval.bytes'],
    indexMaxBytes: topic['segment.index.bytes'],
    flushMessages: orNever(topic['flush.messages']),
    flushMs: orNever(topic['flush.ms']),
    maxMessageBytes: topic['max.message.bytes'],
  };
}

/** Kafka's way to say never is the largest long. */
function orNever(value: number): number {
  return value >= LONG_MAX ? Number.POSITIVE_INFINITY : value;
}
