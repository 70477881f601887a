import { apis } from '@ottla/protocol';
import { type ClusterClient, connect } from '../src';
import { FakeCluster } from './fake-cluster';

let cluster: FakeCluster;
let client: ClusterClient;

beforeEach(async () => {
  cluster = await FakeCluster.start(3);
  client = await connect({ bootstrap: cluster.bootstrap });
});

afterEach(async () => {
  client.close();
  await cluster.close();
});

describe('connect', () => {
  it.each([
    ['', /names no broker/],
    ['localhost', /"localhost" is not an address: give it as host:port/],
    ['localhost:0', /is not an address/],
    ['localhost:70000', /is not an address/],
    ['a:1,b', /"b" is not an address/],
    ['::1:9092', /is not an address/],
  ])('bootstrap %j is refused', async (bootstrap, message) => {
    await expect(connect({ bootstrap })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(message),
    });
  });

  it('one broker of those given is enough', async () => {
    const bootstrap = ['127.0.0.1:1', ...cluster.bootstrap.split(',')];
    const other = await connect({ bootstrap });
    expect(other.clusterId).toBe('fake');
    other.close();
  });

  it('nobody there: tried until the connect timeout, then an error that names the addresses', async () => {
    await expect(connect({ bootstrap: '127.0.0.1:1', connectTimeoutMs: 100 })).rejects.toMatchObject({
      code: 'NETWORK_EXCEPTION',
      message: expect.stringMatching(/no broker could be reached \(127\.0\.0\.1:1: .*check that the cluster is up/),
    });
  });

  it('an aborted signal ends the attempts with its reason', async () => {
    const abort = new AbortController();
    const connecting = connect({ bootstrap: '127.0.0.1:1', signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
  });

  it('a broker that answers is found after others died', async () => {
    await cluster.killBroker(1);
    await cluster.killBroker(2);
    expect(await client.admin.listTopics()).toEqual([]);
  });

  it('a closed client makes no more producers or consumers', () => {
    client.close();
    expect(() => client.producer()).toThrow(/the client is closed/);
    expect(() => client.consumer({ partitions: [] })).toThrow(/the client is closed/);
  });
});

describe('admin', () => {
  it('creates, lists and deletes topics', async () => {
    const created = await client.admin.createTopic({ name: 'b', partitions: 2, configs: { 'retention.ms': '1' } });
    expect(created).toMatchObject({ name: 'b', topicId: 'id-of-b', partitions: 2 });
    cluster.createTopic('a');
    cluster.createTopic('__internal');
    const names = async (internal: boolean): Promise<string[]> =>
      (await client.admin.listTopics({ internal })).map(({ name }) => name);
    expect(await names(false)).toEqual(['a', 'b']);
    expect(await names(true)).toEqual(['__internal', 'a', 'b']);
    await client.admin.deleteTopic('b');
    expect(await names(false)).toEqual(['a']);
  });

  it('a topic that exists, or does not, is an error with its code and words', async () => {
    cluster.createTopic('a');
    await expect(client.admin.createTopic({ name: 'a' })).rejects.toMatchObject({
      code: 'TOPIC_ALREADY_EXISTS',
      message: 'topic a exists',
    });
    const missing = {
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      message: expect.stringMatching(/topic nowhere doesn't exist/),
    };
    await expect(client.admin.deleteTopic('nowhere')).rejects.toMatchObject(missing);
    await expect(client.admin.describeTopic('nowhere')).rejects.toMatchObject(missing);
  });

  it('describes each replica by what its own broker tells, and by its leader when that is down', async () => {
    cluster.createTopic('a', 1, { 'min.insync.replicas': '2' });
    await cluster.killBroker(3);
    const description = await client.admin.describeTopic('a');
    expect(description).toMatchObject({ name: 'a', topicId: 'id-of-a', configs: { 'min.insync.replicas': '2' } });
    expect(description.partitions).toMatchObject([
      {
        partition: 0,
        leader: 1,
        leaderEpoch: 0,
        isr: [1, 2, 3],
        replicas: [
          { broker: 1, inSync: true, online: true, logStartOffset: 0, logEndOffset: 0, highWatermark: 0 },
          { broker: 2, inSync: true, online: true, logStartOffset: 0, logEndOffset: 0, highWatermark: 0 },
          { broker: 3, inSync: true, online: false, logStartOffset: null, logEndOffset: 7, highWatermark: null },
        ],
      },
    ]);
  });

  it('describes the cluster', async () => {
    expect(await client.admin.describeCluster()).toEqual({
      clusterId: 'fake',
      controllerId: 1,
      controllerEpoch: 4,
      brokers: [],
    });
  });

  it('reassigns and cancels: each partition has its own result, in the order asked for', async () => {
    const asked: unknown[] = [];
    cluster.kafkaAnswers.set('AlterPartitionReassignments', (body) => {
      asked.push(body);
      const partition = (partitionIndex: number, errorCode = 0, errorMessage: string | null = null) => {
        return { partitionIndex, errorCode, errorMessage };
      };
      const responses = [
        { name: 'b', partitions: [partition(0, 85)] },
        { name: 'a', partitions: [partition(1), partition(0, 39, 'broker 9 is not registered')] },
      ];
      return { errorCode: 0, errorMessage: null, responses };
    });
    const results = await client.admin.reassign([
      { topic: 'a', partition: 0, replicas: [9] },
      { topic: 'b', partition: 0, replicas: null },
      { topic: 'a', partition: 1, replicas: [2, 1] },
    ]);
    expect(asked).toMatchObject([
      {
        timeoutMs: 30_000,
        topics: [
          {
            name: 'a',
            partitions: [
              { partitionIndex: 0, replicas: [9] },
              { partitionIndex: 1, replicas: [2, 1] },
            ],
          },
          { name: 'b', partitions: [{ partitionIndex: 0, replicas: null }] },
        ],
      },
    ]);
    expect(results.map(({ topic, partition, error }) => [topic, partition, error?.code, error?.message])).toEqual([
      ['a', 0, 'INVALID_REPLICA_ASSIGNMENT', 'broker 9 is not registered'],
      ['b', 0, 'NO_REASSIGNMENT_IN_PROGRESS', 'NO_REASSIGNMENT_IN_PROGRESS'],
      ['a', 1, undefined, undefined],
    ]);
  });

  it('lists reassignments in the order of topics and partitions', async () => {
    const partition = (partitionIndex: number) => {
      return { partitionIndex, replicas: [3, 1], addingReplicas: [3], removingReplicas: [1] };
    };
    const topics = [
      { name: 'b', partitions: [partition(0)] },
      { name: 'a', partitions: [partition(2), partition(1)] },
    ];
    cluster.kafkaAnswers.set('ListPartitionReassignments', () => ({ errorCode: 0, errorMessage: null, topics }));
    const reassignments = await client.admin.listReassignments();
    expect(reassignments.map(({ topic, partition: id }) => `${topic}-${id}`)).toEqual(['a-1', 'a-2', 'b-0']);
    expect(reassignments[0]).toMatchObject({ replicas: [3, 1], adding: [3], removing: [1] });
  });

  it('elects leaders; a request that is refused as a whole rejects', async () => {
    const error = { errorCode: 84, errorMessage: 'a-0: broker 1 leads it already' };
    cluster.kafkaAnswers.set('ElectLeaders', (body) => {
      const { electionType } = body as { electionType: number };
      const partitionResult = [{ partitionId: 0, ...error }];
      return { errorCode: electionType === 1 ? 31 : 0, replicaElectionResults: [{ topic: 'a', partitionResult }] };
    });
    const [result] = await client.admin.electLeaders('preferred', [{ topic: 'a', partition: 0 }]);
    expect(result).toMatchObject({ topic: 'a', partition: 0, error: { code: 'ELECTION_NOT_NEEDED' } });
    const refused = client.admin.electLeaders('unclean', null);
    await expect(refused).rejects.toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' });
  });

  it('puts any request of the Kafka protocol, to the broker named or to any', async () => {
    cluster.kafkaAnswers.set('ListGroups', (_body, broker) => {
      return { errorCode: 0, groups: [{ groupId: `of broker ${broker}`, protocolType: '' }] };
    });
    const { groups } = await client.admin.kafka(apis.ListGroups, {}, { broker: 2 });
    expect(groups.map(({ groupId }) => groupId)).toEqual(['of broker 2']);
    expect((await client.admin.kafka(apis.ListGroups, {})).groups).toHaveLength(1);
    await expect(client.admin.kafka(apis.DescribeLogDirs, { topics: null })).rejects.toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    });
  });

  it('finds offsets', async () => {
    cluster.createTopic('a');
    const query = { topic: 'a', partition: 0 };
    expect(await client.admin.listOffset({ ...query, at: 'latest' })).toBe(0);
    expect(await client.admin.listOffset({ ...query, at: { timestamp: 5 } })).toBeNull();
  });
});
