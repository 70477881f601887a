import { type AnyApi, apis, ErrorCode, OttlaError } from '@ottla/protocol';
import { defineHandler, type Handler } from '../handler';

/** From here on the client names its software. */
const SOFTWARE_VERSION = 3;
const SOFTWARE = /^[a-zA-Z0-9]([a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/** Which APIs are served in which versions, computed from what is registered. No features are finalized. */
export function apiVersions(served: () => readonly AnyApi[]): Handler {
  return defineHandler(apis.ApiVersions, {
    handle(request) {
      const { clientSoftwareName, clientSoftwareVersion } = request.body;
      if (request.header.apiVersion >= SOFTWARE_VERSION) {
        if (!SOFTWARE.test(clientSoftwareName) || !SOFTWARE.test(clientSoftwareVersion)) {
          const given = JSON.stringify([clientSoftwareName, clientSoftwareVersion]);
          throw new OttlaError('INVALID_REQUEST', `${given} is no client software name and version`);
        }
      }
      return { errorCode: ErrorCode.NONE, apiKeys: apiKeysOf(served()) };
    },

    failure: (_request, error) => ({ errorCode: error.errorCode, apiKeys: [] }),
  });
}

/** The versions of each API, as ApiVersions says them. */
export function apiKeysOf(served: readonly AnyApi[]): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return served.map((api) => ({
    apiKey: api.key,
    minVersion: api.advertisedMinVersion,
    maxVersion: api.maxVersion,
  }));
}
