import { apis, errorName, OttlaError } from '@ottla/protocol';
import type { AskKafka } from './kafka-request';
import type { TopicPartition } from './partitions';

/** A broker's data directory. */
export interface LogDirDescription {
  readonly broker: number;
  readonly path: string;
  /** Why it is offline; null while it works. */
  readonly error: OttlaError | null;
  /** Bytes of the volume, and those that may still be written; null when unknown. */
  readonly totalBytes: number | null;
  readonly usableBytes: number | null;
  readonly replicas: readonly LogDirReplica[];
}

export interface LogDirReplica extends TopicPartition {
  readonly sizeBytes: number;
  /** How far its end is behind the high watermark. */
  readonly offsetLag: number;
}

/** An idempotent producer as a replica knows it. */
export interface ProducerDescription {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Of its last record; -1 when none is known. */
  readonly lastSequence: number;
  /** When it last appended, ms since the Unix epoch. */
  readonly lastTimestamp: number;
}

/** A deletion of records: all before `offset`, or before the high watermark. */
export interface RecordDeletion extends TopicPartition {
  readonly before: number | 'end';
}

export interface DeletedRecords extends TopicPartition {
  /** Where the partition begins now, on all of its replicas that are in sync. */
  readonly lowWatermark: number;
}

const HIGH_WATERMARK = -1;

export async function describeLogDirs(ask: AskKafka, broker: number): Promise<LogDirDescription[]> {
  const { errorCode, results } = await ask(apis.DescribeLogDirs, { topics: null });
  throwIfError(errorCode, null, `broker ${broker}`);
  return results.map((dir) => ({
    broker,
    path: dir.logDir,
    error: dir.errorCode === 0 ? null : new OttlaError(errorName(dir.errorCode), errorName(dir.errorCode)),
    totalBytes: dir.totalBytes < 0 ? null : dir.totalBytes,
    usableBytes: dir.usableBytes < 0 ? null : dir.usableBytes,
    replicas: dir.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, partitionSize, offsetLag }) => ({
        ...{ topic: name, partition: partitionIndex, sizeBytes: partitionSize, offsetLag },
      })),
    ),
  }));
}

export async function describeProducers(
  ask: AskKafka,
  { topic, partition }: TopicPartition,
): Promise<ProducerDescription[]> {
  const { topics } = await ask(apis.DescribeProducers, { topics: [{ name: topic, partitionIndexes: [partition] }] });
  const answer = topics[0]?.partitions[0];
  if (answer === undefined) throw new OttlaError('UNKNOWN_SERVER_ERROR', 'the broker described no partition');
  throwIfError(answer.errorCode, answer.errorMessage, `${topic}-${partition}`);
  return answer.activeProducers.map(({ producerId, producerEpoch, lastSequence, lastTimestamp }) => ({
    ...{ producerId, producerEpoch, lastSequence, lastTimestamp },
  }));
}

/** The broker asked must lead the partition. */
export async function deleteRecords(
  ask: AskKafka,
  { topic, partition, before }: RecordDeletion,
  timeoutMs: number,
): Promise<DeletedRecords> {
  const offset = before === 'end' ? HIGH_WATERMARK : before;
  const partitions = [{ partitionIndex: partition, offset }];
  const { topics } = await ask(apis.DeleteRecords, { topics: [{ name: topic, partitions }], timeoutMs });
  const answer = topics[0]?.partitions[0];
  if (answer === undefined) throw new OttlaError('UNKNOWN_SERVER_ERROR', 'the broker deleted nothing');
  throwIfError(answer.errorCode, null, `${topic}-${partition}`);
  return { topic, partition, lowWatermark: answer.lowWatermark };
}

/** DeleteRecords answers without words. */
const MEANINGS: Readonly<Record<string, string>> = {
  OFFSET_OUT_OF_RANGE: 'records can be deleted up to the high watermark, and no offset is below 0',
  POLICY_VIOLATION: 'the topic keeps the last record of each key: add delete to its cleanup.policy first',
  REQUEST_TIMED_OUT: 'deleted on the leader; not all replicas have followed in time',
  INVALID_TOPIC_EXCEPTION: "records of the brokers' own topics can't be deleted",
};

function throwIfError(errorCode: number, message: string | null, what: string): void {
  if (errorCode === 0) return;
  const code = errorName(errorCode);
  throw new OttlaError(code, message ?? `${what}: ${MEANINGS[code] ?? code}`);
}
