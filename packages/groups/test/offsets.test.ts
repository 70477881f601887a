import { ErrorCode, errorName } from '@ottla/protocol';
import { offsetCommitKey, offsetCommitValue } from '../src';
import { Client, commitBody, commitResult, Driver, OPTIONS, stabilize } from './driver';

const DAY = 86_400_000;

describe('committing offsets', () => {
  it('is answered, and seen by others, when the offset is in the log', () => {
    const driver = new Driver();
    driver.hold = true;
    const commit = driver.send('OffsetCommit', commitBody({ 't/1': 42 }));
    expect(driver.isAnswered(commit)).toBe(false);
    expect(driver.offset('g', 't', 1)).toBe(-1);
    expect(driver.offset('g', 't', 1, true)).toBe('UNSTABLE_OFFSET_COMMIT');
    driver.confirm();
    expect(commitResult(driver, commit)).toBe('NONE');
    expect(driver.offset('g', 't', 1)).toBe(42);
    expect(driver.offset('g', 't', 1, true)).toBe(42);
  });

  it('keeps metadata and leader epoch', () => {
    const driver = new Driver();
    const body = commitBody({ t: 7 }, { metadata: 'hello' });
    body.topics[0]!.partitions[0]!.committedLeaderEpoch = 3;
    driver.call('OffsetCommit', body);
    driver.crash();
    const groups = [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: null }];
    expect(driver.call('OffsetFetch', { groupId: '', topics: null, groups, requireStable: false }).groups).toEqual([
      {
        groupId: 'g',
        errorCode: 0,
        topics: [
          {
            name: 't',
            partitions: [
              { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 3, metadata: 'hello', errorCode: 0 },
            ],
          },
        ],
      },
    ]);
  });

  it('metadata over its limit fails its partition only', () => {
    const driver = new Driver();
    const body = commitBody({ 't/0': 1, 't/1': 2 });
    body.topics[1]!.partitions[0]!.committedMetadata = 'x'.repeat(OPTIONS.offsetMetadataMaxBytes + 1);
    const answer = driver.call('OffsetCommit', body);
    const errors = answer.topics.map(({ partitions }) => errorName(partitions[0]!.errorCode));
    expect(errors).toEqual(['NONE', 'OFFSET_METADATA_TOO_LARGE']);
    expect([driver.offset('g', 't', 0), driver.offset('g', 't', 1)]).toEqual([1, -1]);
  });

  it.each([
    ['a group id', commitBody({ t: 1 }, { groupId: 'g'.repeat(40_000) }), 'INVALID_GROUP_ID'],
    ['a topic', commitBody({ ['t'.repeat(40_000)]: 1 }), 'INVALID_TOPIC_EXCEPTION'],
    ['metadata', commitBody({ t: 1 }, { metadata: '\u{20ac}'.repeat(11_000) }), 'OFFSET_METADATA_TOO_LARGE'],
  ])('%s that no record can hold is refused, whatever the settings say', (_what, body, error) => {
    const driver = new Driver({ ...OPTIONS, offsetMetadataMaxBytes: 1_000_000 });
    expect(commitResult(driver, driver.send('OffsetCommit', body))).toBe(error);
    expect(driver.log).toEqual([]);
  });

  it('nothing but metadata over its limit: no group comes of it', () => {
    const driver = new Driver();
    const commit = driver.send('OffsetCommit', commitBody({ t: 1 }, { metadata: 'x'.repeat(17) }));
    expect(commitResult(driver, commit)).toBe('OFFSET_METADATA_TOO_LARGE');
    expect(driver.call('ListGroups', { statesFilter: [], typesFilter: [] }).groups).toEqual([]);
    expect(driver.log).toEqual([]);
  });

  it.each([
    [8, 'ILLEGAL_GENERATION'],
    [9, 'GROUP_ID_NOT_FOUND'],
  ])('in version %i, with a generation of a group that is not there: %s', (version, error) => {
    const driver = new Driver();
    const answer = driver.call('OffsetCommit', commitBody({ t: 1 }, { generationIdOrMemberEpoch: 4 }), { version });
    expect(errorName(answer.topics[0]!.partitions[0]!.errorCode)).toBe(error);
  });

  it.each([
    ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE'],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'COORDINATOR_NOT_AVAILABLE'],
    ['REQUEST_TIMED_OUT', 'COORDINATOR_NOT_AVAILABLE'],
    ['NOT_LEADER_OR_FOLLOWER', 'NOT_COORDINATOR'],
    ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
    ['MESSAGE_TOO_LARGE', 'INVALID_COMMIT_OFFSET_SIZE'],
  ] as const)('the write fails with %s: answered %s, and the offset is as it was', (failure, error) => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 1 }));
    driver.hold = true;
    const commit = driver.send('OffsetCommit', commitBody({ t: 2 }));
    driver.fail(failure);
    expect(commitResult(driver, commit)).toBe(error);
    expect(driver.offset('g', 't', 0)).toBe(1);
    expect(driver.offset('g', 't', 0, true)).toBe(1);
  });

  it('the first commit of a group fails: the group is forgotten', () => {
    const driver = new Driver();
    driver.hold = true;
    driver.send('OffsetCommit', commitBody({ t: 2 }));
    driver.fail('NOT_ENOUGH_REPLICAS');
    expect(driver.call('ListGroups', { statesFilter: [], typesFilter: [] }).groups).toEqual([]);
  });

  it('a commit that timed out but is in the log counts when a later write is confirmed, as replay would have it', () => {
    const driver = new Driver();
    driver.hold = true;
    driver.send('OffsetCommit', commitBody({ t: 2, u: 2 }));
    driver.append(driver.waiting[0]!);
    driver.fail('REQUEST_TIMED_OUT');
    expect(driver.offset('g', 't', 0)).toBe(-1);
    driver.send('OffsetCommit', commitBody({ u: 3 }));
    driver.confirm();
    expect([driver.offset('g', 't', 0), driver.offset('g', 'u', 0)]).toEqual([2, 3]);
    driver.hold = false;
    driver.crash();
    expect([driver.offset('g', 't', 0), driver.offset('g', 'u', 0)]).toEqual([2, 3]);
  });

  it('a later commit that is confirmed is not undone by an earlier one that timed out', () => {
    const driver = new Driver();
    driver.hold = true;
    driver.send('OffsetCommit', commitBody({ t: 2 }));
    const early = driver.waiting[0]!;
    driver.send('OffsetCommit', commitBody({ t: 3 }));
    driver.waiting.reverse();
    driver.append(early);
    driver.confirm();
    driver.fail('REQUEST_TIMED_OUT');
    driver.send('OffsetCommit', commitBody({ other: 1 }));
    driver.confirm();
    expect(driver.offset('g', 't', 0)).toBe(3);
  });

  it('more commits than may wait: one more is told to come again, and those before it are answered', () => {
    const driver = new Driver({ ...OPTIONS, maxPendingRequestsPerGroup: 2 });
    driver.hold = true;
    const commits = [1, 2, 3].map((offset) => driver.send('OffsetCommit', commitBody({ t: offset })));
    expect(commitResult(driver, commits[2]!)).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    driver.confirmAll();
    expect(commits.slice(0, 2).map((commit) => commitResult(driver, commit))).toEqual(['NONE', 'NONE']);
    expect(driver.offset('g', 't', 0)).toBe(2);
  });

  it('with a retention time of its own (versions 2 to 4) is written with its expiry', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 5 }, { retentionTimeMs: 1_000 }), { version: 4 });
    const { version, message } = offsetCommitValue.read(driver.log[0]!.value!);
    expect(version).toBe(1);
    expect(message).toMatchObject({ offset: 5, commitTimestamp: driver.now, expireTimestamp: driver.now + 1_000 });
    driver.pass(600_000);
    expect(driver.offset('g', 't', 0)).toBe(-1);
  });
});

