import { decodeBatch, lastOffset, OttlaError, readBatchHeader, verifyBatch } from '@ottla/protocol';
import type { ReadRecord } from '../../history/events';

export interface BatchesRead {
  /** The records at or above the offset asked for. */
  readonly records: readonly ReadRecord[];
  /** Where to read on. */
  readonly nextOffset: number;
  /** The base offset of a batch that isn't what its producer built; null when all are. */
  readonly corruptAt: number | null;
}

const text = new TextDecoder();

/** Reads what a fetch gave, as consumers do: they check every batch's CRC. */
export function readBatches(bytes: Uint8Array, fetchOffset: number): BatchesRead {
  const records: ReadRecord[] = [];
  let nextOffset = fetchOffset;
  for (let at = 0; at < bytes.length; ) {
    try {
      const header = readBatchHeader(bytes, at);
      verifyBatch(bytes, at, header);
      const { producerId, producerEpoch, baseSequence, baseOffset, partitionLeaderEpoch: leaderEpoch } = header;
      for (const { offset, value } of decodeBatch(bytes, at, header)) {
        if (offset < fetchOffset) continue;
        const sequence = producerId < 0 ? -1 : baseSequence + (offset - baseOffset);
        const content = value === null ? '' : text.decode(value);
        records.push({ offset, value: content, leaderEpoch, producerId, producerEpoch, sequence });
      }
      nextOffset = Math.max(nextOffset, lastOffset(header) + 1);
      at += header.batchLength;
    } catch (error) {
      if (!(error instanceof OttlaError)) throw error;
      return { records, nextOffset, corruptAt: nextOffset };
    }
  }
  return { records, nextOffset, corruptAt: null };
}
