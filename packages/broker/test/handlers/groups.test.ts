import { apis, ErrorCode, OttlaError } from '@ottla/protocol';
import type { Groups } from '../../src/services';
import { ask } from '../support/ask';
import { eventually } from '../support/eventually';
import { FakeCluster, registration } from '../support/fake-cluster';
import { type FakeServicesOptions, fakeServices } from '../support/fake-services';

const OFFSETS = '__consumer_offsets';

/** Keeps what reaches the coordinators and answers with `answer`. */
function recordingGroups(answer: unknown): Groups & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    handle: (async (api: string, request: unknown) => {
      asked.push({ api, request });
      if (answer instanceof Error) throw answer;
      return answer;
    }) as Groups['handle'],
  };
}

describe('FindCoordinator', () => {
  const find = async (services: ReturnType<typeof fakeServices>, keys = ['g'], keyType = 0, version = 6) => {
    const body = version >= 4 ? { keyType, coordinatorKeys: keys } : { key: keys[0]!, keyType };
    return ask(apis.FindCoordinator, version, body, services);
  };

  it('several groups: each with the leader of its partition', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    // 'g' hashes to 103, 'h' to 104.
    services.cluster.addTopic(OFFSETS, [1, 2], { internal: true });
    const { coordinators } = await find(services, ['g', 'h']);
    expect(coordinators).toEqual([
      { key: 'g', nodeId: 2, host: '10.0.0.2', port: 9092, errorCode: 0, errorMessage: null },
      { key: 'h', nodeId: 1, host: '10.0.0.1', port: 9091, errorCode: 0, errorMessage: null },
    ]);
  });

  it.each([0, 1, 3])('version %i: one group, in fields of its own', async (version) => {
    const services = fakeServices();
    services.cluster.addTopic(OFFSETS, [1], { internal: true });
    expect(await find(services, ['g'], 0, version)).toMatchObject({
      errorCode: 0,
      nodeId: 1,
      host: '10.0.0.1',
      port: 9091,
    });
  });

  it('no topic of offsets yet: is created, internal and compacted, and the answer has the coordinator', async () => {
    const services = fakeServices({ config: { 'offsets.topic.num.partitions': 5 } });
    const { coordinators } = await find(services);
    expect(coordinators[0]).toMatchObject({ errorCode: 0, nodeId: 1 });
    expect(services.cluster.created).toEqual([
      {
        name: OFFSETS,
        partitions: 5,
        replicationFactor: 1,
        internal: true,
        configs: { 'cleanup.policy': 'compact', 'compression.type': 'producer', 'segment.bytes': '104857600' },
      },
    ]);
  });

  it('an election under way: is waited for', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    const topic = services.cluster.addTopic(OFFSETS, [null], { internal: true });
    const answer = find(services);
    await eventually(() => services.cluster.listenerCount === 1, 'it waits');
    services.cluster.setLeader(topic, 0, 2, 1);
    expect((await answer).coordinators[0]).toMatchObject({ errorCode: 0, nodeId: 2 });
    expect([services.cluster.listenerCount, services.clock.pendingTimers]).toEqual([0, 0]);
  });

  it('a leader that is not there any more, and no other: COORDINATOR_NOT_AVAILABLE with words', async () => {
    const services = fakeServices({ cluster: new FakeCluster([1, 2]) });
    services.cluster.addTopic(OFFSETS, [2], { internal: true });
    services.cluster.setBrokers(registration(1));
    const answer = find(services);
    await eventually(() => services.cluster.listenerCount === 1, 'it waits');
    services.clock.advance(3_000);
    expect((await answer).coordinators[0]).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      errorMessage: expect.stringMatching(/__consumer_offsets-0, which coordinates this group, has had no leader/),
    });
  });

  it.each([1, 6])('version %i, the topic can not be created: COORDINATOR_NOT_AVAILABLE', async (version) => {
    const services = fakeServices();
    services.cluster.adminError = new OttlaError('INVALID_REPLICATION_FACTOR', 'not enough brokers');
    const response = await find(services, ['g'], 0, version);
    const answer = version >= 4 ? response.coordinators[0]! : response;
    expect(answer).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      errorMessage: 'not enough brokers',
    });
  });

  it.each([
    [1, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', /transactions are not supported/],
    [2, 'INVALID_REQUEST', /type 2 are not supported/],
  ] as const)('key type %i: %s with words, and no topic is created', async (keyType, code, message) => {
    const services = fakeServices();
    const { coordinators } = await find(services, ['k'], keyType);
    expect(coordinators[0]!.errorCode).toBe(ErrorCode[code]);
    expect(coordinators[0]!.errorMessage).toMatch(message);
    expect(services.cluster.created).toEqual([]);
  });
});

