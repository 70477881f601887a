import { double, int, LONG_MAX, list, long, oneOf } from './kinds';
import { dynamic, setting } from './setting';

const cleanupPolicy = list('delete, compact, or delete,compact', /^(delete|compact)$/, { min: 1, max: 2 });
const compressionType = oneOf('producer');
const timestampType = oneOf('CreateTime', 'LogAppendTime');

/** Logs on disk; most of these are defaults for topics. */
export const logSettings = {
  'message.max.bytes': dynamic(
    setting(
      int('bytes', { min: 0 }),
      1048588,
      'Largest record batch that is accepted, as compressed by the producer. Default for topics.',
    ),
  ),
  'log.segment.bytes': dynamic(
    setting(
      int('bytes', { min: 64 }),
      1073741824,
      'A segment that would grow beyond this is closed and a new one begun.',
    ),
  ),
  'log.roll.ms': dynamic(
    setting(
      long('ms', { min: 1 }),
      604800000,
      'A segment older than this is closed and a new one begun, even when it is small.',
    ),
  ),
  'log.index.interval.bytes': dynamic(
    setting(int('bytes', { min: 0 }), 4096, 'An entry is added to the offset index each time this much was appended.'),
  ),
  'log.index.size.max.bytes': dynamic(
    setting(int('bytes', { min: 24 }), 10485760, 'Size of an index at which its segment is closed.'),
  ),
  'log.flush.interval.messages': dynamic(
    setting(
      long('records', { min: 1 }),
      LONG_MAX,
      'Records after which a log is forced to disk. By default the operating system decides.',
    ),
  ),
  'log.flush.interval.ms': dynamic(
    setting(
      long('ms', { min: 0 }),
      LONG_MAX,
      'Time after which a log with new records is forced to disk. By default the operating system decides.',
    ),
  ),
  'log.flush.offset.checkpoint.interval.ms': setting(
    int('ms', { min: 1 }),
    60000,
    'How often recovery points are written to disk.',
  ),
  'log.retention.ms': dynamic(
    setting(
      long('ms', { min: -1 }),
      604800000,
      'Segments whose records are all older are deleted; -1 keeps them.',
      'not acted on yet',
    ),
  ),
  'log.retention.bytes': dynamic(
    setting(
      long('bytes', { min: -1 }),
      -1,
      'Old segments are deleted while a partition is larger than this; -1 for no limit.',
      'not acted on yet',
    ),
  ),
  'log.retention.check.interval.ms': setting(
    long('ms', { min: 1 }),
    300000,
    'How often segments are checked for deletion.',
    'not acted on yet',
  ),
  'log.segment.delete.delay.ms': dynamic(
    setting(
      long('ms', { min: 0 }),
      60000,
      'How long a deleted segment stays on disk for readers that still have it open.',
      'not acted on yet',
    ),
  ),
  'log.cleanup.policy': dynamic(
    setting(
      cleanupPolicy,
      ['delete'],
      'What becomes of old records: deleted, or compacted to the last one of each key.',
      'not acted on yet',
    ),
  ),
  'log.cleaner.delete.retention.ms': dynamic(
    setting(long('ms', { min: 0 }), 86400000, 'How long tombstones are kept in compacted topics.', 'not acted on yet'),
  ),
  'log.cleaner.min.compaction.lag.ms': dynamic(
    setting(long('ms', { min: 0 }), 0, 'Records younger than this are not compacted.', 'not acted on yet'),
  ),
  'log.cleaner.max.compaction.lag.ms': dynamic(
    setting(
      long('ms', { min: 1 }),
      LONG_MAX,
      'Records older than this are compacted, however few they are.',
      'not acted on yet',
    ),
  ),
  'log.cleaner.min.cleanable.ratio': dynamic(
    setting(
      double({ min: 0, max: 1 }),
      0.5,
      'Share of a log that must be uncompacted before it is compacted.',
      'not acted on yet',
    ),
  ),
  'log.message.timestamp.type': dynamic(
    setting(
      timestampType,
      'CreateTime',
      'Whether records keep the timestamp of the producer or get that of the append.',
    ),
  ),
  'log.message.timestamp.after.max.ms': dynamic(
    setting(
      long('ms', { min: 0 }),
      3600000,
      'Records with a timestamp further in the future than this are refused (CreateTime only).',
    ),
  ),
  'compression.type': dynamic(
    setting(compressionType, 'producer', 'Record batches are kept as the producer compressed them.'),
  ),
};
