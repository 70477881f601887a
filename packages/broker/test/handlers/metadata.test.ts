import { apis, ErrorCode, type InputOf, OttlaError } from '@ottla/protocol';
import { rememberBrokers } from '../../src/handlers/known-brokers';
import { ask, FakeConnection } from '../support/ask';
import { eventually } from '../support/eventually';
import { FakeCluster, registration, topicIdOf } from '../support/fake-cluster';
import { fakeServices } from '../support/fake-services';

type Body = InputOf<typeof apis.Metadata.request>;

const LATEST = apis.Metadata.maxVersion;
const names = (...topics: string[]): Body => ({ topics: topics.map((name) => ({ name })) });

describe('Metadata', () => {
  it('three brokers: all with their addresses, the cluster id and the controller', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2, 3]) });
    const response = await ask(apis.Metadata, LATEST, names(), services);
    expect(response.brokers).toEqual([
      { nodeId: 1, host: '10.0.0.1', port: 9091, rack: null },
      { nodeId: 2, host: '10.0.0.2', port: 9092, rack: null },
      { nodeId: 3, host: '10.0.0.3', port: 9093, rack: null },
    ]);
    expect([response.clusterId, response.controllerId]).toEqual(['test-cluster', 1]);
  });

  it('a topic: its id, leaders, epochs, replicas, ISR', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    const topic = services.cluster.addTopic('t', [1, 2]);
    services.cluster.setLeader(topic, 1, 2, 7);
    const { topics } = await ask(apis.Metadata, LATEST, names('t'), services);
    expect(topics).toEqual([
      expect.objectContaining({ errorCode: 0, name: 't', topicId: topicIdOf(1), isInternal: false }),
    ]);
    expect(topics[0]!.topicAuthorizedOperations).toBe(-2147483648);
    expect(topics[0]!.partitions).toEqual([
      {
        errorCode: 0,
        partitionIndex: 0,
        leaderId: 1,
        leaderEpoch: 0,
        replicaNodes: [1, 2],
        isrNodes: [1, 2],
        offlineReplicas: [],
      },
      {
        errorCode: 0,
        partitionIndex: 1,
        leaderId: 2,
        leaderEpoch: 7,
        replicaNodes: [1, 2],
        isrNodes: [1, 2],
        offlineReplicas: [],
      },
    ]);
  });

  it.each([
    ['version 0 with an empty list: all topics', 0, { topics: [] }, ['a', 'b']],
    ['version 1 with an empty list: none', 1, { topics: [] }, []],
    ['the newest version with null: all topics', LATEST, { topics: null }, ['a', 'b']],
    ['the newest version with an empty list: none', LATEST, { topics: [] }, []],
  ])('%s', async (_, version, body, expected) => {
    const services = fakeServices();
    services.cluster.addTopic('a');
    services.cluster.addTopic('b');
    const { topics } = await ask(apis.Metadata, version, body, services);
    expect(topics.map((topic) => topic.name)).toEqual(expected);
  });

  it('authorized operations asked for: all, as there is no authorizer', async () => {
    const services = fakeServices();
    services.cluster.addTopic('t');
    const body = { ...names('t'), includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true };
    const response = await ask(apis.Metadata, 10, body, services);
    expect(response.topics[0]!.topicAuthorizedOperations).toBe(0b110111111000);
    expect(response.clusterAuthorizedOperations).toBe(0b1111110100000);
  });

  it('a partition without a leader: LEADER_NOT_AVAILABLE for that one only', async () => {
    const services = fakeServices();
    services.cluster.addTopic('t', [1, null]);
    const { topics } = await ask(apis.Metadata, LATEST, names('t'), services);
    expect(topics[0]!.errorCode).toBe(0);
    expect(topics[0]!.partitions.map(({ errorCode, leaderId }) => [errorCode, leaderId])).toEqual([
      [0, 1],
      [ErrorCode.LEADER_NOT_AVAILABLE, -1],
    ]);
  });

  it('a leader that came back in another run: no leader until it is elected again', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    services.cluster.addTopic('t', [2]);
    services.cluster.setBrokers(registration(1), registration(2, { run: 'run-2b' }));
    const { topics } = await ask(apis.Metadata, LATEST, names('t'), services);
    expect(topics[0]!.partitions[0]).toMatchObject({ errorCode: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: -1 });
  });

  it.each([
    [5, ErrorCode.LEADER_NOT_AVAILABLE],
    [6, ErrorCode.LISTENER_NOT_FOUND],
  ])('version %i, a leader without the listener of the client: error %i', async (version, errorCode) => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    services.cluster.addTopic('t', [2]);
    services.cluster.setBrokers(registration(1), registration(2, { kafka: [{ listener: 'X', host: 'h', port: 1 }] }));
    const { brokers, topics } = await ask(apis.Metadata, version, names('t'), services);
    expect(brokers.map((broker) => broker.nodeId)).toEqual([1]);
    expect(topics[0]!.partitions[0]).toMatchObject({ errorCode, leaderId: -1 });
  });

  it('all registrations gone for a moment: leaders that were known are still given', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2, 3]) });
    services.cluster.addTopic('t', [1, 2]);
    await ask(apis.Metadata, LATEST, names(), services);
    services.cluster.setBrokers();
    services.clock.advance(60_000);
    const { brokers, topics } = await ask(apis.Metadata, LATEST, names('t'), services);
    expect(brokers.map((broker) => broker.nodeId)).toEqual([1, 2]);
    expect(topics[0]!.partitions.map((partition) => partition.errorCode)).toEqual([0, 0]);
  });

  it('a broker that left, nobody having asked before: it is listed for ten seconds more, as offline', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    services.cluster.addTopic('t', [1]);
    rememberBrokers(services);
    services.cluster.setBrokers(registration(1));
    const listed = async () => {
      const { brokers, topics } = await ask(apis.Metadata, LATEST, names('t'), services);
      return { brokers: brokers.map(({ nodeId }) => nodeId), offline: topics[0]!.partitions[0]!.offlineReplicas };
    };
    expect(await listed()).toEqual({ brokers: [1, 2], offline: [2] });
    services.clock.advance(10_000);
    expect(await listed()).toEqual({ brokers: [1], offline: [2] });
  });

  it('a broker that left and came back elsewhere: is listed with its new address only', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    rememberBrokers(services);
    services.cluster.setBrokers(registration(1));
    services.cluster.setBrokers(
      registration(1),
      registration(2, { kafka: [{ listener: 'PLAINTEXT', host: 'new', port: 7 }] }),
    );
    const { brokers } = await ask(apis.Metadata, LATEST, names(), services);
    expect(brokers.map(({ host }) => host)).toEqual(['10.0.0.1', 'new']);
  });

  it.each([10, 11])('version %i, a topic without a name: INVALID_REQUEST for it', async (version) => {
    const body = { topics: [{ name: null, topicId: topicIdOf(1) }] };
    const { topics } = await ask(apis.Metadata, version, body, fakeServices());
    expect(topics[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });

  it('version 12, by topic id: the topic, or UNKNOWN_TOPIC_ID', async () => {
    const services = fakeServices();
    services.cluster.addTopic('t');
    const body = {
      topics: [
        { name: null, topicId: topicIdOf(1) },
        { name: null, topicId: topicIdOf(9) },
      ],
    };
    const { topics } = await ask(apis.Metadata, 12, body, services);
    expect(topics.map(({ errorCode, name, topicId }) => [errorCode, name, topicId])).toEqual([
      [0, 't', topicIdOf(1)],
      [ErrorCode.UNKNOWN_TOPIC_ID, null, topicIdOf(9)],
    ]);
  });
});

