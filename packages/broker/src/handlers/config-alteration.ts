import { ErrorCode, OttlaError, toOttlaError } from '@ottla/protocol';
import {
  alterBrokerConfigs,
  alterTopicConfigs,
  type ConfigChange,
  type Overrides,
} from '../config/dynamic/alterations';
import type { BrokerServices } from '../services';
import { ConfigResource, requireConfigurable } from './config-resource';
import { repeated } from './repeated';
import { requireTopicName } from './topics/topic-creation';

export interface AlteredResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** What AlterConfigs and IncrementalAlterConfigs answer for one resource. */
export interface ResourceAnswer extends AlteredResource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** Which changes a resource with these overrides is to get. May throw. */
export type ChangesOf<R> = (resource: R, present: Overrides) => readonly ConfigChange[];

/** How long one alteration may take; the requests carry no timeout of their own. */
const TIMEOUT_MS = 15_000;

/** Alters each resource by itself, or with `validateOnly` checks whether it could. */
export function alterResources<R extends AlteredResource>(
  resources: readonly R[],
  validateOnly: boolean,
  changesOf: ChangesOf<R>,
  services: BrokerServices,
): Promise<ResourceAnswer[]> {
  const twice = repeated(resources.map(identity));
  return Promise.all(
    resources.map(async (resource): Promise<ResourceAnswer> => {
      try {
        if (twice.has(identity(resource))) {
          throw new OttlaError('INVALID_REQUEST', `resource ${nameOf(resource)} is in the request twice`);
        }
        await alterResource(resource, validateOnly, (present) => changesOf(resource, present), services);
        const { resourceType, resourceName } = resource;
        return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName };
      } catch (thrown) {
        const error = toOttlaError(thrown);
        if (error.code === 'UNKNOWN_SERVER_ERROR') {
          services.logger.error(`altering ${nameOf(resource)} failed: ${error.message}`, { stack: error.stack });
        }
        return alterationRefusal(resource, error);
      }
    }),
  );
}

export function alterationRefusal({ resourceType, resourceName }: AlteredResource, error: OttlaError): ResourceAnswer {
  return { errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName };
}

async function alterResource(
  { resourceType, resourceName }: AlteredResource,
  validateOnly: boolean,
  changesOf: (present: Overrides) => readonly ConfigChange[],
  services: BrokerServices,
): Promise<void> {
  requireConfigurable(resourceType);
  const options = { timeoutMs: TIMEOUT_MS, validateOnly };
  if (resourceType === ConfigResource.TOPIC) {
    requireTopicName(resourceName);
    const edit = (present: Overrides) => alterTopicConfigs(services.config, present, changesOf(present));
    return services.configs.alterTopic(resourceName, edit, options);
  }
  const broker = brokerNamed(resourceName, services);
  const edit = (present: Overrides) => alterBrokerConfigs(services.config, broker, present, changesOf(present));
  return services.configs.alterBrokers(broker, edit, options);
}

/** Null for all brokers. Any broker alters the settings of another one too: it may be down just because of them. */
function brokerNamed(name: string, services: BrokerServices): number | null {
  if (name === '') return null;
  const image = services.image();
  const broker = /^(0|[1-9]\d{0,9})$/.test(name) ? Number(name) : -1;
  if (image.brokers.has(broker) || image.configs.has(`brokers/${name}`)) return broker;
  const known = [...image.brokers.keys()].sort((a, b) => a - b).join(', ');
  throw new OttlaError(
    'INVALID_REQUEST',
    `there is no broker ${JSON.stringify(name)}: name one of ${known}, or none for all brokers`,
  );
}

function identity({ resourceType, resourceName }: AlteredResource): string {
  return `${resourceType}/${resourceName}`;
}

function nameOf({ resourceType, resourceName }: AlteredResource): string {
  if (resourceType === ConfigResource.TOPIC) return `topic ${resourceName}`;
  if (resourceType !== ConfigResource.BROKER) return `${resourceType}/${resourceName}`;
  return resourceName === '' ? 'all brokers' : `broker ${resourceName}`;
}
