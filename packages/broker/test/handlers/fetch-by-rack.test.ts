import { apis, ErrorCode, readBatchHeader } from '@ottla/protocol';
import type { ReplicaProgress } from '@ottla/replication';
import { ask, FakeConnection } from '../support/ask';
import { batchOf } from '../support/batches';
import { eventually } from '../support/eventually';
import { FakeCluster, registration } from '../support/fake-cluster';
import { type FakeServices, fakeServices } from '../support/fake-services';

const RACK_AWARE = { 'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector' };

/** Broker 1 in rack a, 2 in b, 3 in c; `t-0` with records 0 to 2 and replicas on all of them. */
async function racked({ leader = 1, config = RACK_AWARE as Record<string, unknown> } = {}): Promise<FakeServices> {
  const services = fakeServices({ cluster: new FakeCluster([1, 2, 3]), config });
  services.cluster.setBrokers(...['a', 'b', 'c'].map((rack, index) => registration(index + 1, { rack })));
  services.cluster.addTopic('t', [1]);
  const partition = services.cluster.partition('t');
  for (const value of ['x', 'y', 'z']) {
    const batch = batchOf([value]);
    await partition.produce(batch, [readBatchHeader(batch)], { acks: 0, timeoutMs: 0 });
  }
  partition.others = [progress(2), progress(3)];
  if (leader === 1) return services;
  services.cluster.setLeader(services.cluster.image.topics.get('t')!.value, 0, leader);
  partition.isLeader = false;
  partition.isFollowing = true;
  return services;
}

function progress(broker: number, over: Partial<ReplicaProgress> = {}): ReplicaProgress {
  return { broker, logStart: 0, logEnd: 3, inIsr: true, caughtUpAt: 5, ...over };
}

function fetchFrom(
  services: FakeServices,
  rackId: string,
  fetchOffset = 0,
  { version = 11, maxWaitMs = 0, connection = new FakeConnection(), currentLeaderEpoch = -1 } = {},
) {
  const asked = { partition: 0, fetchOffset, partitionMaxBytes: 1000, currentLeaderEpoch };
  const topics = [{ topic: 't', partitions: [asked] }];
  const request = { maxWaitMs, minBytes: 1, maxBytes: 1000, topics, ...(version >= 11 && { rackId }) };
  return ask(apis.Fetch, version, request, services, connection).then(({ responses }) => responses[0]!.partitions[0]!);
}

describe('a leader, asked from another rack', () => {
  it.each([11, 12])('version %i: names the replica in sync there, at once and without records', async (version) => {
    const answer = await fetchFrom(await racked(), 'b', 1, { version, maxWaitMs: 10_000 });
    expect(answer).toMatchObject({ errorCode: 0, preferredReadReplica: 2, highWatermark: 3, logStartOffset: 0 });
    expect(answer.records).toHaveLength(0);
  });

  const served: [string, string, (services: FakeServices) => void][] = [
    ['its own rack', 'a', () => {}],
    ['no rack', '', () => {}],
    ['a rack without replica', 'd', () => {}],
    [
      'a rack whose replica is out of sync',
      'b',
      ({ cluster }) => {
        cluster.partition('t').others = [progress(2, { inIsr: false })];
      },
    ],
    [
      'a rack whose replica has not got the offset yet',
      'b',
      ({ cluster }) => {
        cluster.partition('t').others = [progress(2, { logEnd: 0 })];
      },
    ],
    [
      'a rack whose replica has not got the offset any more',
      'b',
      ({ cluster }) => {
        cluster.partition('t').others = [progress(2, { logStart: 2 })];
      },
    ],
    ['a rack whose broker has gone', 'b', ({ cluster }) => cluster.setBrokers(registration(1, { rack: 'a' }))],
    [
      'a rack whose broker is leaving',
      'b',
      ({ cluster }) =>
        cluster.setBrokers(registration(1, { rack: 'a' }), registration(2, { rack: 'b', state: 'draining' })),
    ],
    [
      'a rack whose broker has no such listener',
      'b',
      ({ cluster }) => cluster.setBrokers(registration(1, { rack: 'a' }), registration(2, { rack: 'b', kafka: [] })),
    ],
  ];
  it.each(served)('%s: gives the records itself', async (_, rack, prepare) => {
    const services = await racked();
    prepare(services);
    const answer = await fetchFrom(services, rack, 1);
    expect(answer).toMatchObject({ errorCode: 0, preferredReadReplica: -1 });
    expect(answer.records).not.toHaveLength(0);
  });

  it('several there: the one that has most', async () => {
    const services = await racked();
    services.cluster.setBrokers(...['a', 'b', 'b', 'b'].map((rack, index) => registration(index + 1, { rack })));
    const { others } = services.cluster.partition('t');
    others.splice(0, 2, progress(2, { logEnd: 2 }), progress(4, { caughtUpAt: 4 }), progress(3));
    expect(await fetchFrom(services, 'b', 1)).toMatchObject({ preferredReadReplica: 3 });
  });

  it.each([{}, { 'replica.selector.class': 'org.apache.kafka.common.replica.LeaderSelector' }])(
    'configured as %j: gives the records itself',
    async (config) => {
      expect((await fetchFrom(await racked({ config }), 'b', 1)).records).not.toHaveLength(0);
    },
  );

  it('an offset outside its log: OFFSET_OUT_OF_RANGE, which only the leader can tell', async () => {
    const services = await racked();
    services.cluster.partition('t').logStart = 2;
    for (const offset of [1, 4]) {
      const answer = await fetchFrom(services, 'b', offset);
      expect(answer).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, preferredReadReplica: -1 });
    }
  });
});