describe('auto-creation', () => {
  it('a topic that does not exist: is created with the defaults, and the first answer has its leaders', async () => {
    const services = fakeServices({ config: { 'num.partitions': 3 } });
    const { topics } = await ask(apis.Metadata, LATEST, names('new'), services);
    expect(services.cluster.created).toEqual([{ name: 'new', partitions: 3, replicationFactor: 1 }]);
    expect(topics[0]!.errorCode).toBe(0);
    expect(topics[0]!.partitions.map((partition) => partition.leaderId)).toEqual([1, 1, 1]);
  });

  it.each([
    ['auto.create.topics.enable is false', { 'auto.create.topics.enable': false }, names('new'), LATEST],
    ['the client does not allow it', {}, { ...names('new'), allowAutoTopicCreation: false }, LATEST],
  ])('%s: UNKNOWN_TOPIC_OR_PARTITION and nothing is created', async (_, config, body, version) => {
    const services = fakeServices({ config });
    const { topics } = await ask(apis.Metadata, version, body, services);
    expect(topics[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(services.cluster.created).toEqual([]);
  });

  it.each([['a/b'], [''], ['..'], ['x'.repeat(250)], ['größe']])(
    'the name %j: INVALID_TOPIC_EXCEPTION',
    async (name) => {
      for (const config of [{}, { 'auto.create.topics.enable': false }]) {
        const services = fakeServices({ config });
        const { topics } = await ask(apis.Metadata, LATEST, names(name), services);
        expect(topics[0]!.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
        expect(services.cluster.created).toEqual([]);
      }
    },
  );

  it('__consumer_offsets: is created as an internal, compacted topic', async () => {
    const services = fakeServices({ config: { 'offsets.topic.num.partitions': 4 } });
    const { topics } = await ask(apis.Metadata, LATEST, names('__consumer_offsets'), services);
    expect(topics[0]).toMatchObject({ errorCode: 0, isInternal: true });
    expect(topics[0]!.partitions).toHaveLength(4);
    expect(services.cluster.created[0]).toMatchObject({ internal: true, configs: { 'cleanup.policy': 'compact' } });
  });

  it('a reserved name: is not created', async () => {
    const services = fakeServices();
    const { topics } = await ask(apis.Metadata, LATEST, names('__transaction_state'), services);
    expect(topics[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(services.cluster.created).toEqual([]);
  });

  it('two of three expected brokers registered: waits for the third, then creates three replicas', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]), config: { 'cluster.expected.brokers': 3 } });
    const answer = ask(apis.Metadata, LATEST, names('new'), services);
    await eventually(() => services.cluster.listenerCount === 1, 'it waits for the image');
    expect(services.cluster.created).toEqual([]);
    services.cluster.setBrokers(registration(1), registration(2), registration(3, { state: 'draining' }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(services.cluster.created).toEqual([]);
    services.cluster.setBrokers(registration(1), registration(2), registration(3));
    expect((await answer).topics[0]!.errorCode).toBe(0);
    expect(services.cluster.created[0]).toMatchObject({ replicationFactor: 3 });
    // Only the memory of which brokers there are goes on listening.
    expect([services.cluster.listenerCount, services.clock.pendingTimers]).toEqual([1, 0]);
  });

  it('the third broker never comes: LEADER_NOT_AVAILABLE after the deadline, never fewer replicas, and the log says why', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]), config: { 'cluster.expected.brokers': 3 } });
    const answer = ask(apis.Metadata, LATEST, names('new'), services);
    await eventually(() => services.cluster.listenerCount === 1, 'it waits for the image');
    services.clock.advance(10_000);
    expect((await answer).topics[0]!.errorCode).toBe(ErrorCode.LEADER_NOT_AVAILABLE);
    expect(services.cluster.created).toEqual([]);
    expect(
      services.logger.matching(/3 replicas need 3 brokers, 2 of the 3 in cluster\.expected\.brokers/),
    ).toHaveLength(1);
    expect(services.cluster.listenerCount).toBe(1);
  });

  it.each([
    ['one broker', [1], {}, 1],
    ['two brokers', [1, 2], {}, 2],
    ['five brokers', [1, 2, 3, 4, 5], {}, 3],
    ['five brokers, a wish for two', [1, 2, 3, 4, 5], { 'default.replication.factor': 2 }, 2],
  ])('%s: as many replicas as are wished and possible', async (_, brokers, config, replicationFactor) => {
    const services = fakeServices({ cluster: new FakeCluster(brokers), config });
    await ask(apis.Metadata, LATEST, names('new'), services);
    expect(services.cluster.created[0]).toMatchObject({ replicationFactor });
  });

  it.each([
    ['REQUEST_TIMED_OUT', ErrorCode.LEADER_NOT_AVAILABLE],
    ['INVALID_REPLICATION_FACTOR', ErrorCode.INVALID_REPLICATION_FACTOR],
  ] as const)(
    'a creation that fails with %s: error %i for that topic, the others are answered',
    async (code, errorCode) => {
      const services = fakeServices();
      services.cluster.addTopic('known');
      services.cluster.adminError = new OttlaError(code, 'it failed');
      const { topics } = await ask(apis.Metadata, LATEST, names('new', 'known'), services);
      expect(topics.map((topic) => topic.errorCode)).toEqual([errorCode, 0]);
      expect(services.logger.matching(/topic new could not be created on demand: it failed/)).toHaveLength(1);
    },
  );

  it('forty new topics in one request: all are created', async () => {
    const services = fakeServices();
    const asked = Array.from({ length: 40 }, (_, index) => `t${index}`);
    const { topics } = await ask(apis.Metadata, LATEST, names(...asked, 't0'), services);
    expect(topics.map((topic) => topic.errorCode)).toEqual(Array<number>(41).fill(0));
    expect(services.cluster.created).toHaveLength(40);
  });
});

