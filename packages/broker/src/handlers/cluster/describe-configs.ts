import {
  apis,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
  ErrorCode,
  OttlaError,
  toOttlaError,
} from '@ottla/protocol';
import type { BrokerServices } from '../../services';
import {
  type ConfigEntry,
  describeBrokerConfigs,
  describeClusterConfigs,
  describeTopicConfigs,
} from '../config-entries';
import { ConfigResource, requireConfigurable } from '../config-resource';
import { defineHandler } from '../handler';
import { requireTopic } from '../topic-lookup';
import { requireTopicName } from '../topics/topic-creation';

type Asked = DescribeConfigsRequest['resources'][number];
type ResourceResponse = DescribeConfigsResponse['results'][number];

/** Settings of topics, of this broker, and of all brokers: effective values and where they come from. */
export const describeConfigs = defineHandler(apis.DescribeConfigs, {
  handle: ({ body }, services) => ({ results: body.resources.map((asked) => describe(asked, body, services)) }),

  failure: ({ body }, error) => ({ results: body.resources.map((asked) => refusal(asked, error)) }),
});

function describe(asked: Asked, body: DescribeConfigsRequest, services: BrokerServices): ResourceResponse {
  try {
    const entries = entriesOf(asked, services);
    const keys = asked.configurationKeys === null ? null : new Set(asked.configurationKeys);
    const configs = entries.filter((entry) => keys === null || keys.has(entry.name));
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      resourceType: asked.resourceType,
      resourceName: asked.resourceName,
      configs: configs.map((entry) => ({
        ...entry,
        synonyms: body.includeSynonyms ? entry.synonyms : [],
        documentation: body.includeDocumentation ? entry.documentation : null,
      })),
    };
  } catch (error) {
    return refusal(asked, toOttlaError(error));
  }
}

function entriesOf({ resourceType, resourceName }: Asked, services: BrokerServices): ConfigEntry[] {
  if (resourceType === ConfigResource.TOPIC) {
    requireTopicName(resourceName);
    const topic = requireTopic(services.image(), { name: resourceName });
    return describeTopicConfigs(services.config, topic.configs);
  }
  requireConfigurable(resourceType);
  if (resourceName === '') return describeClusterConfigs(services.config);
  const { broker } = services.self;
  if (resourceName === String(broker)) return describeBrokerConfigs(services.config);
  throw new OttlaError('INVALID_REQUEST', `this is broker ${broker}: ask broker ${resourceName} for its own configs`);
}

function refusal(asked: Asked, error: OttlaError): ResourceResponse {
  const { resourceType, resourceName } = asked;
  return { errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName, configs: [] };
}