describe('fetching offsets', () => {
  const fetchOld = (driver: Driver, version: number, topics: { name: string; partitionIndexes: number[] }[] | null) =>
    driver.call('OffsetFetch', { groupId: 'g', topics, groups: [], requireStable: false }, { version });

  it('before version 8 names one group', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ 't/3': 9 }));
    const answer = fetchOld(driver, 7, [{ name: 't', partitionIndexes: [3, 4] }]);
    expect(answer).toMatchObject({
      errorCode: 0,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 3, committedOffset: 9, errorCode: 0 },
            { partitionIndex: 4, committedOffset: -1, metadata: '', errorCode: 0 },
          ],
        },
      ],
    });
  });

  it('of no topics in particular answers all', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ 't/3': 9, 'u/0': 1 }));
    expect(fetchOld(driver, 2, null).topics!.map(({ name }) => name)).toEqual(['t', 'u']);
  });

  it('of a group that is not there is no error', () => {
    expect(fetchOld(new Driver(), 5, [{ name: 't', partitionIndexes: [0] }])).toMatchObject({
      errorCode: 0,
      topics: [{ partitions: [{ committedOffset: -1, errorCode: 0 }] }],
    });
    expect(fetchOld(new Driver(), 5, null)).toMatchObject({ errorCode: 0, topics: [] });
  });

  it('from version 8 on names several groups', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 1 }, { groupId: 'one' }));
    driver.call('OffsetCommit', commitBody({ t: 2 }, { groupId: 'two' }));
    const groups = ['one', 'two', 'three'].map((groupId) => ({
      groupId,
      memberId: null,
      memberEpoch: -1,
      topics: null,
    }));
    const answer = driver.call('OffsetFetch', { groupId: '', topics: null, groups, requireStable: false });
    expect(answer.groups!.map(({ groupId, topics }) => [groupId, topics[0]?.partitions[0]?.committedOffset])).toEqual([
      ['one', 1],
      ['two', 2],
      ['three', undefined],
    ]);
  });
});

