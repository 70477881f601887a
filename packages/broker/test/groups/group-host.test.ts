import { offsetCommitKey, offsetCommitValue } from '@ottla/groups';
import { ErrorCode, OttlaError } from '@ottla/protocol';
import { eventually } from '../support/eventually';
import {
  commitError,
  GroupWorld,
  OFFSETS,
  ONE,
  PARTITIONS,
  recordsIn,
  store,
  turn,
  ZERO,
} from '../support/group-world';

let world: GroupWorld;

function open(...given: ConstructorParameters<typeof GroupWorld>): void {
  world = new GroupWorld(...given);
}

afterEach(() => world.close());

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
    expect((await world.late(world.fetchOffset(ZERO))).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    const list = world.ask('ListGroups', { statesFilter: [], typesFilter: [] });
    expect((await world.late(list)).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    world.offsets().commit(2);
    await turn();
    expect(await world.fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 7 });
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
    expect(await world.fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 60 });
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
    const waiting = world.fetchOffset(ZERO);
    world.offsets().readError = null;
    await world.late(waiting);
    expect(await world.fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 5 });
  });

  it('a request that comes while loading: is answered as soon as the load is done', async () => {
    open((cluster) => {
      const partition = cluster.partition(OFFSETS, 0);
      partition.commitAtOnce = false;
      store(partition, ZERO, 5);
    });
    const answer = world.fetchOffset(ZERO);
    await turn();
    world.offsets().commit(1);
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
    world.lose(0);
    world.offsets().commit(1);
    await turn();
    expect((await world.fetchOffset(ZERO)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(world.logger.matching(/__consumer_offsets-0: coordinator serves/)).toEqual([]);
  });
});

describe('writing', () => {
  it('a commit: is answered when its record is below the high watermark, not before', async () => {
    open();
    await turn();
    world.offsets().commitAtOnce = false;
    let answered = false;
    const answer = world.commit(ZERO, 42).then((response) => {
      answered = true;
      return response;
    });
    await turn();
    expect([world.offsets().logEnd, answered]).toEqual([1, false]);
    world.offsets().commit(1);
    expect(commitError(await answer)).toBe(0);
    expect(await world.fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 42 });
    const [record] = recordsIn(world.offsets());
    expect(offsetCommitKey.read(record!.key!).message).toEqual({ group: ZERO, topic: 't', partition: 0 });
    expect(offsetCommitValue.read(record!.value!).message.offset).toBe(42);
    expect(record!.timestamp).toBe(world.clock.wall());
  });

  it.each(['NOT_ENOUGH_REPLICAS', 'NOT_LEADER_OR_FOLLOWER', 'REQUEST_TIMED_OUT'] as const)(
    'a write refused with %s: an error on which the client tries again, and a log line',
    async (code) => {
      open();
      await turn();
      world.offsets().produceError = new OttlaError(code, 'refused');
      const errorCode = commitError(await world.commit(ZERO, 42));
      expect([ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR, ErrorCode.REQUEST_TIMED_OUT]).toContain(
        errorCode,
      );
      expect(world.logger.matching(new RegExp(`failed with ${code}`))).toHaveLength(1);
      world.offsets().produceError = null;
      expect(commitError(await world.commit(ZERO, 43))).toBe(0);
    },
  );
});

describe('leadership', () => {
  it('lost: what waits is answered NOT_COORDINATOR, and everything after', async () => {
    open();
    await turn();
    await world.joined(ZERO);
    const second = await world.join(ZERO);
    const waiting = world.join(ZERO, second.memberId);
    await turn();
    world.lose(0);
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await world.join(ZERO)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('lost and won again: a new coordinator has what was committed', async () => {
    open();
    await turn();
    await world.commit(ZERO, 42);
    world.lose(0);
    world.win(0, 3);
    await turn();
    expect(await world.fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 42 });
  });

  it('a later epoch of the same broker: a new coordinator, which the end of an older write does not reach', async () => {
    open();
    await turn();
    world.offsets().commitAtOnce = false;
    const answer = world.commit(ZERO, 42);
    await turn();
    world.win(0, 3);
    expect(commitError(await answer)).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await world.late(world.fetchOffset(ZERO))).errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    world.offsets().commit(1);
    await turn();
    expect(await world.fetchOffset(ZERO)).toEqual({ errorCode: 0, offset: 42 });
  });

  it('given in the image, but the replica has not followed yet: a request waits for it', async () => {
    open();
    world.lose(0);
    world.lead(0, 1, 4);
    const answer = world.commit(ZERO, 42);
    await turn();
    world.win(0, 4);
    expect(commitError(await answer)).toBe(0);
  });

  it('given in the image, but the replica never follows: NOT_COORDINATOR after two seconds', async () => {
    open();
    world.lose(0);
    world.lead(0, 1, 4);
    const answer = world.commit(ZERO, 42);
    await turn();
    world.clock.advance(2_000);
    expect(commitError(await answer)).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('the same epoch told again: nothing changes', async () => {
    open();
    await turn();
    const { memberId, generationId } = await world.joined(ZERO);
    world.cluster.roleChanged(world.offsets());
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
    expect((await world.join(ZERO)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(commitError(await world.commit(ZERO, 1))).toBe(ErrorCode.NOT_COORDINATOR);
    const { results } = await world.ask('DeleteGroups', { groupsNames: [ZERO, ONE] }, 2);
    expect(results.map((result) => result.errorCode)).toEqual([ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR]);
  });
});
