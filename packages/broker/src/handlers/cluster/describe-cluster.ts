import { apis, ErrorCode, OttlaError } from '@ottla/protocol';
import { advertisedEndpoint } from '../advertised';
import { AUTHORIZED_OPERATIONS } from '../authorized-operations';
import { defineHandler } from '../handler';
import { knownBrokers } from '../known-brokers';

const BROKERS = 1;

/** The brokers and the controller. */
export const describeCluster = defineHandler(apis.DescribeCluster, {
  handle({ body, connection }, services) {
    if (body.endpointType !== BROKERS) {
      const message = `endpoint type ${body.endpointType} was asked of a broker: only brokers (${BROKERS}) are listed here`;
      throw new OttlaError('MISMATCHED_ENDPOINT_TYPE', message);
    }
    const image = services.image();
    const brokers = [...knownBrokers(services, image).values()].flatMap((registration) => {
      const address = advertisedEndpoint(registration, image, services, connection);
      return address === null ? [] : [{ brokerId: registration.broker, ...address, rack: registration.rack }];
    });
    return {
      errorCode: ErrorCode.NONE,
      endpointType: BROKERS,
      clusterId: services.clusterId,
      controllerId: image.controller?.value.broker ?? -1,
      brokers: brokers.sort((a, b) => a.brokerId - b.brokerId),
      ...(body.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: AUTHORIZED_OPERATIONS.cluster }),
    };
  },

  failure: ({ body }, error) => ({
    errorCode: error.errorCode,
    errorMessage: error.message,
    endpointType: body.endpointType,
    clusterId: '',
    brokers: [],
  }),
});
