import { apis, ErrorCode, type InputOf, OttlaError, ZERO_UUID } from '@ottla/protocol';
import { repeated } from '../../src/handlers/repeated';
import { ask } from '../support/ask';
import { eventually } from '../support/eventually';
import { FakeCluster, registration, topicIdOf } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';

type CreateTopic = InputOf<typeof apis.CreateTopics.request>['topics'][number];

function topic(over: Partial<CreateTopic> = {}): CreateTopic {
  return { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [], ...over };
}

async function create(services: FakeServices, topics: CreateTopic[], version = 7, validateOnly = false) {
  return (await ask(apis.CreateTopics, version, { topics, timeoutMs: 1000, validateOnly }, services)).topics;
}

describe('CreateTopics', () => {
  it.each([2, 4, 5, 7])('version %i: is created as asked', async (version) => {
    const services = fakeServices();
    const configs = [{ name: 'retention.ms', value: '5000' }];
    const [created] = await create(services, [topic({ configs })], version);
    expect(created).toMatchObject({ name: 't', errorCode: 0 });
    expect(services.cluster.created).toEqual([
      { name: 't', partitions: 2, replicationFactor: 1, configs: { 'retention.ms': '5000' }, internal: false },
    ]);
  });

  it('the newest version: answers with id, numbers and effective configs', async () => {
    const services = fakeServices({ config: { 'log.segment.bytes': 4096 } });
    const [created] = await create(services, [topic({ configs: [{ name: 'retention.ms', value: '5000' }] })]);
    expect(created).toMatchObject({ topicId: topicIdOf(1), numPartitions: 2, replicationFactor: 1 });
    const values = new Map(created!.configs!.map((config) => [config.name, [config.value, config.configSource]]));
    expect(values.get('retention.ms')).toEqual(['5000', 1]);
    expect(values.get('segment.bytes')).toEqual(['4096', 4]);
    expect(values.get('max.message.bytes')).toEqual(['1048588', 5]);
  });

  it('defaults of -1: the default replicas of the brokers there are', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    await create(services, [topic({ numPartitions: -1, replicationFactor: -1 })]);
    expect(services.cluster.created[0]).toMatchObject({ partitions: -1, replicationFactor: 2 });
  });

  it('defaults of -1 while brokers are starting: waits, and after its timeout INVALID_REPLICATION_FACTOR', async () => {
    const services = fakeServices({ config: { 'cluster.expected.brokers': 3 } });
    const answer = create(services, [topic({ replicationFactor: -1 })]);
    await eventually(() => services.cluster.listenerCount === 1, 'it waits');
    services.clock.advance(1000);
    const [refused] = await answer;
    expect(refused).toMatchObject({ errorCode: ErrorCode.INVALID_REPLICATION_FACTOR, configs: null });
    expect(refused!.errorMessage).toMatch(/1 of the 3 in cluster\.expected\.brokers/);
  });

  it('an explicit number of replicas: is passed on, the brokers are not waited for', async () => {
    const services = fakeServices({ config: { 'cluster.expected.brokers': 3 } });
    await create(services, [topic({ replicationFactor: 1 })]);
    expect(services.cluster.created).toHaveLength(1);
  });

  it('assignments: are passed on', async () => {
    const services = fakeServices();
    const assignments = [
      { partitionIndex: 1, brokerIds: [2, 1] },
      { partitionIndex: 0, brokerIds: [1, 2] },
    ];
    await create(services, [topic({ numPartitions: -1, replicationFactor: -1, assignments })]);
    expect(services.cluster.created[0]).toMatchObject({
      replicationFactor: -1,
      assignments: new Map([
        [1, [2, 1]],
        [0, [1, 2]],
      ]),
    });
  });

  const refused: [string, Partial<CreateTopic>, number, keyof typeof ErrorCode, RegExp][] = [
    ['an impossible name', { name: 'a b' }, 7, 'INVALID_TOPIC_EXCEPTION', /"a b" can't be the name/],
    ['an unknown config', { configs: [{ name: 'retention', value: '1' }] }, 7, 'INVALID_CONFIG', /did you mean/],
    [
      'a config out of range',
      { configs: [{ name: 'min.insync.replicas', value: '0' }] },
      7,
      'INVALID_CONFIG',
      /min\.insync\.replicas is "0"/,
    ],
    [
      'a config without value',
      { configs: [{ name: 'retention.ms', value: null }] },
      7,
      'INVALID_CONFIG',
      /retention\.ms is null/,
    ],
    ['default partitions before version 4', { numPartitions: -1 }, 3, 'INVALID_PARTITIONS', /version 4/],
    ['default replicas before version 4', { replicationFactor: -1 }, 3, 'INVALID_REPLICATION_FACTOR', /version 4/],
    [
      'a partition assigned twice',
      {
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 0, brokerIds: [1] },
        ],
      },
      7,
      'INVALID_REPLICA_ASSIGNMENT',
      /twice/,
    ],
  ];
  it.each(refused)(
    '%s: is refused with words, another topic of the request is created',
    async (_, over, version, code, message) => {
      const services = fakeServices();
      const answers = await create(services, [topic(over), topic({ name: 'good' })], version);
      expect(answers[0]!.errorCode).toBe(ErrorCode[code]);
      expect(answers[0]!.errorMessage).toMatch(message);
      expect(answers[1]!.errorCode).toBe(0);
      expect(services.cluster.created.map((request) => request.name)).toEqual(['good']);
    },
  );

  it('a name twice: INVALID_REQUEST for both', async () => {
    const services = fakeServices();
    const answers = await create(services, [topic(), topic()]);
    expect(answers.map((answer) => answer.errorCode)).toEqual([ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST]);
    expect(services.cluster.created).toEqual([]);
  });

  it('a topic that exists: TOPIC_ALREADY_EXISTS', async () => {
    const services = fakeServices();
    services.cluster.addTopic('t');
    expect((await create(services, [topic()]))[0]!.errorCode).toBe(ErrorCode.TOPIC_ALREADY_EXISTS);
  });

  it('an unexpected error: UNKNOWN_SERVER_ERROR and a log line', async () => {
    const services = fakeServices();
    services.cluster.adminError = new TypeError('oops');
    expect((await create(services, [topic()]))[0]!.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(services.logger.matching(/creating topic t failed: oops/)).toHaveLength(1);
  });
});