describe('requests to coordinators', () => {
  const member = { groupId: 'g', generationId: 1, memberId: 'm' };

  it('a heartbeat: reaches them with version, client id and the address as Kafka shows it', async () => {
    const groups = recordingGroups({ errorCode: 0 });
    await ask(apis.Heartbeat, 4, member, fakeServices({ groups }));
    expect(groups.asked).toEqual([
      {
        api: 'Heartbeat',
        request: {
          version: 4,
          clientId: 'test-client',
          clientHost: '/10.9.9.9',
          body: { ...member, groupInstanceId: null },
        },
      },
    ]);
  });

  const failing: FakeServicesOptions = { groups: recordingGroups(new OttlaError('COORDINATOR_NOT_AVAILABLE', 'gone')) };
  const CODE = ErrorCode.COORDINATOR_NOT_AVAILABLE;

  it('a failure of the whole request: each API has a form for it, in every version', async () => {
    const bodies = {
      JoinGroup: { groupId: 'g', sessionTimeoutMs: 1, memberId: 'm', protocolType: 'c', protocols: [] },
      SyncGroup: { ...member, assignments: [] },
      Heartbeat: member,
      LeaveGroup: { groupId: 'g', memberId: 'm', members: [] },
      ListGroups: { statesFilter: [], typesFilter: [] },
      DescribeGroups: { groups: ['g'] },
      DeleteGroups: { groupsNames: ['g'] },
      OffsetFetch: {
        groupId: 'g',
        topics: [{ name: 't', partitionIndexes: [0] }],
        groups: [{ groupId: 'g', topics: null }],
      },
      OffsetCommit: {
        groupId: 'g',
        memberId: 'm',
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }] }],
      },
    };
    for (const name of Object.keys(bodies) as (keyof typeof bodies)[]) {
      const api = apis[name];
      for (let version = api.minVersion; version <= api.maxVersion; version++) {
        const services = fakeServices(failing);
        services.cluster.addTopic('t');
        const response = await ask(api as typeof apis.Heartbeat, version, bodies[name] as never, services);
        expect(JSON.stringify([name, version, response])).toContain(`"errorCode":${CODE}`);
      }
    }
  });
});

describe('OffsetCommit', () => {
  const commit = (name: string, ...partitions: number[]) => ({
    name,
    partitions: partitions.map((partitionIndex) => ({ partitionIndex, committedOffset: 5, committedMetadata: '' })),
  });

  it('some partitions do not exist: those are refused, the others go to the coordinator', async () => {
    const groups = recordingGroups({ topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0 }] }] });
    const services = fakeServices({ groups });
    services.cluster.addTopic('t', [1]);
    const body = { groupId: 'g', memberId: 'm', topics: [commit('t', 0, 7), commit('u', 0)] };
    const { topics } = await ask(apis.OffsetCommit, 8, body, services);
    expect(topics).toEqual([
      {
        name: 't',
        partitions: [
          { partitionIndex: 0, errorCode: 0 },
          { partitionIndex: 7, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
        ],
      },
      { name: 'u', partitions: [{ partitionIndex: 0, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] },
    ]);
    expect(JSON.stringify(groups.asked)).toContain('"topics":[{"name":"t","partitions":[{"partitionIndex":0,');
  });

  it('none exists: the coordinator is not asked', async () => {
    const groups = recordingGroups({ topics: [] });
    const body = { groupId: 'g', memberId: 'm', topics: [commit('u', 0)] };
    await ask(apis.OffsetCommit, 8, body, fakeServices({ groups }));
    expect(groups.asked).toEqual([]);
  });

  it('no topic at all: the coordinator decides', async () => {
    const groups = recordingGroups({ topics: [] });
    await ask(apis.OffsetCommit, 8, { groupId: 'g', memberId: 'm', topics: [] }, fakeServices({ groups }));
    expect(groups.asked).toHaveLength(1);
  });
});

describe('InitProducerId', () => {
  const body = { transactionalId: null, transactionTimeoutMs: 0 };

  it.each([0, 2, 4, 5])('version %i: a new id each time, in epoch 0', async (version) => {
    const services = fakeServices();
    const first = await ask(apis.InitProducerId, version, body, services);
    const second = await ask(apis.InitProducerId, version, body, services);
    expect(
      [first, second].map(({ errorCode, producerId, producerEpoch }) => [errorCode, producerId, producerEpoch]),
    ).toEqual([
      [0, 4000, 0],
      [0, 4001, 0],
    ]);
  });

  it('a transactional id: a code on which clients give up at once', async () => {
    const response = await ask(apis.InitProducerId, 4, { ...body, transactionalId: 'tx' }, fakeServices());
    expect(response).toMatchObject({ errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, producerId: -1 });
  });

  it.each([
    [new OttlaError('REQUEST_TIMED_OUT', 'the store is away'), ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    [new TypeError('oops'), ErrorCode.UNKNOWN_SERVER_ERROR],
  ])('%s: error %i', async (error, errorCode) => {
    const producerIds = { next: () => Promise.reject(error) };
    expect((await ask(apis.InitProducerId, 4, body, fakeServices({ producerIds }))).errorCode).toBe(errorCode);
  });
});
