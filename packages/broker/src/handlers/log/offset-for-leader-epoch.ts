import {
  apis,
  ErrorCode,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
  toOttlaError,
} from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { defineHandler } from '../handler';
import { requireEpoch, requireLeader } from '../leader';
import { requireTopic } from '../topic-lookup';

type Asked = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];
type PartitionResponse = OffsetForLeaderEpochResponse['topics'][number]['partitions'][number];

/** Where leader epochs ended: clients find out with it whether what they read has been truncated (KIP-320). */
export const offsetForLeaderEpoch = defineHandler(apis.OffsetForLeaderEpoch, {
  handle: ({ body }, services) => ({
    topics: body.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((asked) => endOf(topic, asked, services)),
    })),
  }),

  failure: ({ body }, error) => ({
    topics: body.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, errorCode: error.errorCode })),
    })),
  }),
});

function endOf(name: string, asked: Asked, services: BrokerServices): PartitionResponse {
  const { partition } = asked;
  try {
    const local = requireLeader(services, requireTopic(services.image(), { name }), partition);
    requireEpoch(local, asked.currentLeaderEpoch);
    const { epoch, endOffset } = local.endOffsetForEpoch(asked.leaderEpoch);
    return { partition, errorCode: ErrorCode.NONE, leaderEpoch: epoch, endOffset };
  } catch (error) {
    return { partition, errorCode: toOttlaError(error).errorCode };
  }
}
