import { apis, type DescribeLogDirsRequest, type DescribeLogDirsResponse, ErrorCode } from '@ottla/protocol';
import type { BrokerServices, LocalPartition } from '../../services';
import { defineHandler } from '../handler';

type DirResponse = DescribeLogDirsResponse['results'][number];
type PartitionResponse = DirResponse['topics'][number]['partitions'][number];

/** The data directory of this broker: its volume, and the size of each replica's log in it. */
export const describeLogDirs = defineHandler(apis.DescribeLogDirs, {
  async handle({ body }, services) {
    const { path, failure, totalBytes, usableBytes } = await services.logDir();
    const topics = topicsOf(body, services);
    const errorCode = failure?.errorCode ?? ErrorCode.NONE;
    return { errorCode: ErrorCode.NONE, results: [{ errorCode, logDir: path, topics, totalBytes, usableBytes }] };
  },

  failure: (_request, error) => ({ errorCode: error.errorCode, results: [] }),
});

/** What isn't here is left out, as Kafka does: another broker may have it. */
function topicsOf({ topics }: DescribeLogDirsRequest, services: BrokerServices): DirResponse['topics'] {
  const wanted = topics === null ? null : new Map(topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  const byName = new Map<string, PartitionResponse[]>();
  for (const partition of services.partitions.all()) {
    if (wanted !== null && !wanted.get(partition.topic)?.has(partition.partition)) continue;
    const partitions = byName.get(partition.topic) ?? [];
    byName.set(partition.topic, partitions);
    partitions.push(described(partition));
  }
  return [...byName].map(([name, partitions]) => ({
    name,
    partitions: partitions.sort((a, b) => a.partitionIndex - b.partitionIndex),
  }));
}

function described({ partition, sizeBytes, highWatermark, logEnd }: LocalPartition): PartitionResponse {
  return {
    partitionIndex: partition,
    partitionSize: sizeBytes,
    offsetLag: Math.max(highWatermark - logEnd, 0),
    isFutureKey: false,
  };
}
