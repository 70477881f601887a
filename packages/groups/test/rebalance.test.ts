import { ErrorCode, errorName } from '@ottla/protocol';
import { bytes, Client, commitBody, Driver, joinBody, OPTIONS, stabilize, syncResult } from './driver';

const clients = (driver: Driver, ...names: string[]): Client[] => names.map((name) => new Client(driver, name));

describe('the first rebalance of a group', () => {
  const options = { ...OPTIONS, groupInitialRebalanceDelayMs: 3_000 };

  it('waits for the initial delay, although the only known member has joined', () => {
    const driver = new Driver(options);
    const a = new Client(driver, 'a');
    const join = a.join();
    driver.pass(2_999);
    expect(driver.isAnswered(join)).toBe(false);
    driver.pass(1);
    expect(a.joined(join)).toBe('NONE');
    expect(a.generation).toBe(1);
  });

  it('a member that comes during the delay prolongs it by another', () => {
    const driver = new Driver(options);
    const [a, b] = clients(driver, 'a', 'b');
    const first = a!.join();
    driver.pass(2_000);
    const second = b!.join();
    driver.pass(1_500);
    expect(driver.isAnswered(first)).toBe(false);
    driver.pass(2_500);
    expect([a!.joined(first), b!.joined(second)]).toEqual(['NONE', 'NONE']);
  });

  it('is prolonged to the rebalance timeout and no further', () => {
    const driver = new Driver(options);
    const a = new Client(driver, 'a', { rebalanceTimeoutMs: 10_000 });
    const join = a.join();
    for (let i = 0; i < 9; i++) {
      driver.pass(1_100);
      new Client(driver, `late${i}`, { rebalanceTimeoutMs: 10_000 }).join();
    }
    driver.pass(99);
    expect(driver.isAnswered(join)).toBe(false);
    driver.pass(1);
    expect(a.joined(join)).toBe('NONE');
  });

  it('everybody left during the delay: the group is empty after it', () => {
    const driver = new Driver(options);
    const a = new Client(driver, 'a');
    const join = a.join();
    const leave = a.leave();
    expect(errorName(driver.reply('JoinGroup', join).errorCode)).toBe('UNKNOWN_MEMBER_ID');
    expect(driver.reply('LeaveGroup', leave).members![0]!.errorCode).toBe(0);
    driver.pass(3_000);
    expect(driver.state('g')).toBe('Empty');
  });
});

