import {
  type GroupApi,
  GroupCoordinator,
  type GroupRequests,
  type GroupResponses,
  offsetCommitKey,
  offsetCommitValue,
  partitionForGroup,
} from '@ottla/groups';
import type { ClusterImage, ImageDelta } from '@ottla/metadata';
import { decodeBatch, ErrorCode, encodeBatch, OttlaError, readBatchHeader } from '@ottla/protocol';
import { type ManualClock, nodeCodecs, SeededRandom } from '@ottla/runtime';
import type { SettingName } from '../../src/config/schema';
import { GroupHost } from '../../src/groups/group-host';
import { eventually } from '../support/eventually';
import { FakeCluster, SELF } from '../support/fake-cluster';
import { fakeServices, type LogLines } from '../support/fake-services';
import type { MemoryPartition } from '../support/memory-partition';

const OFFSETS = '__consumer_offsets';
const PARTITIONS = 2;

/** 'a' to 'h' by the partition of __consumer_offsets that coordinates them. */
const groupOf = (partition: number): string =>
  [...'abcdefgh'].find((group) => partitionForGroup(group, PARTITIONS) === partition)!;
const [ZERO, ONE] = [groupOf(0), groupOf(1)];

interface World {
  readonly cluster: FakeCluster;
  readonly clock: ManualClock;
  readonly logger: LogLines;
  readonly host: GroupHost;
  readonly partitions: readonly MemoryPartition[];
  deleteTopic(name: string): void;
  ask<A extends GroupApi>(api: A, body: Partial<GroupRequests[A]>, version?: number): Promise<GroupResponses[A]>;
}

let world: World;

function open(
  prepare: (cluster: FakeCluster) => void = () => {},
  config: Partial<Record<SettingName, unknown>> = {},
): World {
  const cluster = new FakeCluster();
  cluster.addTopic(OFFSETS, Array<number>(PARTITIONS).fill(1), { internal: true });
  cluster.addTopic('t');
  const partitions = [0, 1].map((partition) => cluster.partition(OFFSETS, partition));
  prepare(cluster);
  const services = fakeServices({ cluster, config: { 'group.initial.rebalance.delay.ms': 0, ...config } });
  const { clock, logger } = services;
  const imageListeners = new Set<(image: ClusterImage, delta: ImageDelta) => void>();
  const tracker = {
    get image() {
      return cluster.image;
    },
    onChange(listener: (image: ClusterImage, delta: ImageDelta) => void) {
      imageListeners.add(listener);
      return () => imageListeners.delete(listener);
    },
  };
  const host = new GroupHost({
    self: SELF,
    config: services.config,
    partitions: cluster,
    tracker,
    codecs: nodeCodecs,
    clock,
    random: new SeededRandom(3),
    logger,
  });
  world = {
    cluster,
    clock,
    logger,
    host,
    partitions,
    deleteTopic(name) {
      cluster.removeTopic(name);
      for (const listener of imageListeners) listener(cluster.image, { topics: [name] } as unknown as ImageDelta);
    },
    ask: (api, body, version = 5) =>
      host.handle(api, { version, clientId: 'c', clientHost: '/10.0.0.9', body: body as GroupRequests[typeof api] }),
  };
  return world;
}