describe('expiry of offsets', () => {
  const retention = { ...OPTIONS, offsetsRetentionMs: DAY };

  it('a group that nobody joins: a retention time after the commit', () => {
    const driver = new Driver(retention);
    driver.call('OffsetCommit', commitBody({ t: 1 }));
    driver.pass(DAY / 2);
    driver.call('OffsetCommit', commitBody({ u: 1 }));
    driver.pass(DAY / 2 + 600_000);
    expect([driver.offset('g', 't', 0), driver.offset('g', 'u', 0)]).toEqual([-1, 1]);
    driver.pass(DAY / 2);
    expect(driver.call('ListGroups', { statesFilter: [], typesFilter: [] }).groups).toEqual([]);
    driver.crash();
    expect(driver.offset('g', 'u', 0)).toBe(-1);
  });

  it('a group that lost its members: a retention time after the last one left, and the group with them', () => {
    const driver = new Driver(retention);
    const a = new Client(driver, 'a', { sessionTimeoutMs: 60_000 });
    stabilize(driver, [a]);
    a.commit({ t: 1 });
    for (let passed = 0; passed < DAY + 1_200_000; passed += 30_000) {
      driver.pass(30_000);
      a.heartbeat();
    }
    expect(driver.offset('g', 't', 0)).toBe(1);
    a.leave();
    driver.pass(DAY - 600_000);
    expect(driver.offset('g', 't', 0)).toBe(1);
    driver.pass(1_200_000);
    expect(driver.offset('g', 't', 0)).toBe(-1);
    expect(driver.describe('g').errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(driver.events).toContainEqual({ kind: 'group-removed', group: 'g', cause: 'expired' });
    driver.crash();
    expect(driver.describe('g').errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });

  it('a stable group of consumers: offsets of topics that they no longer subscribe to', () => {
    const driver = new Driver(retention);
    // Version 1 of a subscription to "t" alone, with what only later versions have after it.
    const metadata = new Uint8Array([0, 1, 0, 0, 0, 1, 0, 1, 0x74, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    const a = new Client(driver, 'a', { sessionTimeoutMs: 60_000, protocols: [{ name: 'range', metadata }] });
    stabilize(driver, [a]);
    a.commit({ t: 1, gone: 1 });
    for (let passed = 0; passed < DAY + 600_000; passed += 30_000) {
      driver.pass(30_000);
      a.heartbeat();
    }
    expect([driver.offset('g', 't', 0), driver.offset('g', 'gone', 0)]).toEqual([1, -1]);
    expect(driver.state('g')).toBe('Stable');
  });

  it('the tombstones fail: the offset stays, and goes at the next check', () => {
    const driver = new Driver(retention);
    driver.call('OffsetCommit', commitBody({ t: 1 }));
    driver.hold = true;
    driver.pass(DAY + 600_000);
    driver.fail('NOT_ENOUGH_REPLICAS');
    expect(driver.offset('g', 't', 0)).toBe(1);
    driver.hold = false;
    driver.pass(600_000);
    expect(driver.offset('g', 't', 0)).toBe(-1);
  });
});

describe('a topic is deleted', () => {
  it('and its offsets with it, in every group', () => {
    const driver = new Driver();
    for (const groupId of ['one', 'two']) driver.call('OffsetCommit', commitBody({ t: 1, u: 1 }, { groupId }));
    driver.step({ type: 'topics-deleted', topics: ['t'] });
    for (const groupId of ['one', 'two']) {
      expect([driver.offset(groupId, 't', 0), driver.offset(groupId, 'u', 0)]).toEqual([-1, 1]);
    }
    driver.crash();
    expect(driver.offset('two', 't', 0)).toBe(-1);
  });

  it('while the coordinator loads: its offsets go afterwards', () => {
    const before = new Driver();
    before.call('OffsetCommit', commitBody({ t: 1 }));
    const driver = new Driver(OPTIONS, before.log, false);
    driver.step({ type: 'topics-deleted', topics: ['t'] });
    driver.load();
    expect(driver.offset('g', 't', 0)).toBe(-1);
  });

  it('the tombstones fail: they are written again a second later', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 1 }));
    driver.hold = true;
    driver.step({ type: 'topics-deleted', topics: ['t'] });
    driver.fail('NOT_ENOUGH_REPLICAS');
    expect(driver.offset('g', 't', 0)).toBe(1);
    driver.hold = false;
    driver.pass(1_000);
    expect(driver.offset('g', 't', 0)).toBe(-1);
  });

  it('and made again, with an offset committed, before failed tombstones are tried again: the offset stays', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 1 }));
    driver.hold = true;
    driver.step({ type: 'topics-deleted', topics: ['t'] });
    driver.fail('NOT_ENOUGH_REPLICAS');
    driver.hold = false;
    driver.call('OffsetCommit', commitBody({ t: 0 }));
    driver.pass(1_000);
    expect(driver.offset('g', 't', 0)).toBe(0);
  });
});

