import {
  apis,
  ErrorCode,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  OttlaError,
  toOttlaError,
} from '@ottla/protocol';
import type { BrokerServices, LocalPartition, TimestampedOffset } from '../../services';
import { defineHandler } from '../handler';
import { leaderOf, requireEpoch } from '../leader';
import { repeated } from '../repeated';
import { requireTopic } from '../topic-lookup';

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number];
type PartitionResponse = ListOffsetsResponse['topics'][number]['partitions'][number];

/** Timestamps that ask for a place in the log instead of a time. */
const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;

/** The version of ListOffsets that each of them came with. */
const SINCE: Readonly<Record<number, number>> = {
  [LATEST]: 0,
  [EARLIEST]: 0,
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
};

/** From here on a leader that can't name its latest offset yet says OFFSET_NOT_AVAILABLE (KIP-207). */
const OFFSET_NOT_AVAILABLE_VERSION = 5;
const READ_COMMITTED = 1;
const NOT_FOUND: TimestampedOffset = { offset: -1, timestamp: -1, leaderEpoch: -1 };

/** Offsets by their place in the log or by time, among the records that this client may read. */
export const listOffsets = defineHandler(apis.ListOffsets, {
  async handle({ body, header }, services) {
    const committed = body.isolationLevel === READ_COMMITTED;
    const topics = body.topics.map(async ({ name, partitions }) => {
      const twice = repeated(partitions.map(({ partitionIndex }) => partitionIndex));
      const answers = partitions.map((asked) => list(name, asked, twice, committed, header.apiVersion, services));
      return { name, partitions: await Promise.all(answers) };
    });
    return { topics: await Promise.all(topics) };
  },

  failure: ({ body }, error) => ({
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: error.errorCode })),
    })),
  }),
});

async function list(
  name: string,
  asked: Asked,
  twice: ReadonlySet<number>,
  committed: boolean,
  apiVersion: number,
  services: BrokerServices,
): Promise<PartitionResponse> {
  const { partitionIndex } = asked;
  try {
    if (twice.has(partitionIndex)) {
      throw new OttlaError('INVALID_REQUEST', `partition ${partitionIndex} is asked for twice`);
    }
    const topic = requireTopic(services.image(), { name });
    const partition = await leaderOf(services, topic, partitionIndex);
    requireEpoch(partition, asked.currentLeaderEpoch);
    requireKnown(asked.timestamp, apiVersion);
    const found = await find(asked.timestamp, partition, committed);
    return { partitionIndex, errorCode: ErrorCode.NONE, ...found };
  } catch (thrown) {
    const error = toOttlaError(thrown);
    if (error.code === 'UNKNOWN_SERVER_ERROR') {
      services.logger.error(`looking up an offset of ${name}-${partitionIndex} failed: ${error.message}`, {
        stack: error.stack,
      });
    }
    const early = error.code === 'OFFSET_NOT_AVAILABLE' && apiVersion < OFFSET_NOT_AVAILABLE_VERSION;
    return { partitionIndex, errorCode: early ? ErrorCode.LEADER_NOT_AVAILABLE : error.errorCode };
  }
}

function requireKnown(timestamp: number, apiVersion: number): void {
  if (timestamp >= 0 || (SINCE[timestamp] ?? Number.POSITIVE_INFINITY) <= apiVersion) return;
  throw new OttlaError('UNSUPPORTED_VERSION', `timestamp ${timestamp} means nothing in version ${apiVersion}`);
}

async function find(timestamp: number, partition: LocalPartition, committed: boolean): Promise<TimestampedOffset> {
  switch (timestamp) {
    case LATEST: {
      const readable = partition.latestReadable();
      const offset = committed ? Math.min(readable, partition.lastStableOffset) : readable;
      return { offset, timestamp: -1, leaderEpoch: partition.leaderEpoch };
    }
    // Without tiered storage all that there is is local.
    case EARLIEST:
    case EARLIEST_LOCAL: {
      const offset = partition.logStart;
      return { offset, timestamp: -1, leaderEpoch: offset < partition.logEnd ? partition.epochAt(offset) : -1 };
    }
    case LATEST_TIERED:
      return NOT_FOUND;
    case MAX_TIMESTAMP:
      return readable(await partition.maxTimestamp(), partition, committed);
    default:
      return readable(await partition.offsetForTimestamp(timestamp), partition, committed);
  }
}

/** What lies above the readable end isn't told; a leader that doesn't know that end yet says so instead (KIP-207). */
function readable(found: TimestampedOffset | null, partition: LocalPartition, committed: boolean): TimestampedOffset {
  const end = committed ? partition.lastStableOffset : partition.highWatermark;
  if (found !== null && found.offset >= 0 && found.offset < end) return found;
  partition.latestReadable();
  return NOT_FOUND;
}
