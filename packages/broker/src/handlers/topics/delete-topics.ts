import {
  apis,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  ErrorCode,
  OttlaError,
  toOttlaError,
} from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { defineHandler } from '../handler';
import { repeated } from '../repeated';
import { NO_TOPIC_ID } from '../topic-lookup';
import { isInternalTopic } from './topic-creation';

type Asked = DeleteTopicsRequest['topics'][number];
type TopicResponse = DeleteTopicsResponse['responses'][number];

/** From here on topics are named in another list, by name or by id (KIP-516). */
const BY_ID_VERSION = 6;

/** Deletes topics, by name or by id. Each stands alone. */
export const deleteTopics = defineHandler(apis.DeleteTopics, {
  async handle(request, services) {
    const timeoutMs = Math.max(request.body.timeoutMs, 0);
    const topics = askedFor(request.body, request.header.apiVersion);
    const twice = repeated(topics.map(identity));
    return { responses: await Promise.all(topics.map((asked) => remove(asked, twice, timeoutMs, services))) };
  },

  failure: ({ body, header }, error) => ({
    responses: askedFor(body, header.apiVersion).map((asked) => refusal(asked, error)),
  }),
});

function askedFor(body: DeleteTopicsRequest, apiVersion: number): readonly Asked[] {
  if (apiVersion >= BY_ID_VERSION) return body.topics;
  return body.topicNames.map((name) => ({ name, topicId: NO_TOPIC_ID }));
}

async function remove(
  asked: Asked,
  twice: ReadonlySet<string>,
  timeoutMs: number,
  services: BrokerServices,
): Promise<TopicResponse> {
  try {
    requireOneName(asked, twice);
    const name = asked.name ?? services.image().topicNames.get(asked.topicId) ?? null;
    if (name !== null && isInternalTopic(name)) {
      throw new OttlaError('INVALID_TOPIC_EXCEPTION', `${name} is internal and can't be deleted`);
    }
    const reference = asked.name === null ? { topicId: asked.topicId } : { name: asked.name };
    const { topicId, name: deleted } = await services.topics.deleteTopic(reference, { timeoutMs });
    return { name: deleted, topicId, errorCode: ErrorCode.NONE, errorMessage: null };
  } catch (thrown) {
    const error = toOttlaError(thrown);
    if (error.code === 'UNKNOWN_SERVER_ERROR') {
      const which = asked.name ?? asked.topicId;
      services.logger.error(`deleting topic ${which} failed: ${error.message}`, { stack: error.stack });
    }
    return refusal(asked, error);
  }
}

function identity({ name, topicId }: Asked): string {
  return name === null ? `id ${topicId}` : `name ${name}`;
}

function requireOneName(asked: Asked, twice: ReadonlySet<string>): void {
  const named = asked.name !== null;
  if (named === (asked.topicId !== NO_TOPIC_ID)) {
    throw new OttlaError('INVALID_REQUEST', 'a topic to delete takes either a name or a topic id');
  }
  if (twice.has(identity(asked))) {
    throw new OttlaError('INVALID_REQUEST', `topic ${asked.name ?? asked.topicId} is in the request twice`);
  }
}

function refusal(asked: Asked, error: OttlaError): TopicResponse {
  return { name: asked.name, topicId: asked.topicId, errorCode: error.errorCode, errorMessage: error.message };
}
