import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Replaces all overrides of a resource; superseded by IncrementalAlterConfigs (KIP-339). Version 2 is flexible. */
export const AlterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  versions: '0-2',
  flexibleFrom: 2,
  request: {
    resources: f.array('0+', {
      resourceType: f.int8('0+'),
      resourceName: f.string('0+'),
      configs: f.array('0+', {
        name: f.string('0+'),
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

export type AlterConfigsRequest = MessageOf<typeof AlterConfigs.request>;
export type AlterConfigsResponse = InputOf<typeof AlterConfigs.response>;