describe('a leader that may have just died', () => {
  const DEAD = { broker: 2, run: 'run-2' };

  function ledBy2() {
    const services = fakeServices({ cluster: new FakeCluster([1, 2, 3]) });
    const topic = services.cluster.addTopic('t', [2]);
    rememberBrokers(services);
    let answered: number | null = null;
    const asks = async (connection = new FakeConnection()): Promise<void> => {
      answered = null;
      const { topics } = await ask(apis.Metadata, LATEST, names('t'), services, connection);
      answered = topics[0]!.partitions[0]!.leaderId;
    };
    return { services, topic, asks, answer: () => answered };
  }

  it('the answer waits for the next leader', async () => {
    const { services, topic, asks, answer } = ledBy2();
    services.doubts.onBroken(DEAD);
    const asking = asks();
    await eventually(() => services.cluster.listenerCount === 2, 'it waits');
    expect(answer()).toBeNull();
    services.cluster.setLeader(topic, 0, 3, 1);
    await asking;
    expect([answer(), services.cluster.listenerCount, services.clock.pendingTimers]).toEqual([3, 1, 0]);
  });

  it('it leads on: it is given when the doubt is over', async () => {
    const { services, asks, answer } = ledBy2();
    services.doubts.onBroken(DEAD);
    const asking = asks();
    await eventually(() => services.clock.pendingTimers === 1, 'it waits');
    services.clock.advance(400);
    await asking;
    expect([answer(), services.cluster.listenerCount]).toEqual([2, 1]);
  });

  it('a client that asks again: this broker has a moment to notice, too', async () => {
    const { services, topic, asks, answer } = ledBy2();
    const connection = new FakeConnection();
    await asks(connection);
    const asking = asks(connection);
    await eventually(() => services.clock.pendingTimers === 1, 'it waits');
    services.doubts.onBroken(DEAD);
    services.clock.advance(10);
    await eventually(() => services.cluster.listenerCount === 2, 'it waits for the next leader');
    services.cluster.setLeader(topic, 0, 1, 1);
    await asking;
    expect(answer()).toBe(1);
  });

  it('another run of that broker leads: nothing is waited for', async () => {
    const { services, asks, answer } = ledBy2();
    services.doubts.onBroken({ ...DEAD, run: 'run-2-before' });
    await asks();
    expect([answer(), services.clock.pendingTimers]).toEqual([2, 0]);
  });
});
