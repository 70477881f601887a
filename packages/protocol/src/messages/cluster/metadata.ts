import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** An `authorizedOperations` field that wasn't asked for. */
export const AUTHORIZED_OPERATIONS_OMITTED = -2147483648;

/**
 * In version 0 an empty list of topics means all of them; from 1 on null does, and an empty list means none. Version 1
 * adds racks, the controller and internal topics; 2 the cluster id; 3 the throttle time; 4 lets the client forbid
 * auto-creation; 5 adds offline replicas; 7 the leader epoch (KIP-320); 8 authorized operations (KIP-430); 9 is flexible;
 * 10 adds topic ids (KIP-516), which can be asked for from 12 on; 11 leaves the cluster's authorized operations to
 * DescribeCluster (KIP-700); 13 adds a top-level error, REBOOTSTRAP_REQUIRED (KIP-1102).
 */
export const Metadata = defineApi({
  key: 3,
  name: 'Metadata',
  versions: '0-13',
  flexibleFrom: 9,
  request: {
    topics: f
      .array('0+', {
        topicId: f.uuid('10+'),
        name: f.string('0+').nullable('10+'),
      })
      .nullable('1+'),
    allowAutoTopicCreation: f.bool('4+').default(true),
    includeClusterAuthorizedOperations: f.bool('8-10'),
    includeTopicAuthorizedOperations: f.bool('8+'),
  },
  response: {
    throttleTimeMs: f.int32('3+').default(0),
    brokers: f.array('0+', {
      nodeId: f.int32('0+'),
      host: f.string('0+'),
      port: f.int32('0+'),
      rack: f.string('1+').nullable('1+').default(null),
    }),
    clusterId: f.string('2+').nullable('2+').default(null),
    controllerId: f.int32('1+').default(-1),
    topics: f.array('0+', {
      errorCode: f.int16('0+'),
      name: f.string('0+').nullable('12+'),
      topicId: f.uuid('10+'),
      isInternal: f.bool('1+').default(false),
      partitions: f.array('0+', {
        errorCode: f.int16('0+'),
        partitionIndex: f.int32('0+'),
        leaderId: f.int32('0+'),
        leaderEpoch: f.int32('7+').default(-1),
        replicaNodes: f.array('0+', 'int32'),
        isrNodes: f.array('0+', 'int32'),
        offlineReplicas: f.array('5+', 'int32'),
      }),
      topicAuthorizedOperations: f.int32('8+').default(AUTHORIZED_OPERATIONS_OMITTED),
    }),
    clusterAuthorizedOperations: f.int32('8-10').default(AUTHORIZED_OPERATIONS_OMITTED),
    errorCode: f.int16('13+'),
  },
});

export type MetadataRequest = MessageOf<typeof Metadata.request>;
export type MetadataResponse = InputOf<typeof Metadata.response>;
