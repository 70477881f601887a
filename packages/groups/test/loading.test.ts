import { ErrorCode, errorName } from '@ottla/protocol';
import { groupMetadataKey, offsetCommitKey } from '../src';
import {
  bytes,
  Client,
  commitBody,
  commitResult,
  Driver,
  joinBody,
  OPTIONS,
  stabilize,
  syncBody,
  syncResult,
} from './driver';

const fetchBody = { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }], groups: [], requireStable: false };

/** The error of each request to a coordinator that doesn't serve. */
function errorsOf(driver: Driver): Record<string, string> {
  const members = [{ memberId: 'm', groupInstanceId: null, reason: null }];
  const heartbeat = { groupId: 'g', memberId: 'm', generationId: 1, groupInstanceId: null };
  const described = driver.call('DescribeGroups', { groups: ['g'], includeAuthorizedOperations: false }).groups[0]!;
  const codes = {
    JoinGroup: driver.call('JoinGroup', joinBody()).errorCode,
    SyncGroup: driver.call('SyncGroup', syncBody()).errorCode,
    Heartbeat: driver.call('Heartbeat', heartbeat).errorCode,
    LeaveGroup: driver.call('LeaveGroup', { groupId: 'g', memberId: '', members }).errorCode,
    OffsetCommit: driver.call('OffsetCommit', commitBody({ t: 1 })).topics[0]!.partitions[0]!.errorCode,
    'OffsetFetch 1': driver.call('OffsetFetch', fetchBody, { version: 1 }).topics![0]!.partitions[0]!.errorCode,
    'OffsetFetch 7': driver.call('OffsetFetch', fetchBody, { version: 7 }).errorCode!,
    'OffsetFetch 8': driver.call(
      'OffsetFetch',
      { ...fetchBody, groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: null }] },
      { version: 8 },
    ).groups![0]!.errorCode!,
    DescribeGroups: described.errorCode,
    ListGroups: driver.call('ListGroups', { statesFilter: [], typesFilter: [] }).errorCode,
    DeleteGroups: driver.call('DeleteGroups', { groupsNames: ['g'] }).results[0]!.errorCode,
  };
  return Object.fromEntries(Object.entries(codes).map(([api, code]) => [api, errorName(code)]));
}

describe('a coordinator that loads', () => {
  it('answers COORDINATOR_LOAD_IN_PROGRESS to all but heartbeats, whose members shall just go on', () => {
    const { Heartbeat, ...others } = errorsOf(new Driver(OPTIONS, [], false));
    expect(Heartbeat).toBe('NONE');
    expect(new Set(Object.values(others))).toEqual(new Set(['COORDINATOR_LOAD_IN_PROGRESS']));
  });

  it('has no deadline', () => {
    const before = new Driver();
    stabilize(before, [new Client(before, 'a')]);
    const driver = new Driver(OPTIONS, before.log, false);
    driver.step({ type: 'load', records: driver.log });
    expect(driver.coordinator.nextDeadline()).toBeNull();
  });

  it('gives members a full session from when it serves', () => {
    const driver = new Driver();
    const a = new Client(driver, 'a');
    stabilize(driver, [a]);
    driver.pass(9_000);
    driver.crash();
    driver.pass(9_999);
    expect(a.heartbeat()).toBe('NONE');
    driver.pass(10_000);
    expect(driver.state('g')).toBe('Empty');
  });

  it('skips what it cannot read, and says so', () => {
    const driver = new Driver(OPTIONS, [], false);
    const key = offsetCommitKey.write(1, { group: 'g', topic: 't', partition: 0 });
    const timestamp = 0;
    driver.log.push(
      { key: null, value: bytes('x'), timestamp },
      { key: new Uint8Array([0, 3, 0, 1, 0x67]), value: bytes('x'), timestamp },
      { key: new Uint8Array([0, 3, 0, 1, 0x68]), value: bytes('x'), timestamp },
      { key: new Uint8Array([0]), value: null, timestamp },
      { key, value: new Uint8Array([0, 3, 1]), timestamp },
      { key: groupMetadataKey.write(2, { group: 'g' }), value: new Uint8Array([0, 77]), timestamp },
    );
    driver.load();
    const skipped = driver.events.flatMap((event) => (event.kind === 'records-skipped' ? [event.records] : []));
    expect(skipped).toEqual([1, 2, 1, 1, 1]);
    expect(driver.events.at(-1)).toEqual({ kind: 'loaded', groups: 0, offsets: 0 });
  });

  it('a group that loads twice, or whose log ends in its tombstone, is as the log says', () => {
    const driver = new Driver();
    const a = new Client(driver, 'a');
    stabilize(driver, [a]);
    a.commit({ t: 4 });
    driver.log.push(...driver.log);
    driver.crash();
    expect([driver.state('g'), driver.offset('g', 't', 0)]).toEqual(['Stable', 4]);
    driver.log.push({ key: groupMetadataKey.write(2, { group: 'g' }), value: null, timestamp: 0 });
    driver.crash();
    expect([driver.state('g'), driver.offset('g', 't', 0)]).toEqual(['Empty', 4]);
    driver.log.push({
      key: offsetCommitKey.write(1, { group: 'g', topic: 't', partition: 0 }),
      value: null,
      timestamp: 0,
    });
    driver.crash();
    expect(driver.describe('g').errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });
});

describe('a coordinator that loses leadership', () => {
  it('answers NOT_COORDINATOR to everything', () => {
    const driver = new Driver();
    driver.step({ type: 'unload' });
    expect(new Set(Object.values(errorsOf(driver)))).toEqual(new Set(['NOT_COORDINATOR']));
    expect(driver.coordinator.nextDeadline()).toBeNull();
  });

  it('answers all that waits: joins, syncs, commits, leaves, deletions', () => {
    const driver = new Driver();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => new Client(driver, name, { groupId: name }));
    stabilize(driver, [b!]);
    stabilize(driver, [d!]);
    driver.call('OffsetCommit', commitBody({ t: 1 }, { groupId: 'deleted' }));
    const joins = [c!.join()];
    driver.settle();
    c!.joined(joins[0]!);
    driver.hold = true;
    const sync = c!.sync({ [c!.memberId]: 'x' });
    const commit = b!.commit({ t: 1 });
    const leave = d!.leave();
    const deletion = driver.send('DeleteGroups', { groupsNames: ['deleted'] });
    const join = a!.join();
    for (const request of [sync, commit, leave, deletion, join]) expect(driver.isAnswered(request)).toBe(false);

    driver.step({ type: 'unload' });
    expect(syncResult(driver, sync)).toBe('NOT_COORDINATOR');
    expect(commitResult(driver, commit)).toBe('NOT_COORDINATOR');
    expect(errorName(driver.reply('LeaveGroup', leave).errorCode)).toBe('NOT_COORDINATOR');
    expect(errorName(driver.reply('DeleteGroups', deletion).results[0]!.errorCode)).toBe('NOT_COORDINATOR');
    expect(errorName(driver.reply('JoinGroup', join).errorCode)).toBe('NOT_COORDINATOR');
  });

  it('ignores outcomes of writes that come late', () => {
    const driver = new Driver();
    driver.hold = true;
    driver.send('OffsetCommit', commitBody({ t: 1 }));
    driver.step({ type: 'unload' });
    expect(driver.step({ type: 'written', writeId: driver.waiting[0]!.writeId })).toEqual([]);
    expect(driver.step({ type: 'write-failed', writeId: 99, error: 'REQUEST_TIMED_OUT' })).toEqual([]);
  });
});
