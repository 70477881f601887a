import { crc32c } from '@ottla/protocol';
import type { ProducerBatch, ProducerSnapshotEntry } from '@ottla/replication';
import { damaged } from './text-checkpoint';

/*
 * Kafka's `.snapshot`: version int16 = 1 | CRC32C uint32 of what follows | count int32 | entries. An entry is
 *
 *     producer id int64 | epoch int16 | last sequence int32 | last offset int64 | offset delta int32 | timestamp int64 |
 *     coordinator epoch int32 = -1 | first offset of the open transaction int64 = -1
 *
 * Kafka has one entry a producer, for its last batch. Here a producer has one for each batch that may come again, oldest
 * first; a reader that keeps one a producer is left with the last.
 */
const VERSION = 1;
const HEADER_BYTES = 10;
const ENTRY_BYTES = 46;
const NONE = -1;
const LAST_SEQUENCE = 0x7fffffff;

export function encodeProducerSnapshot(producers: readonly ProducerSnapshotEntry[]): Uint8Array {
  const rows = producers.flatMap((producer) => {
    const batches: (ProducerBatch | null)[] = producer.batches.length === 0 ? [null] : producer.batches;
    return batches.map((batch) => ({ producer, batch }));
  });
  const bytes = new Uint8Array(HEADER_BYTES + rows.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, VERSION);
  view.setInt32(6, rows.length);
  rows.forEach(({ producer, batch }, n) => {
    writeEntry(view, HEADER_BYTES + n * ENTRY_BYTES, producer, batch);
  });
  view.setUint32(2, crc32c(bytes.subarray(6)));
  return bytes;
}

function writeEntry(view: DataView, at: number, producer: ProducerSnapshotEntry, batch: ProducerBatch | null): void {
  view.setBigInt64(at, BigInt(producer.producerId));
  view.setInt16(at + 8, producer.producerEpoch);
  view.setInt32(at + 10, batch?.lastSequence ?? NONE);
  view.setBigInt64(at + 14, BigInt(batch?.lastOffset ?? NONE));
  view.setInt32(at + 22, batch === null ? 0 : batch.lastOffset - batch.baseOffset);
  view.setBigInt64(at + 26, BigInt(batch?.timestamp ?? producer.lastTimestamp));
  view.setInt32(at + 34, NONE);
  view.setBigInt64(at + 38, BigInt(NONE));
}

/** Throws `KAFKA_STORAGE_ERROR` when the bytes are no whole snapshot. */
export function decodeProducerSnapshot(path: string, bytes: Uint8Array): ProducerSnapshotEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES) throw damaged(path, `${bytes.length} bytes are no snapshot`);
  if (view.getInt16(0) !== VERSION) throw damaged(path, `its version is ${view.getInt16(0)}, not ${VERSION}`);
  if (view.getUint32(2) !== crc32c(bytes.subarray(6))) throw damaged(path, 'its CRC does not match');
  const count = view.getInt32(6);
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) throw damaged(path, `it has no room for ${count} entries`);
  const producers = new Map<number, ProducerSnapshotEntry>();
  for (let n = 0; n < count; n++) readEntry(view, HEADER_BYTES + n * ENTRY_BYTES, producers);
  return [...producers.values()];
}

function readEntry(view: DataView, at: number, producers: Map<number, ProducerSnapshotEntry>): void {
  const producerId = Number(view.getBigInt64(at));
  const producerEpoch = view.getInt16(at + 8);
  const lastTimestamp = Number(view.getBigInt64(at + 26));
  const known = producers.get(producerId);
  const earlier = known?.producerEpoch === producerEpoch ? known.batches : [];
  const batches = [...earlier, ...readBatch(view, at)];
  producers.set(producerId, { producerId, producerEpoch, lastTimestamp, batches });
}

function readBatch(view: DataView, at: number): ProducerBatch[] {
  const lastOffset = Number(view.getBigInt64(at + 14));
  if (lastOffset < 0) return [];
  const lastSequence = view.getInt32(at + 10);
  const delta = view.getInt32(at + 22);
  // Sequences go on with 0 behind the largest int32.
  const baseSequence = lastSequence >= delta ? lastSequence - delta : lastSequence - delta + LAST_SEQUENCE + 1;
  const timestamp = Number(view.getBigInt64(at + 26));
  return [{ baseSequence, lastSequence, baseOffset: lastOffset - delta, lastOffset, timestamp }];
}
