import { apis, ErrorCode, type FetchRequest, type FetchResponse, OttlaError } from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { defineHandler, type HandlerRequest } from '../handler';
import { CurrentLeaders } from '../leader';
import { FetchedPartition, type Reader } from './fetched-partition';
import { LongPoll } from './long-poll';
import { ReplicaSelection } from './replica-selection';

type TopicResponse = FetchResponse['responses'][number];

const READ_COMMITTED = 1;
const NEW_SESSION_EPOCH = 0;
const FINAL_SESSION_EPOCH = -1;

/**
 * Reads committed records. Waits until there are `minBytes` of them, woken by the appends themselves. Every request names
 * all its partitions: the session id in the answer is 0, which tells the client that there is no session (KIP-227).
 */
export const fetch = defineHandler(apis.Fetch, {
  async handle(request, services) {
    const { body } = request;
    requireNoSession(body);
    const leaders = new CurrentLeaders(services, request.connection);
    const reader = readerOf(request, services);
    const topics = body.topics.map((topic) => ({
      topic: topic.topic,
      topicId: topic.topicId,
      partitions: topic.partitions.map((asked) => new FetchedPartition(topic, asked, reader, services)),
    }));
    const partitions = topics.flatMap((topic) => topic.partitions);
    const maxBytes = Math.min(body.maxBytes, services.config['fetch.max.bytes']);
    const poll = new LongPoll(partitions, { maxBytes, minBytes: Math.min(body.minBytes, maxBytes) });
    await poll.run(Math.max(body.maxWaitMs, 0), services.clock, request.connection);
    const responses = topics.map(
      ({ topic, topicId, partitions: read }): TopicResponse => ({
        topic,
        topicId,
        partitions: read.map((partition) => partition.response(leaders)),
      }),
    );
    return { errorCode: ErrorCode.NONE, sessionId: 0, responses, nodeEndpoints: leaders.endpoints };
  },

  failure: (_request, error) => ({ errorCode: error.errorCode, sessionId: 0, responses: [] }),
});

function readerOf({ body, connection }: HandlerRequest<FetchRequest>, services: BrokerServices): Reader {
  return {
    isolation: body.isolationLevel === READ_COMMITTED ? 'read_committed' : 'read_uncommitted',
    selection: new ReplicaSelection(body.rackId, connection, services),
  };
}

function requireNoSession({ sessionId, sessionEpoch }: FetchRequest): void {
  if (sessionEpoch === NEW_SESSION_EPOCH || sessionEpoch === FINAL_SESSION_EPOCH) return;
  throw new OttlaError('FETCH_SESSION_ID_NOT_FOUND', `fetch session ${sessionId} does not exist: fetch without one`);
}
