import { apis, ErrorCode, OttlaError } from '@ottla/protocol';
import type { PartitionRecord } from '@ottla/replication';
import { ask } from '../support/ask';
import { FakeCluster } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';

const REFUSED = new OttlaError('INVALID_REPLICA_ASSIGNMENT', 't-1: broker 9 is not registered');

function cluster(): FakeServices {
  const fake = new FakeCluster([1, 2, 3]);
  fake.addTopic('t', [1, 2, 3]);
  fake.addTopic('u', [1]);
  return fakeServices({ cluster: fake });
}

describe('AlterPartitionReassignments', () => {
  const topics = [
    {
      name: 't',
      partitions: [
        { partitionIndex: 0, replicas: [2, 3] },
        { partitionIndex: 1, replicas: [9] },
      ],
    },
    { name: 'u', partitions: [{ partitionIndex: 0, replicas: null }] },
  ];

  it.each([0, 1])('version %i: begins and cancels; each partition has its own result', async (version) => {
    const services = cluster();
    services.cluster.partitionErrors.set('t-1', REFUSED);
    const response = await ask(apis.AlterPartitionReassignments, version, { topics, timeoutMs: 500 }, services);
    expect(services.cluster.reassigned).toEqual([
      {
        requests: [
          { topic: 't', partition: 0, replicas: [2, 3] },
          { topic: 't', partition: 1, replicas: [9] },
          { topic: 'u', partition: 0, replicas: null },
        ],
        options: { timeoutMs: 500, allowReplicationFactorChange: true },
      },
    ]);
    const done = { errorCode: 0, errorMessage: null };
    expect(response).toMatchObject({ ...done, allowReplicationFactorChange: true });
    const refused = { errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT, errorMessage: REFUSED.message };
    expect(response.responses).toEqual([
      {
        name: 't',
        partitions: [
          { partitionIndex: 0, ...done },
          { partitionIndex: 1, ...refused },
        ],
      },
      { name: 'u', partitions: [{ partitionIndex: 0, ...done }] },
    ]);
  });

  it('version 1 passes on that the number of replicas must not change, and says so in the answer', async () => {
    const services = cluster();
    const body = { topics, allowReplicationFactorChange: false };
    const response = await ask(apis.AlterPartitionReassignments, 1, body, services);
    expect(services.cluster.reassigned[0]!.options).toEqual({ timeoutMs: 60_000, allowReplicationFactorChange: false });
    expect(response.allowReplicationFactorChange).toBe(false);
  });

  it('a partition that is named twice is refused; the others are reassigned', async () => {
    const services = cluster();
    const response = await ask(apis.AlterPartitionReassignments, 1, { topics: [...topics, topics[1]!] }, services);
    expect(services.cluster.reassigned[0]!.requests.map(({ topic }) => topic)).toEqual(['t', 't']);
    const codes = response.responses.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    expect(codes).toEqual([[0, 0], [ErrorCode.INVALID_REQUEST], [ErrorCode.INVALID_REQUEST]]);
  });

  it('a failure that nobody foresaw is logged', async () => {
    const services = cluster();
    services.cluster.partitionErrors.set('u-0', new OttlaError('UNKNOWN_SERVER_ERROR', 'surprise'));
    await ask(apis.AlterPartitionReassignments, 1, { topics }, services);
    expect(services.logger.matching(/reassigning u-0 failed: surprise/)).toHaveLength(1);
  });
});

describe('ListPartitionReassignments', () => {
  function reassigning(): FakeServices {
    const services = cluster();
    const { cluster: fake } = services;
    const { topicId } = fake.image.topics.get('t')!.value;
    const change = (partition: number, over: Partial<PartitionRecord>): void => {
      const partitions = new Map(fake.image.partitions.get(topicId));
      const known = partitions.get(partition)!;
      partitions.set(partition, { ...known, value: { ...known.value, ...over } });
      fake.change({ partitions: new Map(fake.image.partitions).set(topicId, partitions) });
    };
    change(1, { replicas: [4, 2, 3], adding: [4], removing: [3], original: [2, 3] });
    change(2, { replicas: [1, 2, 3], removing: [3], original: [1, 2, 3] });
    return services;
  }

  const first = { partitionIndex: 1, replicas: [4, 2, 3], addingReplicas: [4], removingReplicas: [3] };
  const second = { partitionIndex: 2, replicas: [1, 2, 3], addingReplicas: [], removingReplicas: [3] };

  it.each([
    ['all', null, [{ name: 't', partitions: [first, second] }]],
    [
      'some, of which one is not reassigned, one asked for twice and some do not exist',
      [
        { name: 't', partitionIndexes: [0, 2, 2, 7] },
        { name: 'u', partitionIndexes: [0] },
        { name: 'no', partitionIndexes: [0] },
      ],
      [{ name: 't', partitions: [second] }],
    ],
    ['none', [], []],
  ])('%s: those under way', async (_name, topics, expected) => {
    const response = await ask(apis.ListPartitionReassignments, 0, { topics }, reassigning());
    expect(response).toMatchObject({ errorCode: 0, errorMessage: null });
    expect(response.topics).toEqual(expected);
  });
});

describe('ElectLeaders', () => {
  const topicPartitions = [{ topic: 't', partitions: [0, 1, 1] }];

  it.each([
    [0, 0, 'preferred'],
    [1, 0, 'preferred'],
    [2, 0, 'preferred'],
    [1, 1, 'unclean'],
    [2, 1, 'unclean'],
  ] as const)('version %i, type %i: elects; each partition has its own result', async (version, type, kind) => {
    const services = cluster();
    const error = new OttlaError('ELECTION_NOT_NEEDED', 't-1: broker 2 leads it already');
    services.cluster.partitionErrors.set('t-1', error);
    const body = { ...(version === 0 ? {} : { electionType: type }), topicPartitions };
    const response = await ask(apis.ElectLeaders, version, body, services);
    const partitions = [0, 1].map((partition) => ({ topic: 't', partition }));
    expect(services.cluster.elections).toEqual([{ kind, partitions }]);
    expect(response.errorCode).toBe(0);
    expect(response.replicaElectionResults).toEqual([
      {
        topic: 't',
        partitionResult: [
          { partitionId: 0, errorCode: 0, errorMessage: null },
          { partitionId: 1, errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage: error.message },
        ],
      },
    ]);
  });

  it('of all partitions: tells of those where there was something to do', async () => {
    const services = cluster();
    const response = await ask(apis.ElectLeaders, 2, { electionType: 0, topicPartitions: null }, services);
    expect(services.cluster.elections).toEqual([{ kind: 'preferred', partitions: null }]);
    expect(response.replicaElectionResults.map(({ topic }) => topic)).toEqual(['t', 'u']);
  });

  it('an unknown type is refused as a whole, and each partition with it', async () => {
    const services = cluster();
    const response = await ask(apis.ElectLeaders, 2, { electionType: 2, topicPartitions }, services);
    expect(response.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    const [topic] = response.replicaElectionResults;
    expect(topic!.partitionResult.map(({ errorCode }) => errorCode)).toEqual([42, 42]);
    expect(topic!.partitionResult[0]!.errorMessage).toMatch(/0 is preferred, 1 unclean/);
    expect(services.cluster.elections).toEqual([]);
  });
});