afterEach(() => {
  world.host.close();
  expect(world.clock.pendingTimers).toBe(0);
  expect(world.partitions.map((partition) => partition.listenerCount)).toEqual([0, 0]);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The answer to a request that is not answered before its patience ends. */
async function late<T>(answer: Promise<T>): Promise<T> {
  await turn();
  world.clock.advance(1000);
  return answer;
}

/** The image gives the partition to another broker, and the replica follows. */
function lose(partition: number): void {
  world.cluster.setLeader(world.cluster.image.topics.get(OFFSETS)!.value, partition, 2);
  offsets(partition).resign();
  world.cluster.roleChanged(offsets(partition));
}

function win(partition: number, epoch: number): void {
  world.cluster.setLeader(world.cluster.image.topics.get(OFFSETS)!.value, partition, 1, epoch);
  offsets(partition).becomeLeader(epoch);
  world.cluster.roleChanged(offsets(partition));
}

function offsets(partition = 0): MemoryPartition {
  return world.partitions[partition]!;
}

/** Appends a committed offset as another coordinator would have. */
function store(partition: MemoryPartition, group: string, offset: number): void {
  const key = offsetCommitKey.write(1, { group, topic: 't', partition: 0 });
  const value = offsetCommitValue.write(3, {
    offset,
    leaderEpoch: -1,
    metadata: '',
    commitTimestamp: 1_700_000_000_000,
  });
  const bytes = encodeBatch({ records: [{ timestamp: 1_700_000_000_000, key, value }] });
  void partition.produce(bytes, [readBatchHeader(bytes)], { acks: 1, timeoutMs: 0 });
}

function recordsIn(partition: MemoryPartition) {
  return partition.batches.flatMap(({ bytes, header }) => decodeBatch(bytes, 0, header));
}

async function fetchOffset(group: string): Promise<{ errorCode: number; offset: number }> {
  const topics = [{ name: 't', partitionIndexes: [0] }];
  const { groups } = await world.ask(
    'OffsetFetch',
    { groups: [{ groupId: group, memberId: null, memberEpoch: -1, topics }], requireStable: false },
    8,
  );
  const [answer] = groups!;
  const partition = answer!.topics[0]?.partitions[0];
  return { errorCode: answer!.errorCode || (partition?.errorCode ?? 0), offset: partition?.committedOffset ?? -1 };
}

function commit(group: string, offset: number) {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' }];
  return world.ask(
    'OffsetCommit',
    {
      groupId: group,
      generationIdOrMemberEpoch: -1,
      retentionTimeMs: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: 't', partitions }],
    },
    8,
  );
}

const commitError = (response: GroupResponses['OffsetCommit']): number => response.topics[0]!.partitions[0]!.errorCode;

function join(group: string, memberId = '') {
  return world.ask(
    'JoinGroup',
    {
      groupId: group,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: new Uint8Array(0) }],
      reason: null,
    },
    5,
  );
}

async function joined(group: string) {
  const { memberId } = await join(group);
  const answer = join(group, memberId);
  await turn();
  world.clock.advance(0);
  return answer;
}

