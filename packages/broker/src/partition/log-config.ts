import type { LogConfig } from '@ottla/log';
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
    flushMessages: topic['flush.messages'],
    flushMs: topic['flush.ms'],
    maxMessageBytes: topic['max.message.bytes'],
  };
}
