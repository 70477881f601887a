import { type AlterConfigsRequest, apis, OttlaError } from '@ottla/protocol';
import { type ConfigChange, type Overrides, replacing } from '../../config/dynamic/alterations';
import { alterationRefusal, alterResources } from '../config-alteration';
import { defineHandler } from '../handler';
import { repeated } from '../repeated';

type Asked = AlterConfigsRequest['resources'][number];

/** Replaces the overrides of topics and brokers: what isn't named loses its override. Each resource stands alone. */
export const alterConfigs = defineHandler(apis.AlterConfigs, {
  handle: async ({ body }, services) => ({
    responses: await alterResources(body.resources, body.validateOnly, changesOf, services),
  }),

  failure: ({ body }, error) => ({ responses: body.resources.map((asked) => alterationRefusal(asked, error)) }),
});

function changesOf({ configs }: Asked, present: Overrides): ConfigChange[] {
  const [twice] = repeated(configs.map(({ name }) => name));
  if (twice !== undefined) throw new OttlaError('INVALID_REQUEST', `${twice} is in the request twice`);
  const wanted = new Map<string, string>();
  for (const { name, value } of configs) {
    if (value === null) {
      throw new OttlaError('INVALID_REQUEST', `${name} has no value: to remove it, leave it out of the request`);
    }
    wanted.set(name, value);
  }
  return replacing(present, wanted);
}
