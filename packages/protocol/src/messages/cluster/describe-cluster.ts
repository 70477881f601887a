import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';
import { AUTHORIZED_OPERATIONS_OMITTED } from './metadata';

/** Version 1 adds the endpoint type, 1 for brokers and 2 for controllers (KIP-919); 2 adds fenced brokers (KIP-1073). */
export const DescribeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2',
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: f.bool('0+'),
    endpointType: f.int8('1+').default(1),
    includeFencedBrokers: f.bool('2+'),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    errorCode: f.int16('0+'),
    errorMessage: f.string('0+').nullable('0+').default(null),
    endpointType: f.int8('1+').default(1),
    clusterId: f.string('0+'),
    controllerId: f.int32('0+').default(-1),
    brokers: f.array('0+', {
      brokerId: f.int32('0+'),
      host: f.string('0+'),
      port: f.int32('0+'),
      rack: f.string('0+').nullable('0+').default(null),
      isFenced: f.bool('2+'),
    }),
    clusterAuthorizedOperations: f.int32('0+').default(AUTHORIZED_OPERATIONS_OMITTED),
  },
});

export type DescribeClusterRequest = MessageOf<typeof DescribeCluster.request>;
export type DescribeClusterResponse = InputOf<typeof DescribeCluster.response>;
