import { defineApi } from '../../schema/api';
import { f } from '../../schema/field';
import type { InputOf, MessageOf } from '../../schema/schema';

/**
 * Version 4 is the first with RecordBatch v2 and isolation levels; 5 adds the log start offset; 7 adds fetch sessions
 * (KIP-227); 9 adds the leader epoch that fences stale metadata (KIP-320); from 10 on batches may be compressed with zstd
 * (KIP-110); 11 adds racks and the preferred replica (KIP-392); 12 is flexible and finds divergence from the last fetched
 * epoch (KIP-595); 13 replaces topic names by topic ids (KIP-516); 15 moves the replica id to a tagged field (KIP-903);
 * 16 names the current leaders' addresses (KIP-951); 17 adds the follower's directory id (KIP-853) and 18 its high
 * watermark (KIP-1166).
 */
export const Fetch = defineApi({
  key: 1,
  name: 'Fetch',
  versions: '4-18',
  flexibleFrom: 12,
  request: {
    clusterId: f.string('12+').nullable('12+').default(null).tag(0),
    replicaId: f.int32('0-14').default(-1),
    replicaState: f
      .struct('15+', {
        replicaId: f.int32('0+').default(-1),
        replicaEpoch: f.int64('0+').default(-1),
      })
      .tag(1),
    maxWaitMs: f.int32('0+'),
    minBytes: f.int32('0+'),
    maxBytes: f.int32('0+').default(0x7fffffff),
    isolationLevel: f.int8('0+').default(0),
    sessionId: f.int32('7+').default(0),
    sessionEpoch: f.int32('7+').default(-1),
    topics: f.array('0+', {
      topic: f.string('0-12'),
      topicId: f.uuid('13+'),
      partitions: f.array('0+', {
        partition: f.int32('0+'),
        currentLeaderEpoch: f.int32('9+').default(-1),
        fetchOffset: f.int64('0+'),
        lastFetchedEpoch: f.int32('12+').default(-1),
        logStartOffset: f.int64('5+').default(-1),
        partitionMaxBytes: f.int32('0+'),
        replicaDirectoryId: f.uuid('17+').tag(0),
        highWatermark: f.int64('18+').default(Number.MAX_SAFE_INTEGER).tag(1),
      }),
    }),
    forgottenTopicsData: f.array('7+', {
      topic: f.string('0-12'),
      topicId: f.uuid('13+'),
      partitions: f.array('0+', 'int32'),
    }),
    rackId: f.string('11+').default(''),
  },
  response: {
    throttleTimeMs: f.int32('0+').default(0),
    errorCode: f.int16('7+'),
    sessionId: f.int32('7+').default(0),
    responses: f.array('0+', {
      topic: f.string('0-12'),
      topicId: f.uuid('13+'),
      partitions: f.array('0+', {
        partitionIndex: f.int32('0+'),
        errorCode: f.int16('0+'),
        highWatermark: f.int64('0+'),
        lastStableOffset: f.int64('0+').default(-1),
        logStartOffset: f.int64('5+').default(-1),
        divergingEpoch: f
          .struct('12+', {
            epoch: f.int32('0+').default(-1),
            endOffset: f.int64('0+').default(-1),
          })
          .tag(0),
        currentLeader: f
          .struct('12+', {
            leaderId: f.int32('0+').default(-1),
            leaderEpoch: f.int32('0+').default(-1),
          })
          .tag(1),
        snapshotId: f
          .struct('12+', {
            endOffset: f.int64('0+').default(-1),
            epoch: f.int32('0+').default(-1),
          })
          .tag(2),
        abortedTransactions: f
          .array('0+', {
            producerId: f.int64('0+'),
            firstOffset: f.int64('0+'),
          })
          .nullable('0+')
          .default(null),
        preferredReadReplica: f.int32('11+').default(-1),
        records: f.records('0+'),
      }),
    }),
    nodeEndpoints: f
      .array('16+', {
        nodeId: f.int32('0+'),
        host: f.string('0+'),
        port: f.int32('0+'),
        rack: f.string('0+').nullable('0+').default(null),
      })
      .tag(0),
  },
});

export type FetchRequest = MessageOf<typeof Fetch.request>;
export type FetchResponse = InputOf<typeof Fetch.response>;
