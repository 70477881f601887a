import type { BatchHeader } from '@ottla/protocol';

export interface BatchShape {
  baseOffset?: number;
  leaderEpoch?: number;
  /** Tells batches apart: no two different ones have the same. */
  crc?: number;
  records?: number;
  bytes?: number;
  timestamp?: number;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
}

/** The header of a batch, as a producer sends it unless offset and epoch are given. */
export function batch(shape: BatchShape = {}): BatchHeader {
  const records = shape.records ?? 1;
  const timestamp = shape.timestamp ?? 0;
  return {
    baseOffset: shape.baseOffset ?? 0,
    batchLength: shape.bytes ?? 100,
    partitionLeaderEpoch: shape.leaderEpoch ?? -1,
    magic: 2,
    crc: shape.crc ?? 1,
    attributes: 0,
    lastOffsetDelta: records - 1,
    baseTimestamp: timestamp,
    maxTimestamp: timestamp,
    producerId: shape.producerId ?? -1,
    producerEpoch: shape.producerEpoch ?? (shape.producerId === undefined ? -1 : 0),
    baseSequence: shape.baseSequence ?? -1,
    recordCount: records,
  };
}
