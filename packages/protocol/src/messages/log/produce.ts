import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 3 is the first with RecordBatch v2 and the transactional id; 5 adds the log start offset to the response; from
 * 7 on batches may be compressed with zstd (KIP-110); 8 adds errors by record and the error message (KIP-467); 9 is
 * flexible; 10 names the current leader (KIP-951); 11 and 12 allow further transactional errors (KIP-890); 13 replaces
 * topic names by topic ids (KIP-516).
 *
 * Versions 0 to 2 aren't served, but librdkafka takes their absence from ApiVersions as a broker without compression,
 * so they are advertised there.
 */
export const Produce = defineApi({
  key: 0,
  name: 'Produce',
  versions: '3-13',
  advertisedMinVersion: 0,
  flexibleFrom: 9,
  request: {
    transactionalId: f.string('0+').nullable('0+').default(null),
    acks: f.int16('0+'),
    timeoutMs: f.int32('0+'),
    topicData: f.array('0+', {
      name: f.string('0-12'),
      topicId: f.uuid('13+'),
      partitionData: f.array('0+', {
        index: f.int32('0+'),
        records: f.records('0+'),
      }),
    }),
  },
  response: {
    responses: f.array('0+', {
      name: f.string('0-12'),
      topicId: f.uuid('13+'),
      partitionResponses: f.array('0+', {
        index: f.int32('0+'),
        errorCode: f.int16('0+'),
        baseOffset: f.int64('0+'),
        logAppendTimeMs: f.int64('0+').default(-1),
        logStartOffset: f.int64('5+').default(-1),
        recordErrors: f.array('8+', {
          batchIndex: f.int32('0+'),
          batchIndexErrorMessage: f.string('0+').nullable('0+').default(null),
        }),
        errorMessage: f.string('8+').nullable('8+').default(null),
        currentLeader: f
          .struct('10+', {
            leaderId: f.int32('0+').default(-1),
            leaderEpoch: f.int32('0+').default(-1),
          })
          .tag(0),
      }),
    }),
    throttleTimeMs: f.int32('0+').default(0),
    nodeEndpoints: f
      .array('10+', {
        nodeId: f.int32('0+'),
        host: f.string('0+'),
        port: f.int32('0+'),
        rack: f.string('0+').nullable('0+').default(null),
      })
      .tag(0),
  },
});

export type ProduceRequest = MessageOf<typeof Produce.request>;
export type ProduceResponse = InputOf<typeof Produce.response>;