describe('deleting groups', () => {
  it('takes the offsets and the group, and is answered when the tombstones are in the log', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 1, u: 1 }));
    driver.hold = true;
    const request = driver.send('DeleteGroups', { groupsNames: ['g', 'nobody', 'g'] });
    expect(driver.isAnswered(request)).toBe(false);
    driver.confirmAll();
    const results = driver.reply('DeleteGroups', request).results.map((r) => [r.groupId, errorName(r.errorCode)]);
    expect(results).toEqual([
      ['g', 'NONE'],
      ['nobody', 'GROUP_ID_NOT_FOUND'],
    ]);
    driver.hold = false;
    driver.crash();
    expect(driver.offset('g', 't', 0)).toBe(-1);
    expect(driver.describe('g').errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });

  it('a commit that was being written when it came is deleted too', () => {
    const driver = new Driver();
    driver.hold = true;
    const commit = driver.send('OffsetCommit', commitBody({ t: 1 }));
    const request = driver.send('DeleteGroups', { groupsNames: ['g'] });
    driver.confirmAll();
    expect(commitResult(driver, commit)).toBe('NONE');
    expect(driver.reply('DeleteGroups', request).results[0]!.errorCode).toBe(0);
    expect(driver.offset('g', 't', 0)).toBe(-1);
    driver.hold = false;
    driver.crash();
    expect(driver.offset('g', 't', 0)).toBe(-1);
  });

  it('the tombstones fail: the group is as it was, and the error says so', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 1 }));
    driver.hold = true;
    const request = driver.send('DeleteGroups', { groupsNames: ['g'] });
    driver.fail('NOT_ENOUGH_REPLICAS');
    expect(errorName(driver.reply('DeleteGroups', request).results[0]!.errorCode)).toBe('COORDINATOR_NOT_AVAILABLE');
    expect(driver.offset('g', 't', 0)).toBe(1);
    expect(driver.state('g')).toBe('Empty');
  });

  it('the tombstones time out but are in the log: the group goes when a later write is confirmed', () => {
    const driver = new Driver();
    driver.call('OffsetCommit', commitBody({ t: 1 }));
    driver.hold = true;
    driver.send('DeleteGroups', { groupsNames: ['g'] });
    driver.append(driver.waiting[0]!);
    driver.fail('REQUEST_TIMED_OUT');
    expect(driver.offset('g', 't', 0)).toBe(1);
    driver.send('OffsetCommit', commitBody({ t: 1 }, { groupId: 'other' }));
    driver.confirm();
    expect(driver.offset('g', 't', 0)).toBe(-1);
    expect(driver.describe('g').errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });

  it('with very many offsets is split into several writes, the group last', () => {
    const driver = new Driver();
    const offsets = Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`t/${i}`, i]));
    driver.call('OffsetCommit', commitBody(offsets));
    driver.hold = true;
    const request = driver.send('DeleteGroups', { groupsNames: ['g'] });
    expect(driver.waiting.map(({ records }) => records.length)).toEqual([1_000, 1_000, 501]);
    driver.confirmAll();
    expect(driver.reply('DeleteGroups', request).results[0]!.errorCode).toBe(0);
    expect(offsetCommitKey.read(driver.log[2_500]!.key!).message).toEqual({ group: 'g', topic: 't', partition: 0 });
    expect(driver.call('ListGroups', { statesFilter: [], typesFilter: [] }).groups).toEqual([]);
  });
});
