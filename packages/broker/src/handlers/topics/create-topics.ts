import type { CreateTopicRequest } from '@ottla/controller';
import {
  apis,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  ErrorCode,
  OttlaError,
  toOttlaError,
} from '@ottla/protocol';
import { checkTopicConfigs } from '../../config/topic-settings';
import type { BrokerServices } from '../../services';
import { describeTopicConfigs } from '../config-entries';
import { defineHandler } from '../handler';
import { repeated } from '../repeated';
import { grownReplicationFactor, isInternalTopic, requireTopicName } from './topic-creation';

type Asked = CreateTopicsRequest['topics'][number];
type TopicResponse = CreateTopicsResponse['topics'][number];

const DEFAULT = -1;
/** From here on the number of partitions and replicas may be left to the broker (KIP-464). */
const DEFAULTS_VERSION = 4;

/** Creates topics, or with `validateOnly` checks whether it could. Each topic stands alone. */
export const createTopics = defineHandler(apis.CreateTopics, {
  async handle({ body, header }, services) {
    const names = repeated(body.topics.map((topic) => topic.name));
    const topics = body.topics.map((asked) => {
      const twice = names.has(asked.name);
      return create(asked, twice, body, header.apiVersion, services);
    });
    return { topics: await Promise.all(topics) };
  },

  failure: ({ body }, error) => ({ topics: body.topics.map(({ name }) => refusal(name, error)) }),
});

async function create(
  asked: Asked,
  twice: boolean,
  body: CreateTopicsRequest,
  apiVersion: number,
  services: BrokerServices,
): Promise<TopicResponse> {
  try {
    if (twice) throw new OttlaError('INVALID_REQUEST', `topic ${asked.name} is in the request twice`);
    const timeoutMs = Math.max(body.timeoutMs, 0);
    const request = await wanted(asked, apiVersion, timeoutMs, services);
    const created = await services.topics.createTopic(request, { timeoutMs, validateOnly: body.validateOnly });
    return {
      name: asked.name,
      topicId: created.topic.topicId,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      numPartitions: created.topic.partitions,
      replicationFactor: created.replicationFactor,
      configs: describeTopicConfigs(services.config, created.topic.configs).map((entry) => ({
        name: entry.name,
        value: entry.value,
        readOnly: entry.readOnly,
        configSource: entry.configSource,
        isSensitive: entry.isSensitive,
      })),
    };
  } catch (thrown) {
    const error = toOttlaError(thrown);
    if (error.code === 'UNKNOWN_SERVER_ERROR') {
      services.logger.error(`creating topic ${asked.name} failed: ${error.message}`, { stack: error.stack });
    }
    return refusal(asked.name, error);
  }
}

async function wanted(
  asked: Asked,
  apiVersion: number,
  timeoutMs: number,
  services: BrokerServices,
): Promise<CreateTopicRequest> {
  const { name, numPartitions, replicationFactor } = asked;
  requireTopicName(name);
  const assignments = new Map(asked.assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]));
  if (assignments.size < asked.assignments.length) {
    throw new OttlaError('INVALID_REPLICA_ASSIGNMENT', `topic ${name}: a partition is assigned twice`);
  }
  if (assignments.size === 0 && apiVersion < DEFAULTS_VERSION) requireNumbers(asked);
  const configs = checkTopicConfigs(asked.configs.map((config) => [config.name, config.value]));
  const base = { name, partitions: numPartitions, configs, internal: isInternalTopic(name) };
  if (assignments.size > 0) return { ...base, replicationFactor, assignments };
  if (replicationFactor !== DEFAULT) return { ...base, replicationFactor };
  const wish = services.config['default.replication.factor'];
  return { ...base, replicationFactor: await grownReplicationFactor(services, wish, timeoutMs) };
}

function requireNumbers({ name, numPartitions, replicationFactor }: Asked): void {
  if (numPartitions === DEFAULT) {
    throw new OttlaError(
      'INVALID_PARTITIONS',
      `topic ${name}: version ${DEFAULTS_VERSION} of CreateTopics knows defaults`,
    );
  }
  if (replicationFactor === DEFAULT) {
    const message = `topic ${name}: version ${DEFAULTS_VERSION} of CreateTopics knows defaults`;
    throw new OttlaError('INVALID_REPLICATION_FACTOR', message);
  }
}

function refusal(name: string, error: OttlaError): TopicResponse {
  // This client asked for a number of replicas, not for a leader.
  const code = error.code === 'LEADER_NOT_AVAILABLE' ? ErrorCode.INVALID_REPLICATION_FACTOR : error.errorCode;
  return { name, errorCode: code, errorMessage: error.message, configs: null };
}
