import type { TopicRecord } from '@ottla/metadata';
import {
  type BatchHeader,
  checkProducedBatches,
  compressionOf,
  decodeBatch,
  OttlaError,
  setLogAppendTime,
  toOttlaError,
} from '@ottla/protocol';
import { type TopicConfig, topicConfig } from '../../config/topic-settings';
import type { BrokerServices } from '../../services';

/** From this version of Produce on batches may be compressed with zstd (KIP-110). */
const ZSTD_VERSION = 7;
/** Record errors listed for one partition. */
const MAX_RECORD_ERRORS = 100;

/** Records that the topic doesn't take, by their index in the batch. */
export class RefusedRecords extends OttlaError {
  constructor(
    message: string,
    readonly records: readonly { readonly batchIndex: number; readonly batchIndexErrorMessage: string }[],
  ) {
    super('INVALID_RECORD', message);
  }
}

export interface CheckedBatch {
  readonly headers: BatchHeader[];
  /** The timestamp given to the records by this broker; -1 when they keep the producer's. */
  readonly logAppendTimeMs: number;
}

/**
 * Checks what a producer sent for one partition against the topic's settings, and with LogAppendTime sets the timestamp in
 * place. Throws an OttlaError that names the limit, the value, and the setting to change.
 */
export function checkProduced(
  records: Uint8Array | null,
  topic: TopicRecord,
  partition: number,
  apiVersion: number,
  services: BrokerServices,
): CheckedBatch {
  const config = topicConfig(services.config, topic.configs);
  const name = `${topic.name}-${partition}`;
  if (records === null || records.length === 0) {
    throw new OttlaError('INVALID_RECORD', `${name}: the request holds no record batch; send exactly one`);
  }
  const headers = checkBatches(records, config, name);
  if (headers.length !== 1) {
    throw new OttlaError(
      'INVALID_RECORD',
      `${name}: the request holds ${headers.length} record batches; send exactly one`,
    );
  }
  const header = headers[0]!;
  requireServed(header, name, apiVersion);
  if (config['cleanup.policy'].includes('compact')) requireKeys(records, header, name, services);
  if (config['message.timestamp.type'] === 'LogAppendTime') {
    const now = services.clock.wall();
    setLogAppendTime(records, 0, now);
    header.maxTimestamp = now;
    return { headers, logAppendTimeMs: now };
  }
  requireTimestamp(header, name, config, services);
  return { headers, logAppendTimeMs: -1 };
}

function checkBatches(records: Uint8Array, config: TopicConfig, name: string): BatchHeader[] {
  try {
    return checkProducedBatches(records, { maxMessageBytes: config['max.message.bytes'] });
  } catch (thrown) {
    const error = toOttlaError(thrown);
    throw new OttlaError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}

function requireServed(header: BatchHeader, name: string, apiVersion: number): void {
  if (compressionOf(header) === 'zstd' && apiVersion < ZSTD_VERSION) {
    throw new OttlaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `${name}: zstd takes version ${ZSTD_VERSION} of Produce or later, the request is of version ${apiVersion}`,
    );
  }
}

function requireTimestamp(header: BatchHeader, name: string, config: TopicConfig, services: BrokerServices): void {
  const afterMax = config['message.timestamp.after.max.ms'];
  const ahead = header.maxTimestamp - services.clock.wall();
  if (ahead <= afterMax) return;
  throw new OttlaError(
    'INVALID_TIMESTAMP',
    `${name}: timestamp ${header.maxTimestamp} is ${ahead} ms ahead of the broker's clock, message.timestamp.after.max.ms allows ${afterMax}`,
  );
}

/** Opens the batch: a compacted topic has no place for records without a key. */
function requireKeys(records: Uint8Array, header: BatchHeader, name: string, services: BrokerServices): void {
  const decompress = services.codecs.decompress.bind(services.codecs);
  const refused: { batchIndex: number; batchIndexErrorMessage: string }[] = [];
  for (const [batchIndex, record] of decodeBatch(records, 0, header, decompress).entries()) {
    if (record.key !== null || refused.length >= MAX_RECORD_ERRORS) continue;
    refused.push({ batchIndex, batchIndexErrorMessage: `${name} is compacted and takes no record without a key` });
  }
  if (refused.length === 0) return;
  throw new RefusedRecords(`${name} is compacted (cleanup.policy) and takes no record without a key`, refused);
}
