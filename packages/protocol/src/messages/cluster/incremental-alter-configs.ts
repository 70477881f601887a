import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Sets, deletes, appends to and subtracts from single overrides of a resource (KIP-339). Version 1 is flexible. */
export const IncrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: '0-1',
  flexibleFrom: 1,
  request: {
    resources: f.array('0+', {
      resourceType: f.int8('0+'),
      resourceName: f.string('0+'),
      configs: f.array('0+', {
        name: f.string('0+'),
        configOperation: f.int8('0+'),
        value: f.string('0+').nullable('0+'),
      }),
    }),
    validateOnly: f.bool('0+'),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    responses: f.array('0+', {
      errorCode: f.int16('0+'),
      errorMessage: f.string('0+').nullable('0+'),
      resourceType: f.int8('0+'),
      resourceName: f.string('0+'),
    }),
  },
});

export type IncrementalAlterConfigsRequest = MessageOf<typeof IncrementalAlterConfigs.request>;
export type IncrementalAlterConfigsResponse = InputOf<typeof IncrementalAlterConfigs.response>;