describe('what is named twice', () => {
  it.each([
    [[], []],
    [['a', 'b'], []],
    [
      ['a', 'b', 'a', 'c', 'a', 'c'],
      ['a', 'c'],
    ],
  ])('%j: %j', (names, twice) => {
    expect([...repeated(names)]).toEqual(twice);
  });

  it('a million names: are looked through once', () => {
    const names = Array.from({ length: 1_000_000 }, (_, index) => index % 999_999);
    expect([...repeated(names)]).toEqual([0]);
  });
});

describe('DeleteTopics', () => {
  const body = (topics: { name?: string | null; topicId?: string }[]) => ({
    topics: topics.map((asked) => ({ name: null, topicId: ZERO_UUID, ...asked })),
    topicNames: [],
    timeoutMs: 1000,
  });

  it.each([1, 5])('version %i, by name: is deleted, an unknown one has its error', async (version) => {
    const services = fakeServices();
    services.cluster.addTopic('t');
    const request = { topics: [], topicNames: ['t', 'u'], timeoutMs: 1000 };
    const { responses } = await ask(apis.DeleteTopics, version, request, services);
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['t', 0],
      ['u', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    expect(services.cluster.image.topics.size).toBe(0);
  });

  it('version 6, by name and by id: both are deleted, with name and id in the answer', async () => {
    const services = fakeServices();
    services.cluster.addTopic('a');
    services.cluster.addTopic('b');
    const { responses } = await ask(apis.DeleteTopics, 6, body([{ name: 'a' }, { topicId: topicIdOf(2) }]), services);
    expect(responses.map(({ name, topicId, errorCode }) => [name, topicId, errorCode])).toEqual([
      ['a', topicIdOf(1), 0],
      ['b', topicIdOf(2), 0],
    ]);
  });

  it.each([
    ['neither name nor id', [{}]],
    ['both name and id', [{ name: 't', topicId: topicIdOf(1) }]],
    ['a name twice', [{ name: 't' }, { name: 't' }]],
    ['an id twice', [{ topicId: topicIdOf(1) }, { topicId: topicIdOf(1) }]],
  ])('%s: INVALID_REQUEST and nothing is deleted', async (_, asked) => {
    const services = fakeServices();
    services.cluster.addTopic('t');
    const { responses } = await ask(apis.DeleteTopics, 6, body(asked), services);
    expect(responses.map((response) => response.errorCode)).toEqual(asked.map(() => ErrorCode.INVALID_REQUEST));
    expect(services.cluster.deleted).toEqual([]);
  });

  it.each([
    ['by name', { name: '__consumer_offsets' }],
    ['by id', { topicId: topicIdOf(1) }],
  ])('the internal topic, %s: is refused', async (_, asked) => {
    const services = fakeServices();
    services.cluster.addTopic('__consumer_offsets', [1], { internal: true });
    const { responses } = await ask(apis.DeleteTopics, 6, body([asked]), services);
    expect(responses[0]).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION });
    expect(services.cluster.deleted).toEqual([]);
  });
});

