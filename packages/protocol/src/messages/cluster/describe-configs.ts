import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** Version 1 adds synonyms and each value's source (KIP-226); 3 adds types and documentation (KIP-569); 4 is flexible. */
export const DescribeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  versions: '1-4',
  flexibleFrom: 4,
  request: {
    resources: f.array('0+', {
      resourceType: f.int8('0+'),
      resourceName: f.string('0+'),
      configurationKeys: f.array('0+', 'string').nullable('0+'),
    }),
    includeSynonyms: f.bool('0+').default(false),
    includeDocumentation: f.bool('3+').default(false),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    results: f.array('0+', {
      errorCode: f.int16('0+'),
      errorMessage: f.string('0+').nullable('0+'),
      resourceType: f.int8('0+'),
      resourceName: f.string('0+'),
      configs: f.array('0+', {
        name: f.string('0+'),
        value: f.string('0+').nullable('0+'),
        readOnly: f.bool('0+'),
        configSource: f.int8('0+').default(-1),
        isSensitive: f.bool('0+'),
        synonyms: f.array('0+', {
          name: f.string('0+'),
          value: f.string('0+').nullable('0+'),
          source: f.int8('0+'),
        }),
        configType: f.int8('3+').default(0),
        documentation: f.string('3+').nullable('0+'),
      }),
    }),
  },
});

export type DescribeConfigsRequest = MessageOf<typeof DescribeConfigs.request>;
export type DescribeConfigsResponse = InputOf<typeof DescribeConfigs.response>;
