import { apis, ErrorCode, OttlaError } from '@ottla/protocol';
import { ask } from '../support/ask';
import { batchOf } from '../support/batches';
import { FakeCluster } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';

async function withRecords(configs: Record<string, string> = {}): Promise<FakeServices> {
  const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
  services.cluster.addTopic('t', [1, 2], { configs });
  const topicData = [{ name: 't', partitionData: [{ index: 0, records: batchOf(['a', 'b', 'c', 'd']) }] }];
  await ask(apis.Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData }, services);
  return services;
}

describe('DeleteRecords', () => {
  async function remove(services: FakeServices, name: string, partitionIndex: number, offset: number, version = 2) {
    const topics = [{ name, partitions: [{ partitionIndex, offset }] }];
    const answer = await ask(apis.DeleteRecords, version, { topics, timeoutMs: 1000 }, services);
    expect(answer.topics[0]!.name).toBe(name);
    return answer.topics[0]!.partitions[0]!;
  }

  it.each([
    ['an offset', 3, 3],
    ['-1, the high watermark', -1, 4],
    ['the start as it is', 0, 0],
  ])('%s: the log begins there, and the answer says so', async (_, offset, start) => {
    for (const version of [0, 1, 2]) {
      const services = await withRecords();
      const answer = await remove(services, 't', 0, offset, version);
      expect(answer).toEqual({ partitionIndex: 0, lowWatermark: start, errorCode: 0 });
      expect(services.cluster.partition('t').logStart).toBe(start);
    }
  });

  it.each([
    ['behind the high watermark', 't', 0, 5, 'OFFSET_OUT_OF_RANGE'],
    ['a negative offset', 't', 0, -2, 'OFFSET_OUT_OF_RANGE'],
    ['a partition led elsewhere', 't', 1, 0, 'NOT_LEADER_OR_FOLLOWER'],
    ['no such partition', 't', 2, 0, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['no such topic', 'u', 0, 0, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['an internal topic', '__consumer_offsets', 0, 0, 'INVALID_TOPIC_EXCEPTION'],
  ] as const)('%s: is refused, and nothing is deleted', async (_, name, partition, offset, code) => {
    const services = await withRecords();
    const answer = await remove(services, name, partition, offset);
    expect(answer).toEqual({ partitionIndex: partition, lowWatermark: -1, errorCode: ErrorCode[code] });
    expect(services.cluster.partition('t').logStart).toBe(0);
  });

  it('a topic that is compacted only: POLICY_VIOLATION, and the log says what to do', async () => {
    const services = await withRecords();
    services.cluster.addTopic('c', [1], { configs: { 'cleanup.policy': 'compact' } });
    expect((await remove(services, 'c', 0, 0)).errorCode).toBe(ErrorCode.POLICY_VIOLATION);
    expect(services.logger.matching(/add delete to its cleanup\.policy/)).toHaveLength(1);
  });

  it('a partition twice: both are refused', async () => {
    const services = await withRecords();
    const partitions = [1, 2].map((offset) => ({ partitionIndex: 0, offset }));
    const body = { topics: [{ name: 't', partitions }], timeoutMs: 1000 };
    const answer = await ask(apis.DeleteRecords, 2, body, services);
    expect(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REQUEST,
    ]);
    expect(services.cluster.partition('t').logStart).toBe(0);
  });
});

describe('DescribeProducers', () => {
  async function describeProducers(services: FakeServices, name: string, partition: number) {
    const body = { topics: [{ name, partitionIndexes: [partition] }] };
    return (await ask(apis.DescribeProducers, 0, body, services)).topics[0]!.partitions[0]!;
  }

  it('idempotent producers: their epoch, last sequence and last timestamp', async () => {
    const services = await withRecords();
    const partition = services.cluster.partition('t');
    const header = { ...partition.batches[0]!.header, producerId: 7, producerEpoch: 2, baseSequence: 5 };
    partition.batches.push({ header, bytes: new Uint8Array(1) });
    expect(await describeProducers(services, 't', 0)).toEqual({
      partitionIndex: 0,
      errorCode: 0,
      errorMessage: null,
      activeProducers: [
        {
          producerId: 7,
          producerEpoch: 2,
          lastSequence: 8,
          lastTimestamp: header.maxTimestamp,
          coordinatorEpoch: -1,
          currentTxnStartOffset: -1,
        },
      ],
    });
  });

  it('a follower: knows them too', async () => {
    const services = await withRecords();
    services.cluster.partition('t').isLeader = false;
    expect(await describeProducers(services, 't', 0)).toMatchObject({ errorCode: 0, activeProducers: [] });
  });

  it.each([
    ['no replica here', 't', 1, 'NOT_LEADER_OR_FOLLOWER', /has no replica of t-1/],
    ['no such partition', 't', 9, 'UNKNOWN_TOPIC_OR_PARTITION', /partitions 0 to 1/],
    ['no such topic', 'u', 0, 'UNKNOWN_TOPIC_OR_PARTITION', /no topic u/],
  ] as const)('%s: is refused with words', async (_, name, partition, code, message) => {
    const answer = await describeProducers(await withRecords(), name, partition);
    expect(answer).toMatchObject({ errorCode: ErrorCode[code], activeProducers: [] });
    expect(answer.errorMessage).toMatch(message);
  });
});

describe('DescribeLogDirs', () => {
  const describeDirs = async (
    services: FakeServices,
    topics: { topic: string; partitions: number[] }[] | null,
    version = 4,
  ) => ask(apis.DescribeLogDirs, version, { topics }, services);

  it('all topics: every replica here with its size, and the volume', async () => {
    const services = await withRecords();
    const { sizeBytes } = services.cluster.partition('t');
    expect(sizeBytes).toBeGreaterThan(0);
    expect((await describeDirs(services, null)).results).toEqual([
      {
        errorCode: 0,
        logDir: '/data',
        topics: [
          {
            name: 't',
            partitions: [{ partitionIndex: 0, partitionSize: sizeBytes, offsetLag: 0, isFutureKey: false }],
          },
        ],
        totalBytes: 100,
        usableBytes: 60,
      },
    ]);
  });

  it.each([1, 2, 3, 4])('version %i, some partitions: those that are here, the others left out', async (version) => {
    const services = await withRecords();
    services.cluster.addTopic('u', [1, 1]);
    const asked = [
      { topic: 'u', partitions: [1] },
      { topic: 't', partitions: [1] },
      { topic: 'v', partitions: [0] },
    ];
    const [dir] = (await describeDirs(services, asked, version)).results;
    expect(dir!.topics.map(({ name, partitions }) => [name, partitions.map((one) => one.partitionIndex)])).toEqual([
      ['u', [1]],
    ]);
  });

  it('a directory that is offline: says so', async () => {
    const failure = new OttlaError('KAFKA_STORAGE_ERROR', 'gone');
    const logDir = async () => ({ path: '/data', failure, totalBytes: -1, usableBytes: -1 });
    const { results } = await describeDirs(fakeServices({ logDir }), null);
    expect(results).toMatchObject([{ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, totalBytes: -1 }]);
  });

  it('a volume that cannot be looked at: the request fails with the reason', async () => {
    const logDir = () => Promise.reject(new OttlaError('KAFKA_STORAGE_ERROR', 'stat failed'));
    const answer = await describeDirs(fakeServices({ logDir }), null);
    expect(answer).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, results: [] });
  });
});
