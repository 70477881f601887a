import { apis, ErrorCode, OttlaError, readBatchHeader } from '@ottla/protocol';
import { ask } from '../support/ask';
import { batchOf } from '../support/batches';
import { FakeCluster } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';

const LATEST = apis.ListOffsets.maxVersion;

/** Three records at 1000, 2000 and 3000 ms; the last is above the high watermark. */
async function log(): Promise<FakeServices> {
  const services = fakeServices();
  services.cluster.addTopic('t');
  const partition = services.cluster.partition('t');
  partition.commitAtOnce = false;
  for (const timestamp of [1000, 2000, 3000]) {
    const batch = batchOf(['a'], { timestamp });
    await partition.produce(batch, [readBatchHeader(batch)], { acks: 0, timeoutMs: 0 });
  }
  partition.commit(2);
  partition.leaderEpoch = 4;
  partition.epochs = [
    { epoch: 2, startOffset: 0 },
    { epoch: 4, startOffset: 1 },
  ];
  return services;
}

async function list(
  services: FakeServices,
  timestamp: number,
  version = LATEST,
  over: { currentLeaderEpoch?: number } = {},
) {
  const body = {
    replicaId: -1,
    isolationLevel: 0,
    timeoutMs: 0,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp, ...over }] }],
  };
  const { topics } = await ask(apis.ListOffsets, version, body, services);
  const { errorCode, offset, timestamp: found, leaderEpoch } = topics[0]!.partitions[0]!;
  return [errorCode, offset, found, leaderEpoch];
}

describe('ListOffsets', () => {
  it.each([
    ['latest', -1, [0, 2, -1, 4]],
    ['earliest', -2, [0, 0, -1, 2]],
    ['the largest timestamp, which is above the high watermark', -3, [0, -1, -1, -1]],
    ['earliest local: the earliest, without tiered storage', -4, [0, 0, -1, 2]],
    ['latest tiered: none, without tiered storage', -5, [0, -1, -1, -1]],
    ['a time before the first record', 0, [0, 0, 1000, 2]],
    ['the time of a record', 2000, [0, 1, 2000, 4]],
    ['a time between two records', 1001, [0, 1, 2000, 4]],
    ['a time that only a record above the high watermark has', 2500, [0, -1, -1, -1]],
    ['a time after all records', 9999, [0, -1, -1, -1]],
    ['a number that means nothing', -6, [ErrorCode.UNSUPPORTED_VERSION, -1, -1, -1]],
  ])('%s', async (_, timestamp, expected) => {
    expect(await list(await log(), timestamp)).toEqual(expected);
  });

  it('the largest timestamp, all committed: its record', async () => {
    const services = await log();
    services.cluster.partition('t').commit(3);
    expect(await list(services, -3)).toEqual([0, 2, 3000, 4]);
  });

  it('an empty log: the earliest is its start, of no epoch', async () => {
    const services = fakeServices();
    services.cluster.addTopic('t');
    expect(await list(services, -2)).toEqual([0, 0, -1, -1]);
  });

  it.each([
    [-3, 6],
    [-4, 7],
    [-5, 8],
  ])('%i in version %i, before there was such a thing: UNSUPPORTED_VERSION', async (timestamp, version) => {
    expect((await list(await log(), timestamp, version))[0]).toBe(ErrorCode.UNSUPPORTED_VERSION);
  });

  it.each([
    [-1, 4, ErrorCode.LEADER_NOT_AVAILABLE],
    [-1, 5, ErrorCode.OFFSET_NOT_AVAILABLE],
    [9999, 5, ErrorCode.OFFSET_NOT_AVAILABLE],
    [-2, 5, ErrorCode.NONE],
  ])(
    'a new leader whose epoch start is not committed, %i in version %i: error %i',
    async (timestamp, version, errorCode) => {
      const services = await log();
      services.cluster.partition('t').latestError = new OttlaError('OFFSET_NOT_AVAILABLE', 'not yet');
      expect((await list(services, timestamp, version))[0]).toBe(errorCode);
    },
  );

  it.each([
    [3, ErrorCode.FENCED_LEADER_EPOCH],
    [4, ErrorCode.NONE],
    [5, ErrorCode.UNKNOWN_LEADER_EPOCH],
    [-1, ErrorCode.NONE],
  ])('leader epoch %i against 4: error %i', async (currentLeaderEpoch, errorCode) => {
    expect((await list(await log(), -1, LATEST, { currentLeaderEpoch }))[0]).toBe(errorCode);
  });

  it('good and bad partitions together: each has its own result', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    services.cluster.addTopic('t', [1, 2, 1, 1]);
    const partitions = [0, 1, 2, 2, 9].map((partitionIndex) => ({ partitionIndex, timestamp: -1 }));
    const topics = [
      { name: 't', partitions },
      { name: 'u', partitions: [{ partitionIndex: 0, timestamp: -1 }] },
    ];
    const body = { replicaId: -1, isolationLevel: 0, topics, timeoutMs: 0 };
    const response = await ask(apis.ListOffsets, LATEST, body, services);
    expect(response.topics.map((topic) => topic.partitions.map((partition) => partition.errorCode))).toEqual([
      [
        0,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_REQUEST,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ],
      [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
  });
});

describe('OffsetForLeaderEpoch', () => {
  it.each([
    ['an epoch that ended', { leaderEpoch: 2 }, [0, 2, 1]],
    ['an epoch between two', { leaderEpoch: 3 }, [0, 2, 1]],
    ['the current epoch', { leaderEpoch: 4 }, [0, 4, 3]],
    ['an epoch before all', { leaderEpoch: 1 }, [0, -1, -1]],
    ['an older current epoch', { leaderEpoch: 2, currentLeaderEpoch: 3 }, [ErrorCode.FENCED_LEADER_EPOCH, -1, -1]],
    ['a later current epoch', { leaderEpoch: 2, currentLeaderEpoch: 9 }, [ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1]],
    ['an unknown partition', { leaderEpoch: 2, partition: 3 }, [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1]],
  ])('%s', async (_, asked, expected) => {
    const services = await log();
    const body = { replicaId: -1, topics: [{ topic: 't', partitions: [{ partition: 0, ...asked }] }] };
    const { topics } = await ask(apis.OffsetForLeaderEpoch, 4, body, services);
    const { errorCode, leaderEpoch, endOffset } = topics[0]!.partitions[0]!;
    expect([errorCode, leaderEpoch, endOffset]).toEqual(expected);
  });
});
