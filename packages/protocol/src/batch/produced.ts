import { OttlaError } from '../errors';
import {
  at,
  BATCH_HEADER_BYTES,
  type BatchHeader,
  compressionOf,
  isControl,
  isLogAppendTime,
  isTransactional,
  MAGIC_V2,
  readBatchHeader,
} from './header';
import { verifyBatch, wrongMagic } from './verify';

/** What a topic allows its producers. */
export interface ProduceLimits {
  /** `max.message.bytes`: the largest batch, as it was sent. */
  readonly maxMessageBytes: number;
}

/**
 * Checks all that a broker checks of what a producer sent for one partition, without opening it: one or more whole batches
 * of format v2 whose CRC, counts and attributes hold, each within the limit. Gives their headers. Throws CORRUPT_MESSAGE,
 * INVALID_RECORD, INVALID_TIMESTAMP, INVALID_TXN_STATE, MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE or
 * UNSUPPORTED_FOR_MESSAGE_FORMAT.
 */
export function checkProducedBatches(records: Uint8Array, limits: ProduceLimits): BatchHeader[] {
  if (records.length === 0) throw invalid('nothing was sent for the partition; send at least one batch');
  const headers: BatchHeader[] = [];
  for (let offset = 0; offset < records.length; ) {
    const header = readProducedHeader(records, offset);
    checkSize(header, limits);
    verifyBatch(records, offset, header);
    checkCounts(header);
    checkAttributes(header);
    checkProducer(header);
    headers.push(header);
    offset += header.batchLength;
  }
  return headers;
}

/** The formats before v2 have shorter headers, so their magic is looked at first. */
function readProducedHeader(records: Uint8Array, offset: number): BatchHeader {
  const magic = records[offset + at.magic];
  if (magic !== undefined && magic !== MAGIC_V2) throw wrongMagic(magic, 'a produced batch');
  return readBatchHeader(records, offset);
}

function checkSize({ batchLength }: BatchHeader, { maxMessageBytes }: ProduceLimits): void {
  if (batchLength <= maxMessageBytes) return;
  const message = `a batch of ${batchLength} bytes is larger than max.message.bytes (${maxMessageBytes})`;
  throw new OttlaError('MESSAGE_TOO_LARGE', `${message}; raise it, or lower the producer's batch.size`);
}

function checkCounts({ batchLength, lastOffsetDelta, recordCount }: BatchHeader): void {
  if (recordCount < 1) throw invalid(`a batch claims ${recordCount} records; send at least one`);
  if (recordCount !== lastOffsetDelta + 1) {
    throw invalid(`a batch claims ${recordCount} records, but its last offset delta is ${lastOffsetDelta}`);
  }
  if (batchLength === BATCH_HEADER_BYTES) throw invalid(`a batch claims ${recordCount} records and has no payload`);
}

function checkAttributes(header: BatchHeader): void {
  compressionOf(header);
  if (isControl(header)) throw invalid('a batch is a control batch, which only brokers write');
  if (isLogAppendTime(header)) {
    const message = 'a batch claims LogAppendTime, which only brokers set';
    throw new OttlaError('INVALID_TIMESTAMP', `${message}; set message.timestamp.type on the topic instead`);
  }
  if (isTransactional(header)) {
    throw new OttlaError('INVALID_TXN_STATE', 'a batch is transactional; transactions are not supported');
  }
}

function checkProducer({ producerId, producerEpoch, baseSequence }: BatchHeader): void {
  if (producerId < -1) throw invalid(`producer id ${producerId} is negative`);
  if (producerId >= 0 && (producerEpoch < 0 || baseSequence < 0)) {
    throw invalid(
      `producer ${producerId} sent epoch ${producerEpoch} and sequence ${baseSequence}; both must be 0 or more`,
    );
  }
}

function invalid(message: string): OttlaError {
  return new OttlaError('INVALID_RECORD', message);
}
