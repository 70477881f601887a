import { GroupCoordinator } from '@ottla/groups';
import { ErrorCode } from '@ottla/protocol';
import { eventually } from '../support/eventually';
import { commitError, GroupWorld, ONE, PARTITIONS, recordsIn, turn, ZERO } from '../support/group-world';

let world: GroupWorld;

function open(...given: ConstructorParameters<typeof GroupWorld>): void {
  world = new GroupWorld(...given);
}

afterEach(() => world.close());

describe('requests for several groups', () => {
  it('DescribeGroups over two coordinators: one answer each, in the order asked', async () => {
    open();
    await turn();
    await world.joined(ZERO);
    await world.joined(ONE);
    const asked = [ONE, 'nobody', ZERO];
    const { groups } = await world.ask('DescribeGroups', { groups: asked, includeAuthorizedOperations: false }, 5);
    expect(groups.map((group) => group.groupId)).toEqual(asked);
    expect(groups.map((group) => group.members.length)).toEqual([1, 0, 1]);
  });

  it('one coordinator here, one elsewhere: each group has its own error', async () => {
    open();
    await turn();
    await world.commit(ZERO, 1);
    world.lose(1);
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
    await world.commit(ZERO, 1);
    await world.commit(ONE, 1);
    const { results } = await world.ask('DeleteGroups', { groupsNames: [ONE, ZERO] }, 2);
    expect(results).toEqual([
      { groupId: ONE, errorCode: 0 },
      { groupId: ZERO, errorCode: 0 },
    ]);
    expect((await world.fetchOffset(ZERO)).offset).toBe(-1);
  });

  it('ListGroups: those of all coordinators together', async () => {
    open();
    await turn();
    await world.joined(ZERO);
    await world.joined(ONE);
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
    const { memberId, generationId } = await world.joined(ZERO);
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
    await world.joined(ZERO);
    expect(world.logger.matching(/^info: group .: member .* of client c at \/10\.0\.0\.9 joins/)).toHaveLength(1);
    expect(world.logger.matching(/rebalance of \d+ members begins, ending generation 0/)).toHaveLength(1);
    await eventually(() => world.logger.matching(/generation 1 has 1 members after \d+ ms/).length <= 1, 'it ends');
  });

  it('a topic is deleted: its committed offsets are too', async () => {
    open();
    await turn();
    await world.commit(ZERO, 5);
    world.deleteTopic('t');
    await turn();
    expect(recordsIn(world.offsets()).at(-1)!.value).toBeNull();
    expect((await world.fetchOffset(ZERO)).offset).toBe(-1);
  });

  it('a wall clock that is set back: ends no session', async () => {
    open();
    await turn();
    const { memberId } = await world.joined(ZERO);
    const wall = world.clock.wall.bind(world.clock);
    world.clock.wall = () => wall() + 3_600_000;
    world.clock.advance(5_000);
    expect(world.logger.matching(/is out/)).toEqual([]);
    expect(memberId).not.toBe('');
  });

  it('a coordinator whose state is found broken: what waits is sent away, and another one is loaded from the log', async () => {
    open();
    await turn();
    await world.commit(ZERO, 5);
    await world.joined(ZERO);
    const second = await world.join(ZERO);
    const waiting = expect(world.join(ZERO, second.memberId)).rejects.toMatchObject({ code: 'NOT_COORDINATOR' });
    const step = jest.spyOn(GroupCoordinator.prototype, 'step').mockImplementationOnce(() => {
      throw new TypeError('an invariant is broken');
    });
    world.deleteTopic('t');
    step.mockRestore();
    await waiting;
    expect(world.logger.matching(/-0: the coordinator failed and is loaded anew: an invariant is broken/)).toHaveLength(
      1,
    );
    expect(await world.late(world.fetchOffset(ZERO))).toEqual({ errorCode: 0, offset: 5 });
  });

  it('a request that the coordinator fails on: is that request alone', async () => {
    open();
    await turn();
    const broken = { groupId: ZERO, topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1 }] }] };
    await expect(
      world.ask('OffsetCommit', { ...broken, memberId: '', generationIdOrMemberEpoch: -1 } as never, 8),
    ).rejects.toThrow();
    expect(commitError(await world.commit(ZERO, 5))).toBe(0);
  });

  it('closing: answers what waits and follows partitions no longer', async () => {
    open();
    await turn();
    await world.joined(ZERO);
    const second = await world.join(ZERO);
    const waiting = world.join(ZERO, second.memberId);
    world.host.close();
    expect((await waiting).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    world.offsets(1).becomeLeader(8);
    world.cluster.roleChanged(world.offsets(1));
    await turn();
    expect(world.logger.matching(/coordinator serves/)).toHaveLength(PARTITIONS);
  });
});
