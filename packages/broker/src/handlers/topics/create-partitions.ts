import {
  apis,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  ErrorCode,
  OttlaError,
  toOttlaError,
} from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { defineHandler } from '../handler';
import { repeated } from '../repeated';

type Asked = CreatePartitionsRequest['topics'][number];
type TopicResponse = CreatePartitionsResponse['results'][number];

/** Gives topics more partitions. Each topic stands alone. */
export const createPartitions = defineHandler(apis.CreatePartitions, {
  async handle({ body }, services) {
    const names = repeated(body.topics.map((topic) => topic.name));
    const results = body.topics.map((asked) => {
      const twice = names.has(asked.name);
      return grow(asked, twice, body, services);
    });
    return { results: await Promise.all(results) };
  },

  failure: ({ body }, error) => ({ results: body.topics.map(({ name }) => refusal(name, error)) }),
});

async function grow(
  asked: Asked,
  twice: boolean,
  { timeoutMs, validateOnly }: CreatePartitionsRequest,
  services: BrokerServices,
): Promise<TopicResponse> {
  const { name, count } = asked;
  try {
    if (twice) throw new OttlaError('INVALID_REQUEST', `topic ${name} is in the request twice`);
    const assignments = asked.assignments?.map(({ brokerIds }) => brokerIds);
    const request = assignments === undefined ? { name, count } : { name, count, assignments };
    await services.topics.createPartitions(request, { timeoutMs: Math.max(timeoutMs, 0), validateOnly });
    return { name, errorCode: ErrorCode.NONE, errorMessage: null };
  } catch (thrown) {
    const error = toOttlaError(thrown);
    if (error.code === 'UNKNOWN_SERVER_ERROR') {
      services.logger.error(`adding partitions to ${name} failed: ${error.message}`, { stack: error.stack });
    }
    return refusal(name, error);
  }
}

function refusal(name: string, error: OttlaError): TopicResponse {
  return { name, errorCode: error.errorCode, errorMessage: error.message };
}