describe('CreatePartitions', () => {
  it('several topics: each is grown, each has its result', async () => {
    const services = fakeServices();
    services.cluster.addTopic('t');
    const request = {
      topics: [
        { name: 't', count: 4, assignments: null },
        { name: 'u', count: 4, assignments: [{ brokerIds: [1] }] },
        { name: 'u', count: 5, assignments: null },
      ],
      timeoutMs: 1000,
      validateOnly: false,
    };
    const { results } = await ask(apis.CreatePartitions, 3, request, services);
    expect(results.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['t', 0],
      ['u', ErrorCode.INVALID_REQUEST],
      ['u', ErrorCode.INVALID_REQUEST],
    ]);
    expect(services.cluster.grown).toEqual([{ name: 't', count: 4 }]);
  });

  it('a refusal: its code and words', async () => {
    const services = fakeServices();
    services.cluster.adminError = new OttlaError('INVALID_PARTITIONS', 'topic t has 4 partitions already');
    const request = { topics: [{ name: 't', count: 4, assignments: null }], timeoutMs: 1000, validateOnly: false };
    const { results } = await ask(apis.CreatePartitions, 3, request, services);
    expect(results[0]).toMatchObject({
      errorCode: ErrorCode.INVALID_PARTITIONS,
      errorMessage: 'topic t has 4 partitions already',
    });
  });
});

