import { type BatchHeader, encodeBatch, lastOffset, readBatchHeader, stampBatch } from '@ottla/protocol';
import { type CompressionName, ManualClock, nodeCodecs, silentLogger } from '@ottla/runtime';
import { defaultLogConfig, type LogConfig, type PartitionLog, type PartitionLogOptions } from '../src';

export const TOPIC_ID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
export const NOW = 1_700_000_000_000;

export interface BatchSpec {
  records?: number;
  epoch?: number;
  timestamp?: number;
  /** Timestamp of each record. */
  timestamps?: number[];
  /** Bytes of each value. */
  valueBytes?: number;
  producerId?: number;
  producerEpoch?: number;
  sequence?: number;
  compression?: CompressionName;
}

export function makeBatch(baseOffset: number, spec: BatchSpec = {}): { bytes: Uint8Array; header: BatchHeader } {
  const { records = 1, timestamp = NOW, valueBytes = 10, epoch = 0, compression = 'none' } = spec;
  const timestamps = spec.timestamps ?? Array.from({ length: records }, () => timestamp);
  const bytes = encodeBatch({
    records: timestamps.map((at, n) => ({
      timestamp: at,
      key: null,
      value: Buffer.alloc(valueBytes, `${baseOffset + n} `),
    })),
    ...(spec.producerId === undefined
      ? {}
      : { producerId: spec.producerId, producerEpoch: spec.producerEpoch ?? 0, baseSequence: spec.sequence ?? 0 }),
    ...(compression === 'none'
      ? {}
      : { compression: { name: compression, compress: (payload) => nodeCodecs.compress(compression, payload) } }),
  });
  stampBatch(bytes, 0, baseOffset, epoch);
  return { bytes, header: readBatchHeader(bytes, 0) };
}

/** Several batches, one behind the other. */
export function makeBatches(baseOffset: number, specs: BatchSpec[]): { bytes: Uint8Array; headers: BatchHeader[] } {
  const parts: Uint8Array[] = [];
  const headers: BatchHeader[] = [];
  let next = baseOffset;
  for (const spec of specs) {
    const { bytes, header } = makeBatch(next, spec);
    parts.push(bytes);
    headers.push(header);
    next = lastOffset(header) + 1;
  }
  return { bytes: Buffer.concat(parts), headers };
}

/** Appends one batch at the log's end. */
export async function append(log: PartitionLog, spec: BatchSpec = {}): Promise<BatchHeader> {
  const { bytes, header } = makeBatch(log.logEnd, spec);
  await log.append(bytes, [header]);
  return header;
}

/** The headers in what a read gave. */
export function headersOf(chunks: readonly Uint8Array[]): BatchHeader[] {
  const bytes = Buffer.concat(chunks);
  const headers: BatchHeader[] = [];
  for (let at = 0; at < bytes.length; at += headers.at(-1)!.batchLength) headers.push(readBatchHeader(bytes, at));
  return headers;
}

/** Every batch from `from` on, by reads of `maxBytes`. */
export async function readAll(log: PartitionLog, from = log.logStart, maxBytes = 1 << 20): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let next = from; next < log.logEnd; ) {
    const result = await log.read(next, { maxBytes, upTo: Number.MAX_SAFE_INTEGER, atLeastOne: true });
    if (result.endOffset <= next) throw new Error(`no progress at ${next}`);
    parts.push(...result.chunks);
    next = result.endOffset;
  }
  return Buffer.concat(parts);
}

export const smallSegments: LogConfig = { ...defaultLogConfig, segmentBytes: 1000, indexIntervalBytes: 150 };

export function options(
  change: Partial<PartitionLogOptions> & Pick<PartitionLogOptions, 'disk'>,
): PartitionLogOptions & { clock: ManualClock } {
  return {
    clock: new ManualClock({ wall: NOW }),
    logger: silentLogger,
    dir: '/data/orders-0',
    topic: 'orders',
    topicId: TOPIC_ID,
    partition: 0,
    config: defaultLogConfig,
    cleanShutdown: false,
    recoveryPoint: 0,
    logStart: 0,
    producerExpirationMs: 86_400_000,
    ...change,
  } as PartitionLogOptions & { clock: ManualClock };
}
