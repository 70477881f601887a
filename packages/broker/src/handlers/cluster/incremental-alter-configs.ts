import { apis, type IncrementalAlterConfigsRequest, OttlaError } from '@ottla/protocol';
import type { ConfigChange } from '../../config/dynamic/alterations';
import { alterationRefusal, alterResources } from '../config-alteration';
import { defineHandler } from '../handler';
import { repeated } from '../repeated';

type Asked = IncrementalAlterConfigsRequest['resources'][number];
type AskedChange = Asked['configs'][number];

/** Operations, by Kafka's numbers (KIP-339). */
const OPERATIONS = ['set', 'delete', 'append', 'subtract'] as const;

/** Changes single overrides of topics and brokers. Each resource stands alone; all of its changes are made, or none. */
export const incrementalAlterConfigs = defineHandler(apis.IncrementalAlterConfigs, {
  handle: async ({ body }, services) => ({
    responses: await alterResources(body.resources, body.validateOnly, changesOf, services),
  }),

  failure: ({ body }, error) => ({ responses: body.resources.map((asked) => alterationRefusal(asked, error)) }),
});

function changesOf({ configs }: Asked): ConfigChange[] {
  const [twice] = repeated(configs.map(({ name }) => name));
  if (twice !== undefined) throw new OttlaError('INVALID_REQUEST', `${twice} is changed twice in the request`);
  return configs.map(changeOf);
}

function changeOf({ name, configOperation, value }: AskedChange): ConfigChange {
  const operation = OPERATIONS[configOperation];
  if (operation === undefined) {
    throw new OttlaError('INVALID_REQUEST', `${name}: operation ${configOperation} is unknown, expected 0 to 3`);
  }
  if (operation === 'delete') return { operation, name };
  if (value === null) {
    throw new OttlaError('INVALID_REQUEST', `${name}: a value is needed to ${operation}; to remove it, delete it`);
  }
  return { operation, name, value };
}
