import { ErrorCode, errorName } from '@ottla/protocol';
import { bytes, Client, commitResult, Driver, joinBody, stabilize, syncResult } from './driver';

function staticGroup(): { driver: Driver; leader: Client; follower: Client } {
  const driver = new Driver();
  const leader = new Client(driver, 'leader', { groupInstanceId: 'i1' });
  const follower = new Client(driver, 'follower', { groupInstanceId: 'i2' });
  stabilize(driver, [leader, follower]);
  return { driver, leader, follower };
}

/** A new process with the same instance id. */
const restart = (client: Client): Client => new Client(client.driver, client.name, client.settings);

describe('a static member', () => {
  it('is let in at once, with an id made of its instance id', () => {
    const driver = new Driver();
    const member = new Client(driver, 'app', { groupInstanceId: 'i1' });
    const join = member.join();
    driver.settle();
    expect(member.joined(join)).toBe('NONE');
    expect(member.memberId).toBe('i1-seed1');
  });

  it('restarts in a stable group: no rebalance, its part stays, and the log has its new id', () => {
    const { driver, leader, follower } = staticGroup();
    const again = restart(follower);
    driver.hold = true;
    const join = again.join();
    expect(driver.isAnswered(join)).toBe(false);
    driver.confirm();
    expect(again.joined(join)).toBe('NONE');
    expect(again.memberId).not.toBe(follower.memberId);
    expect(again.generation).toBe(1);
    expect(syncResult(driver, again.sync())).toBe('to follower');
    expect(leader.heartbeat()).toBe('NONE');
    expect(driver.state('g')).toBe('Stable');

    driver.hold = false;
    driver.crash();
    expect(again.heartbeat()).toBe('NONE');
    expect(follower.heartbeat()).toBe('FENCED_INSTANCE_ID');
  });

  it('is fenced in every request once another process has its instance id', () => {
    const { driver, follower } = staticGroup();
    restart(follower).join();
    const join = follower.join();
    expect(errorName(driver.reply('JoinGroup', join).errorCode)).toBe('FENCED_INSTANCE_ID');
    expect(follower.heartbeat()).toBe('FENCED_INSTANCE_ID');
    expect(syncResult(driver, follower.sync())).toBe('FENCED_INSTANCE_ID');
    expect(commitResult(driver, follower.commit({ t: 1 }))).toBe('FENCED_INSTANCE_ID');
    const left = driver.reply('LeaveGroup', follower.leave()).members![0]!;
    expect(errorName(left.errorCode)).toBe('FENCED_INSTANCE_ID');
  });

  it('what its predecessor waits for is answered FENCED_INSTANCE_ID', () => {
    const { driver, leader, follower } = staticGroup();
    const waiting = leader.join();
    restart(leader).join();
    expect(errorName(driver.reply('JoinGroup', waiting).errorCode)).toBe('FENCED_INSTANCE_ID');

    follower.joined(follower.join());
    const sync = follower.sync();
    restart(follower).join();
    expect(syncResult(driver, sync)).toBe('FENCED_INSTANCE_ID');
  });

  it('the leader restarts, from version 9 on: it leads, is told the members, and is to skip the assignment', () => {
    const { driver, leader, follower } = staticGroup();
    const again = restart(leader);
    const answer = driver.reply('JoinGroup', again.join());
    expect(answer).toMatchObject({ skipAssignment: true, leader: answer.memberId, generationId: 1 });
    expect(answer.members.map(({ groupInstanceId }) => groupInstanceId)).toEqual(['i1', 'i2']);
    expect(follower.heartbeat()).toBe('NONE');
  });

  it('the leader restarts, before version 9: it is told the leader that it was, so that it assigns nothing', () => {
    const { driver, leader } = staticGroup();
    const answer = driver.reply('JoinGroup', restart(leader).join({}, 8));
    expect(answer).toMatchObject({ skipAssignment: false, leader: leader.memberId, members: [] });
  });

  it('restarts, and its new id cannot be written: the old id is the member again', () => {
    const { driver, follower } = staticGroup();
    const again = restart(follower);
    driver.hold = true;
    const join = again.join({ protocols: [{ name: 'range', metadata: bytes('other') }] });
    driver.fail('NOT_ENOUGH_REPLICAS');
    expect(driver.reply('JoinGroup', join)).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      memberId: '',
    });
    expect(follower.heartbeat()).toBe('NONE');
    expect(driver.describe('g').members[1]).toMatchObject({
      memberId: follower.memberId,
      memberMetadata: bytes('meta'),
      memberAssignment: bytes('to follower'),
    });
  });

  it('restarts twice before the first is written: the first is fenced and the second answered', () => {
    const { driver, follower } = staticGroup();
    driver.hold = true;
    const first = restart(follower).join();
    const second = restart(follower).join();
    expect(errorName(driver.reply('JoinGroup', first).errorCode)).toBe('FENCED_INSTANCE_ID');
    driver.confirmAll();
    expect(driver.reply('JoinGroup', second).errorCode).toBe(ErrorCode.NONE);
  });

  it('restarts and a rebalance begins before that is written: the rebalance answers it', () => {
    const { driver, leader, follower } = staticGroup();
    driver.hold = true;
    const again = restart(follower);
    const join = again.join();
    const lead = leader.join();
    driver.confirmAll();
    expect(again.joined(join)).toBe('NONE');
    expect(leader.joined(lead)).toBe('NONE');
    expect([again.generation, leader.generation]).toEqual([2, 2]);
  });

  it('restarts with another protocol than the selected one: the group rebalances', () => {
    const driver = new Driver();
    const protocols = ['range', 'sticky'].map((name) => ({ name, metadata: bytes(name) }));
    const only = new Client(driver, 'only', { groupInstanceId: 'i1', protocols });
    stabilize(driver, [only]);
    const again = restart(only);
    const join = again.join({ protocols: [protocols[1]!] });
    expect(again.joined(join)).toBe('NONE');
    expect(again.generation).toBe(2);
  });

  it('restarts while the leader assigns: a rebalance, for the leader knows only the old id', () => {
    const driver = new Driver();
    const leader = new Client(driver, 'leader', { groupInstanceId: 'i1' });
    const follower = new Client(driver, 'follower', { groupInstanceId: 'i2' });
    const joins = [leader.join(), follower.join()];
    driver.settle();
    leader.joined(joins[0]!);
    follower.joined(joins[1]!);
    const again = restart(follower);
    const join = again.join();
    expect(driver.state('g')).toBe('PreparingRebalance');
    expect(leader.joined(leader.join())).toBe('NONE');
    expect(again.joined(join)).toBe('NONE');
  });

  it('away during a rebalance: it stays a member until its session is over', () => {
    const driver = new Driver();
    const dynamic = new Client(driver, 'dynamic', { rebalanceTimeoutMs: 3_000 });
    const away = new Client(driver, 'away', { groupInstanceId: 'i1', rebalanceTimeoutMs: 3_000 });
    stabilize(driver, [dynamic, away]);
    const join = dynamic.join();
    driver.pass(3_000);
    expect(dynamic.joined(join)).toBe('NONE');
    dynamic.sync({ [dynamic.memberId]: 'mine' });
    expect(driver.describe('g').members).toHaveLength(2);
    driver.pass(3_000);
    expect(driver.describe('g').members).toHaveLength(1);
  });

  it('only static members, none rejoins: the group waits for their sessions to end', () => {
    const { driver, leader, follower } = staticGroup();
    const third = new Client(driver, 'third');
    const join = third.join();
    const leave = third.leave();
    expect(errorName(driver.reply('JoinGroup', join).errorCode)).toBe('UNKNOWN_MEMBER_ID');
    expect(driver.reply('LeaveGroup', leave).members![0]!.errorCode).toBe(ErrorCode.NONE);
    for (let i = 0; i < 8; i++) {
      driver.pass(5_000);
      leader.heartbeat();
      follower.heartbeat();
    }
    expect(driver.state('g')).toBe('PreparingRebalance');
    expect(driver.describe('g').members).toHaveLength(2);
    driver.pass(60_000);
    expect(driver.state('g')).toBe('Empty');
  });

  it('may be removed by its instance id alone', () => {
    const { driver, leader } = staticGroup();
    const remove = (groupInstanceId: string): string => {
      const members = [{ memberId: '', groupInstanceId, reason: null }];
      return errorName(driver.call('LeaveGroup', { groupId: 'g', memberId: '', members }).members![0]!.errorCode);
    };
    expect(remove('i3')).toBe('UNKNOWN_MEMBER_ID');
    expect(remove('i2')).toBe('NONE');
    expect(leader.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
  });

  it('comes with an instance id and the member id of a pending dynamic member: refused', () => {
    const driver = new Driver();
    const dynamic = new Client(driver, 'a');
    dynamic.memberId = driver.call('JoinGroup', joinBody()).memberId;
    const join = dynamic.join({ groupInstanceId: 'i1' });
    expect(errorName(driver.reply('JoinGroup', join).errorCode)).toBe('INVALID_REQUEST');
  });
});