describe('loading', () => {
  it('records of an earlier leader: are served once the end of the log is committed, not before', async () => {
    open((cluster) => {
      const partition = cluster.partition(OFFSETS, 0);
      partition.commitAtOnce = false;
      store(partition, ZERO, 5);
      store(partition, ZERO, 7);
      partition.commit(1);
    });
    await turn();
    expect((await late(fetchOffset(ZERO))).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    const list = world.ask('ListGroups', { statesFilter: [], typesFilter: [] });
    expect((await late(list)).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    offsets().commit(2);
    await turn();
    expect(await fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 7 });
    expect(
      world.logger.matching(/__consumer_offsets-0: coordinator serves \d+ groups and 1 committed offsets/),
    ).toHaveLength(1);
  });

  it('many batches, read in small pieces: all are loaded', async () => {
    open(
      (cluster) => {
        for (let offset = 1; offset <= 60; offset++) store(cluster.partition(OFFSETS, 0), ZERO, offset);
      },
      { 'offsets.load.buffer.size': 1024 },
    );
    await turn();
    await turn();
    await eventually(() => world.logger.matching(/__consumer_offsets-0: coordinator serves/).length === 1, 'it serves');
    expect(await fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 60 });
  });

  it('a read that fails: is tried again later, and what was read is not lost', async () => {
    open((cluster) => {
      store(cluster.partition(OFFSETS, 0), ZERO, 5);
      cluster.partition(OFFSETS, 0).readError = new OttlaError('KAFKA_STORAGE_ERROR', 'the disk is slow today');
    });
    await turn();
    expect(world.logger.matching(/loading groups failed, trying again in 500 ms: the disk is slow today/)).toHaveLength(
      1,
    );
    world.clock.advance(500);
    await turn();
    expect(world.logger.matching(/trying again in 1000 ms/)).toHaveLength(1);
    const waiting = fetchOffset(ZERO);
    offsets().readError = null;
    await late(waiting);
    expect(await fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 5 });
  });

  it('a request that comes while loading: is answered as soon as the load is done', async () => {
    open((cluster) => {
      const partition = cluster.partition(OFFSETS, 0);
      partition.commitAtOnce = false;
      store(partition, ZERO, 5);
    });
    const answer = fetchOffset(ZERO);
    await turn();
    offsets().commit(1);
    expect(await answer).toEqual({ errorCode: 0, offset: 5 });
  });

  it('a heartbeat that comes while loading: is answered at once', async () => {
    open((cluster) => {
      const partition = cluster.partition(OFFSETS, 0);
      partition.commitAtOnce = false;
      store(partition, ZERO, 5);
    });
    const { errorCode } = await world.ask(
      'Heartbeat',
      { groupId: ZERO, generationId: 1, memberId: 'm', groupInstanceId: null },
      3,
    );
    expect(errorCode).toBe(0);
  });

  it('leadership lost while loading: the load ends and leaves nothing behind', async () => {
    open((cluster) => {
      const partition = cluster.partition(OFFSETS, 0);
      partition.commitAtOnce = false;
      store(partition, ZERO, 5);
    });
    await turn();
    lose(0);
    offsets().commit(1);
    await turn();
    expect((await fetchOffset(ZERO)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(world.logger.matching(/__consumer_offsets-0: coordinator serves/)).toEqual([]);
  });
});

describe('writing', () => {
  it('a commit: is answered when its record is below the high watermark, not before', async () => {
    open();
    await turn();
    offsets().commitAtOnce = false;
    let answered = false;
    const answer = commit(ZERO, 42).then((response) => {
      answered = true;
      return response;
    });
    await turn();
    expect([offsets().logEnd, answered]).toEqual([1, false]);
    offsets().commit(1);
    expect(commitError(await answer)).toBe(0);
    expect(await fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 42 });
    const [record] = recordsIn(offsets());
    expect(offsetCommitKey.read(record!.key!).message).toEqual({ group: ZERO, topic: 't', partition: 0 });
    expect(offsetCommitValue.read(record!.value!).message.offset).toBe(42);
    expect(record!.timestamp).toBe(world.clock.wall());
  });

  it.each(['NOT_ENOUGH_REPLICAS', 'NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT'] as const)(
    'a write refused with %s: an error on which the client tries again, and a log line',
    async (code) => {
      open();
      await turn();
      offsets().produceError = new OttlaError(code, 'refused');
      const errorCode = commitError(await commit(ZERO, 42));
      expect([ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR, ErrorCode.REQUEST_TIMED_OUT]).toContain(
        errorCode,
      );
      expect(world.logger.matching(new RegExp(`failed with ${code}`))).toHaveLength(1);
      offsets().produceError = null;
      expect(commitError(await commit(ZERO, 43))).toBe(0);
    },
  );
});

