import { apis, type DeleteRecordsRequest, ErrorCode, OttlaError, toOttlaError } from '@ottla/protocol';
import { topicConfig } from '../../config/topic-settings';
import type { BrokerServices } from '../../services';
import { defineHandler } from '../handler';
import { leaderOf } from '../leader';
import { repeated } from '../repeated';
import { requireTopic } from '../topic-lookup';
import { isInternalTopic } from '../topics/topic-creation';

type Asked = DeleteRecordsRequest['topics'][number]['partitions'][number];

/**
 * Moves the log start of partitions, and answers each when all replicas in sync or connected have followed: no consumer
 * finds the records any more, whoever leads next.
 */
export const deleteRecords = defineHandler(apis.DeleteRecords, {
  async handle({ body }, services) {
    const timeoutMs = Math.max(body.timeoutMs, 0);
    const topics = body.topics.map(async ({ name, partitions }) => {
      const twice = repeated(partitions.map(({ partitionIndex }) => partitionIndex));
      const answers = partitions.map((asked) => answer(name, asked, twice, timeoutMs, services));
      return { name, partitions: await Promise.all(answers) };
    });
    return { topics: await Promise.all(topics) };
  },

  failure: ({ body }, error) => ({
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => refusal(partitionIndex, error)),
    })),
  }),
});

async function answer(
  name: string,
  asked: Asked,
  twice: ReadonlySet<number>,
  timeoutMs: number,
  services: BrokerServices,
) {
  const { partitionIndex } = asked;
  try {
    if (twice.has(partitionIndex)) {
      throw new OttlaError('INVALID_REQUEST', `partition ${partitionIndex} of ${name} is in the request twice`);
    }
    const lowWatermark = await remove(name, asked, timeoutMs, services);
    return { partitionIndex, lowWatermark, errorCode: ErrorCode.NONE };
  } catch (thrown) {
    const error = toOttlaError(thrown);
    // The answer has no room for words.
    const level = error.code === 'UNKNOWN_SERVER_ERROR' ? 'error' : 'debug';
    services.logger[level](`deleting records of ${name}-${partitionIndex} failed: ${error.message}`, {
      stack: error.stack,
    });
    return refusal(partitionIndex, error);
  }
}

async function remove(name: string, asked: Asked, timeoutMs: number, services: BrokerServices): Promise<number> {
  if (isInternalTopic(name)) {
    throw new OttlaError('INVALID_TOPIC_EXCEPTION', `${name} is internal: its records are not deleted on demand`);
  }
  const topic = requireTopic(services.image(), { name });
  const partition = await leaderOf(services, topic, asked.partitionIndex);
  const policy = topicConfig(services.config, topic.configs)['cleanup.policy'];
  if (!policy.includes('delete')) {
    throw new OttlaError(
      'POLICY_VIOLATION',
      `${name} keeps the last record of each key (cleanup.policy is ${policy.join(',')}): add delete to its cleanup.policy first`,
    );
  }
  return (await partition.deleteRecords(asked.offset, timeoutMs)).lowWatermark;
}

function refusal(partitionIndex: number, error: OttlaError) {
  return { partitionIndex, lowWatermark: -1, errorCode: error.errorCode };
}
