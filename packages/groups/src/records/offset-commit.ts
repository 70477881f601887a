import { dataSchema, f } from '@ottla/protocol';
import type { RecordToWrite } from '../messages';
import type { CommittedOffset, OffsetChange } from '../offsets/store';

/** Key of a committed offset in `__consumer_offsets`. Versions 0 and 1 are the same; 1 is written. */
export const offsetCommitKey = dataSchema({
  name: 'OffsetCommitKey',
  versions: '0-1',
  fields: {
    group: f.string('0+'),
    topic: f.string('0+'),
    partition: f.int32('0+'),
  },
});

/** Only version 1 can hold an expiry; 3 adds the leader epoch (KIP-320); 4 is flexible. */
export const offsetCommitValue = dataSchema({
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexibleFrom: 4,
  fields: {
    offset: f.int64('0+'),
    leaderEpoch: f.int32('3+').default(-1),
    metadata: f.string('0+'),
    commitTimestamp: f.int64('0+'),
    expireTimestamp: f.int64('1').default(-1),
  },
});

const KEY_VERSION = 1;
const VALUE_VERSION = 3;
const VALUE_VERSION_WITH_EXPIRY = 1;

/** The record of a committed offset, or its tombstone. */
export function offsetRecord(group: string, { topic, partition, value }: OffsetChange): RecordToWrite {
  return {
    key: offsetCommitKey.write(KEY_VERSION, { group, topic, partition }),
    value: value && writeValue(value),
  };
}

function writeValue({ offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp }: CommittedOffset): Uint8Array {
  return expireTimestamp === null
    ? offsetCommitValue.write(VALUE_VERSION, { offset, leaderEpoch, metadata, commitTimestamp })
    : offsetCommitValue.write(VALUE_VERSION_WITH_EXPIRY, { offset, metadata, commitTimestamp, expireTimestamp });
}

export function readOffsetValue(bytes: Uint8Array): CommittedOffset {
  const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp } = offsetCommitValue.read(bytes).message;
  return {
    offset,
    leaderEpoch,
    metadata,
    commitTimestamp,
    expireTimestamp: expireTimestamp === -1 ? null : expireTimestamp,
  };
}
