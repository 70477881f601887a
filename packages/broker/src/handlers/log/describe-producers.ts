import { apis, type DescribeProducersResponse, ErrorCode, OttlaError, toOttlaError } from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { defineHandler } from '../handler';
import { requirePartition, requireTopic } from '../topic-lookup';

type PartitionResponse = DescribeProducersResponse['topics'][number]['partitions'][number];

/** Idempotent producers as a replica on this broker knows them: any replica, so that they can be compared (KIP-664). */
export const describeProducers = defineHandler(apis.DescribeProducers, {
  handle: ({ body }, services) => ({
    topics: body.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => describe(name, partition, services)),
    })),
  }),

  failure: ({ body }, error) => ({
    topics: body.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => refusal(partition, error)),
    })),
  }),
});

function describe(name: string, partitionIndex: number, services: BrokerServices): PartitionResponse {
  try {
    const topic = requireTopic(services.image(), { name });
    requirePartition(topic, partitionIndex);
    const partition = services.partitions.get(topic.topicId, partitionIndex);
    if (partition === null) {
      throw new OttlaError(
        'NOT_LEADER_OR_FOLLOWER',
        `broker ${services.self.broker} has no replica of ${name}-${partitionIndex}: ask its leader`,
      );
    }
    const activeProducers = partition.producers().map((producer) => ({
      producerId: producer.producerId,
      producerEpoch: producer.producerEpoch,
      lastSequence: producer.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: -1,
      currentTxnStartOffset: -1,
    }));
    return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers };
  } catch (thrown) {
    return refusal(partitionIndex, toOttlaError(thrown));
  }
}

function refusal(partitionIndex: number, error: OttlaError): PartitionResponse {
  return { partitionIndex, errorCode: error.errorCode, errorMessage: error.message, activeProducers: [] };
}
