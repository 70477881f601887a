import { type BatchHeader, lastOffset, OttlaError, readBatchHeader, verifyBatch } from '@ottla/protocol';
import type { SegmentBytes } from '../../run/workload-world';

/** A batch of a replica's log on the disk. */
export interface BatchOnDisk {
  readonly header: BatchHeader;
  /** The batch's own bytes. */
  readonly bytes: Uint8Array;
}

/** The whole batches of a log, in order; those that are damaged are left out, and what follows a damaged header in its segment. */
export function batchesOf(segments: readonly SegmentBytes[]): BatchOnDisk[] {
  const batches: BatchOnDisk[] = [];
  for (const { bytes } of [...segments].sort((a, b) => a.baseOffset - b.baseOffset)) {
    for (let at = 0; at < bytes.length; ) {
      const header = headerAt(bytes, at);
      if (header === null) break;
      const batch = bytes.subarray(at, at + header.batchLength);
      at += header.batchLength;
      if (isWhole(batch, header)) batches.push({ header, bytes: batch });
    }
  }
  return batches;
}

function headerAt(bytes: Uint8Array, at: number): BatchHeader | null {
  try {
    const header = readBatchHeader(bytes, at);
    return at + header.batchLength <= bytes.length ? header : null;
  } catch (error) {
    if (error instanceof OttlaError) return null;
    throw error;
  }
}

function isWhole(batch: Uint8Array, header: BatchHeader): boolean {
  try {
    verifyBatch(batch, 0, header);
    return true;
  } catch (error) {
    if (error instanceof OttlaError) return false;
    throw error;
  }
}

/** For messages: where the batch is, and what. */
export function describeBatch({ header }: BatchOnDisk): string {
  const { baseOffset, partitionLeaderEpoch: epoch, crc } = header;
  return `offsets ${baseOffset} to ${lastOffset(header)} of epoch ${epoch} (crc ${crc.toString(16)})`;
}
