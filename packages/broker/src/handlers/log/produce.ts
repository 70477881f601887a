import type { TopicRecord } from '@ottla/metadata';
import {
  apis,
  type BatchHeader,
  ErrorCode,
  OttlaError,
  type ProduceRequest,
  type ProduceResponse,
  toOttlaError,
} from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import { defineHandler, type HandlerRequest } from '../handler';
import { CurrentLeaders, leaderOf } from '../leader';
import { requireTopic } from '../topic-lookup';
import { isInternalTopic } from '../topics/topic-creation';
import { forwardToNext } from './forwarded-produce';
import { checkProduced, RefusedRecords } from './produced-batch';

type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number];
type Acks = 0 | 1 | -1;

/**
 * Appends one batch to each partition named. The appends of a connection begin in the order of its requests: at once where
 * this broker leads, and where it is about to lead, in the order in which they waited for it.
 */
export const produce = defineHandler(apis.Produce, {
  async handle(request, services) {
    const { body } = request;
    requireUntransactional(body);
    const acks = requireAcks(body.acks);
    const leaders = new CurrentLeaders(services, request.connection);
    const responses = body.topicData.map((data) => {
      const topic = lookUp(data, services);
      const partitionResponses = data.partitionData.map(({ index, records }) =>
        append(index, records, topic, acks, request, services, leaders),
      );
      return { name: data.name, topicId: data.topicId, partitionResponses };
    });
    const settled = await Promise.all(
      responses.map(async (topic) => ({ ...topic, partitionResponses: await Promise.all(topic.partitionResponses) })),
    );
    if (acks === 0) return unacknowledged(settled);
    return { responses: settled, nodeEndpoints: leaders.endpoints };
  },

  failure({ body }, error) {
    if (body.acks === 0) return null;
    const responses = body.topicData.map(({ name, topicId, partitionData }) => {
      return { name, topicId, partitionResponses: partitionData.map(({ index }) => refusal(index, error)) };
    });
    return { responses };
  },
});

function requireUntransactional(body: ProduceRequest): void {
  if (body.transactionalId === null) return;
  throw new OttlaError(
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    `transactional id ${body.transactionalId}: transactions are not supported, produce without a transactional id`,
  );
}

function requireAcks(acks: number): Acks {
  if (acks === 0 || acks === 1 || acks === -1) return acks;
  throw new OttlaError('INVALID_REQUIRED_ACKS', `acks is ${acks}: expected 0, 1 or -1 (all)`);
}

/** No response is expected. As Kafka, a broker that couldn't append closes the connection: the producer then looks anew. */
function unacknowledged(responses: readonly { partitionResponses: PartitionResponse[] }[]): null {
  for (const { partitionResponses } of responses) {
    const failed = partitionResponses.find((partition) => partition.errorCode !== ErrorCode.NONE);
    if (failed !== undefined) {
      throw new OttlaError('NETWORK_EXCEPTION', `a produce with acks=0 failed: ${failed.errorMessage}`);
    }
  }
  return null;
}

function lookUp(data: { name: string; topicId: string }, services: BrokerServices): TopicRecord | OttlaError {
  try {
    const topic = requireTopic(services.image(), data);
    if (!isInternalTopic(topic.name)) return topic;
    return new OttlaError('INVALID_TOPIC_EXCEPTION', `${topic.name} is internal: only the broker writes to it`);
  } catch (error) {
    return toOttlaError(error);
  }
}

async function append(
  index: number,
  records: Uint8Array | null,
  topic: TopicRecord | OttlaError,
  acks: Acks,
  request: HandlerRequest<ProduceRequest>,
  services: BrokerServices,
  leaders: CurrentLeaders,
): Promise<PartitionResponse> {
  let appending: readonly BatchHeader[] = [];
  try {
    if (topic instanceof OttlaError) throw topic;
    const leader = leaderOf(services, topic, index);
    const partition = leader instanceof Promise ? await leader : leader;
    const checked = checkProduced(records, topic, index, request.header.apiVersion, services);
    const timeoutMs = Math.max(request.body.timeoutMs, 0);
    appending = checked.headers;
    const { baseOffset, logStart } = await partition.produce(records!, checked.headers, { acks, timeoutMs });
    return {
      index,
      errorCode: ErrorCode.NONE,
      baseOffset,
      logAppendTimeMs: checked.logAppendTimeMs,
      logStartOffset: logStart,
    };
  } catch (thrown) {
    const error = expected(thrown, topic, index, services);
    const response = refusal(index, error);
    if (error.code !== 'NOT_LEADER_OR_FOLLOWER' || topic instanceof OttlaError) return response;
    const moved = { topic, index, records, acks, appending, request };
    const forwarded = await forwardToNext(moved, services);
    if (forwarded !== null && !forwarded.tells) return { ...forwarded.answer, index };
    return { ...(forwarded?.answer ?? response), index, currentLeader: leaders.of(topic.topicId, index) };
  }
}

/** A failure of one partition is that partition's; one that nobody foresaw goes to the log as well. */
function expected(
  thrown: unknown,
  topic: TopicRecord | OttlaError,
  index: number,
  services: BrokerServices,
): OttlaError {
  const error = toOttlaError(thrown);
  if (error.code === 'UNKNOWN_SERVER_ERROR') {
    const where = topic instanceof OttlaError ? `partition ${index}` : `${topic.name}-${index}`;
    const stack = thrown instanceof Error ? thrown.stack : undefined;
    services.logger.error(`produce to ${where} failed: ${error.message}`, { stack });
  }
  return error;
}

function refusal(index: number, error: OttlaError): PartitionResponse {
  return {
    index,
    errorCode: error.errorCode,
    baseOffset: -1,
    errorMessage: error.message,
    recordErrors: error instanceof RefusedRecords ? [...error.records] : [],
  };
}
