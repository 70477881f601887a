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

  it('finds offsets', async () => {
    cluster.createTopic('a');
    const query = { topic: 'a', partition: 0 };
    expect(await client.admin.listOffset({ ...query, at: 'latest' })).toBe(0);
    expect(await client.admin.listOffset({ ...query, at: { timestamp: 5 } })).toBeNull();
  });
});