describe('leadership', () => {
  it('lost: what waits is answered NOT_COORDINATOR, and everything after', async () => {
    open();
    await turn();
    await joined(ZERO);
    const second = await join(ZERO);
    const waiting = join(ZERO, second.memberId);
    await turn();
    lose(0);
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await join(ZERO)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('lost and won again: a new coordinator has what was committed', async () => {
    open();
    await turn();
    await commit(ZERO, 42);
    lose(0);
    win(0, 3);
    await turn();
    expect(await fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 42 });
  });

  it('a later epoch of the same broker: a new coordinator, which the end of an older write does not reach', async () => {
    open();
    await turn();
    offsets().commitAtOnce = false;
    const answer = commit(ZERO, 42);
    await turn();
    win(0, 3);
    expect(commitError(await answer)).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await late(fetchOffset(ZERO))).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    offsets().commit(1);
    await turn();
    expect(await fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 42 });
  });

  it('given in the image, but the replica has not followed yet: a request waits for it', async () => {
    open();
    lose(0);
    const topic = world.cluster.image.topics.get(OFFSETS)!.value;
    world.cluster.setLeader(topic, 0, 1, 4);
    const answer = commit(ZERO, 42);
    await turn();
    win(0, 4);
    expect(commitError(await answer)).toBe(0);
  });

  it('given in the image, but the replica never follows: NOT_COORDINATOR after two seconds', async () => {
    open();
    lose(0);
    world.cluster.setLeader(world.cluster.image.topics.get(OFFSETS)!.value, 0, 1, 4);
    const answer = commit(ZERO, 42);
    await turn();
    world.clock.advance(2_000);
    expect(commitError(await answer)).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('the same epoch told again: nothing changes', async () => {
    open();
    await turn();
    const { memberId, generationId } = await joined(ZERO);
    world.cluster.roleChanged(offsets());
    const member = { groupId: ZERO, generationId: generationId!, memberId, groupInstanceId: null };
    expect((await world.ask('Heartbeat', member, 3)).errorCode).not.toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('of another topic: is not its business', async () => {
    open();
    world.cluster.partition('t').becomeLeader(9);
    world.cluster.roleChanged(world.cluster.partition('t'));
    await turn();
    expect(world.logger.matching(/coordinator serves/)).toHaveLength(PARTITIONS);
  });

  it('no topic of offsets at all: NOT_COORDINATOR in the form of each API', async () => {
    open((cluster) => cluster.removeTopic(OFFSETS));
    expect((await join(ZERO)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(commitError(await commit(ZERO, 1))).toBe(ErrorCode.NOT_COORDINATOR);
    const { results } = await world.ask('DeleteGroups', { groupsNames: [ZERO, ONE] }, 2);
    expect(results.map((result) => result.errorCode)).toEqual([ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR]);
  });
});

describe('requests for several groups', () => {
  it('DescribeGroups over two coordinators: one answer each, in the order asked', async () => {
    open();
    await turn();
    await joined(ZERO);
    await joined(ONE);
    const asked = [ONE, 'nobody', ZERO];
    const { groups } = await world.ask('DescribeGroups', { groups: asked, includeAuthorizedOperations: false }, 5);
    expect(groups.map((group) => group.groupId)).toEqual(asked);
    expect(groups.map((group) => group.members.length)).toEqual([1, 0, 1]);
  });

  it('one coordinator here, one elsewhere: each group has its own error', async () => {
    open();
    await turn();
    await commit(ZERO, 1);
    lose(1);
    const topics = null;
    const asked = [ONE, ZERO].map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics }));
    const { groups } = await world.ask('OffsetFetch', { groups: asked, requireStable: false }, 8);
    expect(groups!.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([
      [ONE, ErrorCode.NOT_COORDINATOR],
      [ZERO, 0],
    ]);
  });

  it('DeleteGroups over two coordinators: both are deleted', async () => {
    open();
    await turn();
    await commit(ZERO, 1);
    await commit(ONE, 1);
    const { results } = await world.ask('DeleteGroups', { groupsNames: [ONE, ZERO] }, 2);
    expect(results).toEqual([
      { groupId: ONE, errorCode: 0 },
      { groupId: ZERO, errorCode: 0 },
    ]);
    expect((await fetchOffset(ZERO)).offset).toBe(-1);
  });

  it('ListGroups: those of all coordinators together', async () => {
    open();
    await turn();
    await joined(ZERO);
    await joined(ONE);
    const { errorCode, groups } = await world.ask('ListGroups', { statesFilter: [], typesFilter: [] });
    expect(errorCode).toBe(0);
    expect(groups.map((group) => group.groupId).sort()).toEqual([ZERO, ONE].sort());
  });

  it('no group asked for: an empty answer', async () => {
    open();
    expect(await world.ask('DescribeGroups', { groups: [], includeAuthorizedOperations: false }, 5)).toEqual({
      groups: [],
    });
  });
});

describe('time and topics', () => {
  it('a member that stops its heartbeats: is out after its session, and the log says who and why', async () => {
    open();
    await turn();
    const { memberId, generationId } = await joined(ZERO);
    const sync = {
      groupId: ZERO,
      generationId: generationId!,
      memberId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
    };
    await world.ask('SyncGroup', { ...sync, assignments: [{ memberId, assignment: new Uint8Array(4) }] }, 3);
    world.clock.advance(9_999);
    expect(world.logger.matching(/is out/)).toEqual([]);
    world.clock.advance(1);
    expect(world.logger.matching(new RegExp(`group ${ZERO}: member ${memberId} is out: session timeout`))).toHaveLength(
      1,
    );
  });

  it('a rebalance: begins and ends in the log, with its cause and duration', async () => {
    open();
    await turn();
    await joined(ZERO);
    expect(world.logger.matching(/^info: group .: member .* of client c at \/10\.0\.0\.9 joins/)).toHaveLength(1);
    expect(world.logger.matching(/rebalance of \d+ members begins, ending generation 0/)).toHaveLength(1);
    await eventually(() => world.logger.matching(/generation 1 has 1 members after \d+ ms/).length <= 1, 'it ends');
  });

  it('a topic is deleted: its committed offsets are too', async () => {
    open();
    await turn();
    await commit(ZERO, 5);
    world.deleteTopic('t');
    await turn();
    expect(recordsIn(offsets()).at(-1)!.value).toBeNull();
    expect((await fetchOffset(ZERO)).offset).toBe(-1);
  });

  it('a wall clock that is set back: ends no session', async () => {
    open();
    await turn();
    const { memberId } = await joined(ZERO);
    const wall = world.clock.wall.bind(world.clock);
    world.clock.wall = () => wall() + 3_600_000;
    world.clock.advance(5_000);
    expect(world.logger.matching(/is out/)).toEqual([]);
    expect(memberId).not.toBe('');
  });

  it('a coordinator whose state is found broken: what waits is sent away, and another one is loaded from the log', async () => {
    open();
    await turn();
    await commit(ZERO, 5);
    await joined(ZERO);
    const second = await join(ZERO);
    const waiting = expect(join(ZERO, second.memberId)).rejects.toMatchObject({ code: 'NOT_COORDINATOR' });
    const step = jest.spyOn(GroupCoordinator.prototype, 'step').mockImplementationOnce(() => {
      throw new TypeError('an invariant is broken');
    });
    world.deleteTopic('t');
    step.mockRestore();
    await waiting;
    expect(world.logger.matching(/-0: the coordinator failed and is loaded anew: an invariant is broken/)).toHaveLength(
      1,
    );
    expect(await late(fetchOffset(ZERO))).toEqual({ errorCode: 0, offset: 5 });
  });

  it('a request that the coordinator fails on: is that request alone', async () => {
    open();
    await turn();
    const broken = { groupId: ZERO, topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }] };
    await expect(
      world.ask('OffsetCommit', { ...broken, memberId: '', generationIdOrMemberEpoch: -1 } as never, 8),
    ).rejects.toThrow();
    expect(commitError(await commit(ZERO, 5))).toBe(0);
  });

  it('closing: answers what waits and follows partitions no longer', async () => {
    open();
    await turn();
    await joined(ZERO);
    const second = await join(ZERO);
    const waiting = join(ZERO, second.memberId);
    world.host.close();
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    offsets(1).becomeLeader(8);
    world.cluster.roleChanged(offsets(1));
    await turn();
    expect(world.logger.matching(/coordinator serves/)).toHaveLength(PARTITIONS);
  });
});