describe('DescribeConfigs', () => {
  const TOPIC = 2;
  const BROKER = 4;

  async function describeConfigs(
    services: FakeServices,
    resource: { resourceType: number; resourceName: string; configurationKeys?: string[] | null },
    over = {},
    version = 4,
  ) {
    const body = { resources: [{ configurationKeys: null, ...resource }], includeSynonyms: false, ...over };
    return (await ask(apis.DescribeConfigs, version, body, services)).results[0]!;
  }

  it('a topic: effective values with their sources, synonyms and documentation', async () => {
    const services = fakeServices({ config: { 'log.segment.bytes': 4096 } });
    services.cluster.addTopic('t', [1], { configs: { 'segment.bytes': '1024' } });
    const resource = { resourceType: TOPIC, resourceName: 't', configurationKeys: ['segment.bytes'] };
    const result = await describeConfigs(services, resource, { includeSynonyms: true, includeDocumentation: true });
    expect(result.errorCode).toBe(0);
    expect(result.configs).toEqual([
      {
        name: 'segment.bytes',
        value: '1024',
        readOnly: false,
        configSource: 1,
        isSensitive: false,
        synonyms: [
          { name: 'segment.bytes', value: '1024', source: 1 },
          { name: 'log.segment.bytes', value: '4096', source: 4 },
          { name: 'log.segment.bytes', value: '1073741824', source: 5 },
        ],
        configType: 3,
        documentation: 'A segment that would grow beyond this is closed and a new one begun.',
      },
    ]);
  });

  it('without asking for them: no synonyms and no documentation, and all configs', async () => {
    const services = fakeServices();
    services.cluster.addTopic('t');
    const { configs } = await describeConfigs(services, { resourceType: TOPIC, resourceName: 't' });
    expect(configs.length).toBeGreaterThan(15);
    for (const config of configs) expect(config).toMatchObject({ synonyms: [], documentation: null });
  });

  it.each([1, 2, 3, 4])(
    'version %i, this broker: its settings, given ones apart from defaults, and which of them can be changed',
    async (version) => {
      const services = fakeServices({ config: { 'num.partitions': 7 } });
      const { configs } = await describeConfigs(services, { resourceType: BROKER, resourceName: '1' }, {}, version);
      const given = configs.find((config) => config.name === 'num.partitions');
      const standard = configs.find((config) => config.name === 'log.segment.bytes');
      expect(given).toMatchObject({ value: '7', configSource: 4, readOnly: true });
      expect(standard).toMatchObject({ value: '1073741824', configSource: 5, readOnly: false });
    },
  );

  it('the defaults of all brokers: none are kept', async () => {
    expect(await describeConfigs(fakeServices(), { resourceType: BROKER, resourceName: '' })).toMatchObject({
      errorCode: 0,
      configs: [],
    });
  });

  it.each([
    ['another broker', BROKER, '2', 'INVALID_REQUEST', /this is broker 1/],
    ['no broker at all', BROKER, 'x', 'INVALID_REQUEST', /this is broker 1/],
    ['an unknown topic', TOPIC, 'u', 'UNKNOWN_TOPIC_OR_PARTITION', /no topic u/],
    ['an impossible topic', TOPIC, 'a b', 'INVALID_TOPIC_EXCEPTION', /can't be the name/],
    ['loggers', 8, '1', 'INVALID_REQUEST', /resource type 8 are not supported/],
  ] as const)('%s: is refused with words', async (_, resourceType, resourceName, code, message) => {
    const result = await describeConfigs(fakeServices(), { resourceType, resourceName });
    expect(result).toMatchObject({ errorCode: ErrorCode[code], configs: [], resourceType, resourceName });
    expect(result.errorMessage).toMatch(message);
  });
});

describe('DescribeCluster', () => {
  it('brokers: with addresses and racks, and the controller', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    services.cluster.setBrokers(registration(2, { rack: 'r2' }), registration(1));
    const body = { includeClusterAuthorizedOperations: false, endpointType: 1 };
    const response = await ask(apis.DescribeCluster, 2, body, services);
    expect(response).toMatchObject({ errorCode: 0, clusterId: 'test-cluster', controllerId: 1, endpointType: 1 });
    expect(response.clusterAuthorizedOperations).toBe(-2147483648);
    expect(response.brokers.map(({ brokerId, host, port, rack }) => [brokerId, host, port, rack])).toEqual([
      [1, '10.0.0.1', 9091, null],
      [2, '10.0.0.2', 9092, 'r2'],
    ]);
  });

  it('authorized operations asked for: all, as there is no authorizer', async () => {
    const body = { includeClusterAuthorizedOperations: true, endpointType: 1 };
    const response = await ask(apis.DescribeCluster, 1, body, fakeServices());
    expect(response.clusterAuthorizedOperations).toBe(0b1111110100000);
  });

  it('controllers asked of a broker: MISMATCHED_ENDPOINT_TYPE with words', async () => {
    const body = { includeClusterAuthorizedOperations: false, endpointType: 2 };
    const response = await ask(apis.DescribeCluster, 1, body, fakeServices());
    expect(response).toMatchObject({ errorCode: ErrorCode.MISMATCHED_ENDPOINT_TYPE, brokers: [] });
    expect(response.errorMessage).toMatch(/only brokers/);
  });
});

describe('ApiVersions', () => {
  it('every version: what is registered, with the versions of each', async () => {
    for (let version = 0; version <= apis.ApiVersions.maxVersion; version++) {
      const body = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
      const response = await ask(apis.ApiVersions, version, body, fakeServices());
      expect(response.errorCode).toBe(0);
      const expected = Object.values(apis)
        .map((api) => ({ apiKey: api.key, minVersion: api.advertisedMinVersion, maxVersion: api.maxVersion }))
        .sort((a, b) => a.apiKey - b.apiKey);
      expect(response.apiKeys).toEqual(expected);
      expect(response.finalizedFeatures).toEqual([]);
    }
  });

  it.each([
    ['', '1'],
    ['a b', '1'],
    ['-a', '1'],
    ['a', ''],
    ['a', '1\n'],
  ])('software %j %j: INVALID_REQUEST (KIP-511)', async (clientSoftwareName, clientSoftwareVersion) => {
    const body = { clientSoftwareName, clientSoftwareVersion };
    expect((await ask(apis.ApiVersions, 3, body, fakeServices())).errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});
