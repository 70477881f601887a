import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 1 adds the throttle time; 3 is flexible and names the client's software (KIP-511) and the cluster's features
 * (KIP-584); 4 lets a feature's lowest version be 0.
 *
 * The response's header never is flexible, so that a client reads the answer to any version; a request in a version that
 * isn't served is answered with UNSUPPORTED_VERSION in version 0.
 */
export const ApiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexibleFrom: 3,
  request: {
    clientSoftwareName: f.string('3+'),
    clientSoftwareVersion: f.string('3+'),
  },
  response: {
    errorCode: f.int16('0+'),
    apiKeys: f.array('0+', {
      apiKey: f.int16('0+'),
      minVersion: f.int16('0+'),
      maxVersion: f.int16('0+'),
    }),
    throttleTimeMs: f.int32('1+').default(0),
    supportedFeatures: f
      .array('3+', {
        name: f.string('0+'),
        minVersion: f.int16('0+'),
        maxVersion: f.int16('0+'),
      })
      .tag(0),
    finalizedFeaturesEpoch: f.int64('3+').default(-1).tag(1),
    finalizedFeatures: f
      .array('3+', {
        name: f.string('0+'),
        maxVersionLevel: f.int16('0+'),
        minVersionLevel: f.int16('0+'),
      })
      .tag(2),
    zkMigrationReady: f.bool('3+').default(false).tag(3),
  },
});

export type ApiVersionsRequest = MessageOf<typeof ApiVersions.request>;
export type ApiVersionsResponse = InputOf<typeof ApiVersions.response>;