describe('joining', () => {
  it.each<[string, Partial<Parameters<typeof joinBody>[0]>, string]>([
    ['an empty group id', { groupId: '' }, 'INVALID_GROUP_ID'],
    ['a session timeout below the minimum', { sessionTimeoutMs: 999 }, 'INVALID_SESSION_TIMEOUT'],
    ['a session timeout above the maximum', { sessionTimeoutMs: 60_001 }, 'INVALID_SESSION_TIMEOUT'],
    ['a group id that no record can hold', { groupId: 'x'.repeat(40_000) }, 'INVALID_GROUP_ID'],
    ['an instance id that no record can hold', { groupInstanceId: '\u{20ac}'.repeat(11_000) }, 'INVALID_REQUEST'],
    ['no protocol', { protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'],
    ['no protocol type', { protocolType: '' }, 'INCONSISTENT_GROUP_PROTOCOL'],
  ])('%s is refused, and leaves no group behind', (_what, change, error) => {
    const driver = new Driver();
    expect(errorName(driver.call('JoinGroup', joinBody(change)).errorCode)).toBe(error);
    expect(driver.call('ListGroups', { statesFilter: [], typesFilter: [] }).groups).toEqual([]);
  });

  it('a first join of version 4 on is given an id made of client id and seed', () => {
    const driver = new Driver();
    const answer = driver.call('JoinGroup', joinBody(), { client: 'app', version: 4 });
    expect(answer).toMatchObject({ errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId: 'app-seed1' });
  });

  it.each([
    [6, ''],
    [7, null],
  ])('an error in version %i names the protocol %p', (version, protocolName) => {
    const driver = new Driver();
    expect(driver.call('JoinGroup', joinBody({ groupId: '' }), { version }).protocolName).toBe(protocolName);
  });

  it('only the leader is told the members, with their metadata', () => {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    const joins = [a!.join(), b!.join({ protocols: [{ name: 'range', metadata: bytes('of b') }] })];
    driver.settle();
    const [toLeader, toFollower] = joins.map((join) => driver.reply('JoinGroup', join));
    expect(toLeader).toMatchObject({
      errorCode: 0,
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: a!.memberId,
      members: [
        { memberId: a!.memberId, metadata: bytes('meta') },
        { memberId: b!.memberId, metadata: bytes('of b') },
      ],
    });
    expect(toFollower).toMatchObject({ leader: a!.memberId, members: [] });
  });

  it.each([
    ['the protocol that all have', [['x', 'range'], ['range', 'y'], ['range']], 'range'],
    [
      'of those that all have, the one that most prefer',
      [
        ['a', 'b'],
        ['b', 'a'],
        ['b', 'a'],
      ],
      'b',
    ],
    [
      'a member votes for the first that all have',
      [
        ['only1', 'a', 'b'],
        ['a', 'b'],
        ['b', 'a', 'only3'],
      ],
      'a',
    ],
  ])('the group selects %s', (_what, offers, selected) => {
    const driver = new Driver();
    const joins = offers.map((names, i) =>
      new Client(driver, `m${i}`).join({ protocols: names.map((name) => ({ name, metadata: bytes(name) })) }),
    );
    driver.settle();
    expect(driver.reply('JoinGroup', joins[0]!).protocolName).toBe(selected);
  });

  it('a member that was given an id holds the rebalance up until it joins', () => {
    const driver = new Driver();
    const [a] = clients(driver, 'a');
    stabilize(driver, [a!]);
    const { memberId } = driver.call('JoinGroup', joinBody());
    const rejoin = a!.join();
    expect(driver.isAnswered(rejoin)).toBe(false);
    const join = driver.send('JoinGroup', joinBody({ memberId }));
    expect(driver.isAnswered(join)).toBe(true);
    expect(a!.joined(rejoin)).toBe('NONE');
  });

  it('a member that was given an id and never joins is forgotten after its session timeout', () => {
    const driver = new Driver();
    const [a] = clients(driver, 'a');
    stabilize(driver, [a!]);
    const { memberId } = driver.call('JoinGroup', joinBody({ sessionTimeoutMs: 5_000 }));
    const rejoin = a!.join();
    driver.pass(5_000);
    expect(a!.joined(rejoin)).toBe('NONE');
    expect(errorName(driver.call('JoinGroup', joinBody({ memberId })).errorCode)).toBe('UNKNOWN_MEMBER_ID');
  });

  it('a JoinGroup sent again: the earlier one is told to rejoin, and the later one waits', () => {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    stabilize(driver, [a!, b!]);
    const first = a!.join();
    const again = a!.join();
    expect(errorName(driver.reply('JoinGroup', first).errorCode)).toBe('REBALANCE_IN_PROGRESS');
    expect(driver.isAnswered(again)).toBe(false);
  });

  it('metadata is kept as it was, although the request buffer is used again', () => {
    const driver = new Driver();
    const metadata = bytes('mine');
    const join = driver.send('JoinGroup', joinBody({ protocols: [{ name: 'range', metadata }] }), { version: 3 });
    metadata.fill(0);
    driver.settle();
    expect(driver.reply('JoinGroup', join).members[0]!.metadata).toEqual(bytes('mine'));
  });

  it('more members than may be pending: later ones are told to come again', () => {
    const driver = new Driver({ ...OPTIONS, maxPendingRequestsPerGroup: 2 });
    const errors = [1, 2, 3].map(() => errorName(driver.call('JoinGroup', joinBody()).errorCode));
    expect(errors).toEqual(['MEMBER_ID_REQUIRED', 'MEMBER_ID_REQUIRED', 'COORDINATOR_LOAD_IN_PROGRESS']);
  });
});

describe('a rebalance', () => {
  it('members that do not rejoin within the rebalance timeout are out, and another leads', () => {
    const driver = new Driver();
    const [a, b, c] = clients(driver, 'a', 'b', 'c');
    stabilize(driver, [a!, b!, c!]);
    const rejoin = b!.join({ protocols: [{ name: 'range', metadata: bytes('new') }] });
    const other = c!.join();
    for (let i = 0; i < 6; i++) {
      driver.pass(5_000);
      if (i < 5) expect(a!.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    }
    expect([b!.joined(rejoin), c!.joined(other)]).toEqual(['NONE', 'NONE']);
    expect(b!).toMatchObject({ isLeader: true, generation: 2 });
    expect(a!.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(driver.events).toContainEqual({
      kind: 'member-departed',
      group: 'g',
      member: a!.memberId,
      instance: null,
      cause: 'did not rejoin within the rebalance timeout',
      reason: null,
    });
  });

  it('a member without heartbeats expires, and the others are called to rejoin', () => {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    stabilize(driver, [a!, b!]);
    driver.pass(9_999);
    expect(b!.heartbeat()).toBe('NONE');
    driver.pass(1);
    expect(b!.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(b!.joined(b!.join())).toBe('NONE');
    expect(b!).toMatchObject({ isLeader: true, generation: 2 });
  });

  it('the log is told who, why and how long', () => {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    stabilize(driver, [a!, b!]);
    driver.events.length = 0;
    driver.pass(6_000);
    a!.heartbeat();
    driver.pass(4_000);
    const start = driver.now;
    driver.pass(250);
    a!.joined(a!.join());
    a!.sync({ [a!.memberId]: 'all' });
    const cause = `member ${b!.memberId} expired`;
    expect(driver.events).toEqual([
      expect.objectContaining({ kind: 'member-departed', member: b!.memberId, cause: 'session timeout' }),
      { kind: 'rebalance-started', group: 'g', generation: 1, members: 1, cause },
      {
        kind: 'rebalance-completed',
        group: 'g',
        generation: 2,
        members: 1,
        leader: a!.memberId,
        protocol: 'range',
        cause,
        durationMs: driver.now - start,
      },
    ]);
  });

  it('a member that waits for the rebalance does not expire, however long its session is over', () => {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    stabilize(driver, [a!, b!]);
    const rejoin = a!.join();
    for (let i = 0; i < 5; i++) {
      driver.pass(5_000);
      b!.heartbeat();
    }
    expect(driver.isAnswered(rejoin)).toBe(false);
    expect(driver.describe('g').members).toHaveLength(2);
  });

  it('a member that is new to the group expires after five minutes of waiting', () => {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    stabilize(driver, [a!]);
    a!.settings.rebalanceTimeoutMs = 600_000;
    stabilize(driver, [a!]);
    const join = b!.join();
    for (let i = 0; i < 60; i++) {
      driver.pass(5_000);
      a!.heartbeat();
    }
    expect(errorName(driver.reply('JoinGroup', join).errorCode)).toBe('UNKNOWN_MEMBER_ID');
  });

  it('members that were told the generation and do not sync are out after the rebalance timeout', () => {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    const joins = [a!.join(), b!.join()];
    driver.settle();
    a!.joined(joins[0]!);
    b!.joined(joins[1]!);
    const sync = b!.sync();
    for (let i = 0; i < 6; i++) {
      a!.heartbeat();
      driver.pass(5_000);
    }
    expect(syncResult(driver, sync)).toBe('REBALANCE_IN_PROGRESS');
    expect(a!.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(b!.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
  });

  it('the last member leaves: the answer waits until the log says that the group is empty', () => {
    const driver = new Driver();
    const [a] = clients(driver, 'a');
    stabilize(driver, [a!]);
    driver.hold = true;
    const leave = a!.leave();
    expect(driver.isAnswered(leave)).toBe(false);
    driver.confirm();
    expect(driver.reply('LeaveGroup', leave)).toMatchObject({ errorCode: 0, members: [{ errorCode: 0 }] });
    driver.hold = false;
    driver.crash();
    expect(driver.state('g')).toBe('Empty');
    const [b] = clients(driver, 'b');
    stabilize(driver, [b!]);
    expect(b!.generation).toBe(3);
  });
});

describe('LeaveGroup', () => {
  it('before version 3 takes one member, and its error is the answer', () => {
    const driver = new Driver();
    const [a] = clients(driver, 'a');
    stabilize(driver, [a!]);
    const leave = (memberId: string): string =>
      errorName(driver.call('LeaveGroup', { groupId: 'g', memberId, members: [] }, { version: 2 }).errorCode);
    expect(leave('nobody')).toBe('UNKNOWN_MEMBER_ID');
    expect(leave(a!.memberId)).toBe('NONE');
    expect(leave(a!.memberId)).toBe('UNKNOWN_MEMBER_ID');
  });

  it('takes several members, each with its own result', () => {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    stabilize(driver, [a!, b!]);
    const pending = driver.call('JoinGroup', joinBody()).memberId;
    const members = [a!.memberId, 'nobody', pending].map((memberId) => ({
      memberId,
      groupInstanceId: null,
      reason: null,
    }));
    const answer = driver.call('LeaveGroup', { groupId: 'g', memberId: '', members });
    expect(answer.members!.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'UNKNOWN_MEMBER_ID', 'NONE']);
    expect(driver.describe('g').members.map(({ memberId }) => memberId)).toEqual([b!.memberId]);
  });
});

describe('group.max.size', () => {
  const options = { ...OPTIONS, groupMaxSize: 2 };

  it('one more member than it allows is turned away', () => {
    const driver = new Driver(options);
    const [a, b] = clients(driver, 'a', 'b');
    stabilize(driver, [a!, b!]);
    expect(driver.call('JoinGroup', joinBody())).toMatchObject({
      errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED,
      memberId: '',
    });
    expect(a!.heartbeat()).toBe('NONE');
  });

  it('a group loaded over its size rebalances, and sheds whoever rejoins last', () => {
    const before = new Driver();
    const three = clients(before, 'a', 'b', 'c');
    stabilize(before, three);
    const driver = new Driver(options, before.log);
    const [a, b, c] = three.map((client) =>
      Object.assign(new Client(driver, client.name), { memberId: client.memberId }),
    );
    expect(driver.state('g')).toBe('PreparingRebalance');
    const joins = [a!.join(), b!.join()];
    const last = c!.join();
    expect(errorName(driver.reply('JoinGroup', last).errorCode)).toBe('GROUP_MAX_SIZE_REACHED');
    expect(joins.map((join, i) => [a!, b!][i]!.joined(join))).toEqual(['NONE', 'NONE']);
  });
});

describe('the assignment', () => {
  function completing(): { driver: Driver; a: Client; b: Client } {
    const driver = new Driver();
    const [a, b] = clients(driver, 'a', 'b');
    const joins = [a!.join(), b!.join()];
    driver.settle();
    a!.joined(joins[0]!);
    b!.joined(joins[1]!);
    driver.hold = true;
    return { driver, a: a!, b: b! };
  }

  it('is given to nobody before it is in the log', () => {
    const { driver, a, b } = completing();
    const syncs = [b.sync(), a.sync({ [a.memberId]: 'p0', [b.memberId]: 'p1' })];
    expect(syncs.map((sync) => driver.isAnswered(sync))).toEqual([false, false]);
    expect(driver.state('g')).toBe('CompletingRebalance');
    driver.confirm();
    expect(syncs.map((sync) => syncResult(driver, sync))).toEqual(['p1', 'p0']);
    expect(driver.state('g')).toBe('Stable');
  });

  it('leaves out a member: that one gets an empty part', () => {
    const { driver, a, b } = completing();
    const sync = b.sync();
    a.sync({ [a.memberId]: 'all' });
    driver.confirm();
    expect(syncResult(driver, sync)).toBe('');
  });

  it('a leader that sends it twice writes it once, so that what is in the log is what members were given', () => {
    const { driver, a, b } = completing();
    const first = a.sync({ [a.memberId]: 'first' });
    const second = a.sync({ [a.memberId]: 'second' });
    expect(driver.waiting).toHaveLength(1);
    driver.confirm();
    expect(syncResult(driver, first)).toBe('REBALANCE_IN_PROGRESS');
    expect(syncResult(driver, second)).toBe('first');
    expect(syncResult(driver, b.sync())).toBe('');
  });

  it('a member joins while it is being written: all rejoin, and what was written counts for nothing', () => {
    const { driver, a, b } = completing();
    const syncs = [a.sync({ [a.memberId]: 'p0', [b.memberId]: 'p1' }), b.sync()];
    new Client(driver, 'c').join();
    expect(syncs.map((sync) => syncResult(driver, sync))).toEqual(['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS']);
    driver.confirm();
    expect(driver.state('g')).toBe('PreparingRebalance');
  });

  it.each([
    ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE'],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'COORDINATOR_NOT_AVAILABLE'],
    ['REQUEST_TIMED_OUT', 'COORDINATOR_NOT_AVAILABLE'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'COORDINATOR_NOT_AVAILABLE'],
    ['NOT_LEADER_OR_FOLLOWER', 'NOT_COORDINATOR'],
    ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
    ['MESSAGE_TOO_LARGE', 'UNKNOWN_SERVER_ERROR'],
    ['CORRUPT_MESSAGE', 'CORRUPT_MESSAGE'],
  ] as const)('its write fails with %s: members get %s, and the group rebalances', (failure, error) => {
    const { driver, a, b } = completing();
    const syncs = [a.sync({ [a.memberId]: 'p0', [b.memberId]: 'p1' }), b.sync()];
    driver.fail(failure);
    expect(syncs.map((sync) => syncResult(driver, sync))).toEqual([error, error]);
    expect(driver.state('g')).toBe('PreparingRebalance');
    expect(driver.events.at(-2)).toMatchObject({ kind: 'write-failed', group: 'g', error: failure });
    driver.hold = false;
    const joins = [a.join(), b.join()];
    expect([a.joined(joins[0]!), b.joined(joins[1]!)]).toEqual(['NONE', 'NONE']);
    expect(a.generation).toBe(2);
  });

  it('after it is written, who syncs late gets the same', () => {
    const { driver, a, b } = completing();
    a.sync({ [a.memberId]: 'p0', [b.memberId]: 'p1' });
    driver.confirm();
    expect(syncResult(driver, b.sync())).toBe('p1');
    expect(syncResult(driver, b.sync())).toBe('p1');
  });

  it('committing keeps a member alive as a heartbeat does', () => {
    const driver = new Driver();
    const [a] = clients(driver, 'a');
    stabilize(driver, [a!]);
    for (let i = 0; i < 4; i++) {
      driver.pass(6_000);
      a!.commit({ t: i });
    }
    expect(driver.state('g')).toBe('Stable');
    expect(driver.call('OffsetCommit', commitBody({ t: 9 })).topics[0]!.partitions[0]!.errorCode).toBe(
      ErrorCode.UNKNOWN_MEMBER_ID,
    );
  });
});
