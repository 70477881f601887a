import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/** KIP-183. Version 1 can elect uncleanly and has a top-level error (KIP-460); 2 is flexible. */
export const ElectLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexibleFrom: 2,
  request: {
    electionType: f.int8('1+'),
    topicPartitions: f
      .array('0+', {
        topic: f.string('0+'),
        partitions: f.array('0+', 'int32'),
      })
      .nullable('0+'),
    timeoutMs: f.int32('0+').default(60000),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    errorCode: f.int16('1+'),
    replicaElectionResults: f.array('0+', {
      topic: f.string('0+'),
      partitionResult: f.array('0+', {
        partitionId: f.int32('0+'),
        errorCode: f.int16('0+'),
        errorMessage: f.string('0+').nullable('0+'),
      }),
    }),
  },
});

export type ElectLeadersRequest = MessageOf<typeof ElectLeaders.request>;
export type ElectLeadersResponse = InputOf<typeof ElectLeaders.response>;