describe('a follower', () => {
  it('asked with a rack: gives records below the high watermark that it knows', async () => {
    const services = await racked({ leader: 2 });
    services.cluster.partition('t').commit(2);
    const answer = await fetchFrom(services, 'a', 0);
    expect(answer).toMatchObject({ errorCode: 0, highWatermark: 2, preferredReadReplica: -1 });
    expect(answer.records).toHaveLength(2 * batchOf(['x']).length);
  });

  it('asked between its high watermark and its end: waits for the high watermark', async () => {
    const services = await racked({ leader: 2 });
    const partition = services.cluster.partition('t');
    partition.commit(1);
    const connection = new FakeConnection();
    const answer = fetchFrom(services, 'a', 2, { maxWaitMs: 5_000, connection });
    await eventually(() => connection.listenerCount > 0, 'the fetch waits');
    partition.commit(3);
    expect(await answer).toMatchObject({ errorCode: 0, highWatermark: 3 });
    expect((await answer).records).not.toHaveLength(0);
  });

  it('asked behind its end: OFFSET_NOT_AVAILABLE, since the leader may have it', async () => {
    const answer = await fetchFrom(await racked({ leader: 2 }), 'a', 4);
    expect(answer).toMatchObject({ errorCode: ErrorCode.OFFSET_NOT_AVAILABLE, records: new Uint8Array(0) });
  });

  it('asked before its start: OFFSET_OUT_OF_RANGE', async () => {
    const services = await racked({ leader: 2 });
    services.cluster.partition('t').logStart = 1;
    expect((await fetchFrom(services, 'a', 0)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  });

  it.each([
    [0, 'NONE'],
    [5, 'UNKNOWN_LEADER_EPOCH'],
  ] as const)('asked in leader epoch %i: %s', async (currentLeaderEpoch, code) => {
    const services = await racked({ leader: 2 });
    expect((await fetchFrom(services, 'a', 0, { currentLeaderEpoch })).errorCode).toBe(ErrorCode[code]);
  });

  const stale: [string, (services: FakeServices) => void][] = [
    [
      'while its leader is out of sight',
      ({ cluster }) => {
        cluster.partition('t').isFollowing = false;
      },
    ],
    [
      'while it is out of the ISR',
      ({ cluster }) => {
        const { topicId } = cluster.image.topics.get('t')!.value;
        const stored = cluster.image.partitions.get(topicId)!.get(0)!;
        const value = { ...stored.value, isr: [{ broker: 2, logId: 'log-2' }] };
        cluster.change({ partitions: new Map([[topicId, new Map([[0, { ...stored, value }]])]]) });
      },
    ],
  ];
  it.each(stale)('asked %s: NOT_LEADER_OR_FOLLOWER, at which clients go back to the leader', async (_, prepare) => {
    const services = await racked({ leader: 2 });
    prepare(services);
    const answer = await fetchFrom(services, 'a', 0, { version: 12 });
    expect(answer.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(answer.currentLeader).toEqual({ leaderId: 2, leaderEpoch: 0 });
  });

  it.each([
    ['without a rack', 12],
    ['in a version without racks', 10],
  ])('asked %s: NOT_LEADER_OR_FOLLOWER, with the leader', async (_, version) => {
    const answer = await fetchFrom(await racked({ leader: 2 }), '', 0, { version });
    expect(answer.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    if (version >= 12) expect(answer.currentLeader).toEqual({ leaderId: 2, leaderEpoch: 0 });
  });

  it('that is not told to select by rack: refuses', async () => {
    const answer = await fetchFrom(await racked({ leader: 2, config: {} }), 'a', 0);
    expect(answer.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  it('that falls out of the ISR while a fetch waits: refuses it when it looks again', async () => {
    const services = await racked({ leader: 2 });
    const partition = services.cluster.partition('t');
    const connection = new FakeConnection();
    const answer = fetchFrom(services, 'a', 3, { maxWaitMs: 5_000, connection });
    await eventually(() => connection.listenerCount > 0, 'the fetch waits');
    partition.isFollowing = false;
    partition.notify();
    expect((await answer).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});
