import { LeaderEpochs, ProducerState } from '../src/index';
import { batch } from './cluster/batches';
import { answer, brief, members, only, push, Solo } from './cluster/solo';

/** Leads epoch 1 with brokers 2 and 3 following; `committed` batches of one record are on all three. */
function leader(committed = 4, record = {}): Solo {
  const solo = new Solo({ windowBytes: 10_000 });
  solo.record(record);
  for (let i = 0; i < committed; i++) solo.produce(1);
  solo.appended(committed);
  for (const broker of [2, 3]) solo.subscribe(broker, { end: committed });
  return solo;
}

function deleteRecords(solo: Solo, offset: number, requestId = 1, timeoutMs = 1000): string[] {
  return brief(solo.step({ type: 'delete-records', requestId, offset, deadline: solo.now + timeoutMs }));
}

const startsAt = (solo: Solo, logStart: number, firstBatchOffset = logStart) =>
  brief(solo.step({ type: 'log-start-changed', logStart, firstBatchOffset }));

describe('leader: deletion of records', () => {
  it('deletes on its own log, tells the followers, and answers when the last of them has followed', () => {
    const solo = leader();
    expect(deleteRecords(solo, 3)).toEqual(['log-start 3']);
    expect(startsAt(solo, 3)).toEqual(['to 2: at 4, high watermark 4', 'to 3: at 4, high watermark 4']);
    expect(brief(solo.report(2, 4, { start: 3 }))).toEqual([]);
    expect(brief(solo.report(3, 4, { start: 2 }))).toEqual([]);
    expect(brief(solo.report(3, 4, { start: 3 }))).toEqual(['deleted 1: 3']);
  });

  it.each([
    ['-1 means the high watermark', -1, ['log-start 4']],
    ['the high watermark itself', 4, ['log-start 4']],
    ['nothing is to be deleted', 0, ['deleted 1: 0']],
    ['behind the high watermark', 5, ['deleted 1: OFFSET_OUT_OF_RANGE']],
    ['below -1', -2, ['deleted 1: OFFSET_OUT_OF_RANGE']],
  ])('%s', (_name, offset, expected) => {
    expect(deleteRecords(leader(), offset)).toEqual(expected);
  });

  it('only what is committed: uncommitted records are out of range', () => {
    const solo = leader();
    solo.produce(1);
    solo.appended(5);
    expect(deleteRecords(solo, 5)).toEqual(['deleted 1: OFFSET_OUT_OF_RANGE']);
  });

  it('deletions that come meanwhile wait for the one under way, and then go as one', () => {
    const solo = leader();
    expect(deleteRecords(solo, 1)).toEqual(['log-start 1']);
    expect(deleteRecords(solo, 2, 2)).toEqual([]);
    expect(deleteRecords(solo, 3, 3)).toEqual([]);
    expect(startsAt(solo, 1)).toContain('log-start 3');
    startsAt(solo, 3);
    solo.report(2, 4, { start: 3 });
    expect(brief(solo.report(3, 4, { start: 3 }))).toEqual(['deleted 1: 3', 'deleted 2: 3', 'deleted 3: 3']);
  });

  it('a replica that left the ISR and has no stream is not waited for; one that has a stream is', () => {
    const solo = leader();
    solo.step({ type: 'unsubscribe', broker: 2, run: 'run-2' });
    solo.step({ type: 'unsubscribe', broker: 3, run: 'run-3' });
    deleteRecords(solo, 2);
    startsAt(solo, 2);
    expect(brief(solo.record({ isr: members(1, 2) }))).toEqual([]);
    expect(brief(solo.record({ isr: members(1) }))).toEqual(['deleted 1: 2']);
    solo.subscribe(2, { end: 4, subscription: 2 });
    deleteRecords(solo, 3, 2);
    expect(startsAt(solo, 3).filter((line) => line.startsWith('deleted'))).toEqual([]);
  });

  it('a member whose log start is not known in this epoch is waited for', () => {
    const solo = new Solo({}, [{ epoch: 0, end: 4, highWatermark: 4 }]);
    solo.record();
    deleteRecords(solo, 2);
    expect(startsAt(solo, 2)).toEqual([]);
    solo.subscribe(2, { end: 4, lastEpoch: 0, start: 2 });
    expect(brief(solo.subscribe(3, { end: 4, lastEpoch: 0, start: 2 }))).toContain('deleted 1: 2');
  });

  it('a log that cannot be cut fails what asked for it, and the next request tries again', () => {
    const solo = leader();
    deleteRecords(solo, 2);
    expect(brief(solo.step({ type: 'log-start-failed', reason: 'disk full' }))).toEqual([
      'deleted 1: KAFKA_STORAGE_ERROR',
    ]);
    expect(deleteRecords(solo, 2, 2)).toEqual(['log-start 2']);
  });

  it('waits no longer than its deadline', () => {
    const solo = leader();
    deleteRecords(solo, 2, 1, 500);
    startsAt(solo, 2);
    expect(brief(solo.tick(499))).toEqual([]);
    expect(solo.replica.nextDeadline()).toBe(solo.now + 1);
    expect(brief(solo.tick(1))).toEqual(['deleted 1: REQUEST_TIMED_OUT']);
  });

  it('fails what waits when leadership moves, when the replica goes offline, and on who does not lead', () => {
    const moved = leader();
    deleteRecords(moved, 2);
    const follows = { leader: { broker: 2, run: 'run-2' }, leaderEpoch: 2 };
    expect(brief(moved.record(follows))).toContain('deleted 1: NOT_LEADER_OR_FOLLOWER');
    expect(deleteRecords(moved, 3, 2)).toEqual(['deleted 2: NOT_LEADER_OR_FOLLOWER']);
    const offline = leader();
    deleteRecords(offline, 2);
    expect(brief(offline.step({ type: 'offline', reason: 'damage' }))).toContain('deleted 1: KAFKA_STORAGE_ERROR');
    expect(deleteRecords(offline, 2, 2)).toEqual(['deleted 2: KAFKA_STORAGE_ERROR']);
  });

  it('is bounded in what may wait', () => {
    const solo = leader();
    for (let id = 1; id <= 10; id++) deleteRecords(solo, 2, id);
    expect(deleteRecords(solo, 2, 11)).toEqual(['deleted 11: THROTTLING_QUOTA_EXCEEDED']);
  });

  it('a log start inside a batch: followers that need the batch get it whole, others start anew there', () => {
    const solo = new Solo({ windowBytes: 10_000 });
    solo.record({ replicas: [1, 2], isr: members(1) });
    solo.produce(1, [{ records: 3 }]);
    solo.produce(1, [{ records: 3 }]);
    solo.appended(6);
    deleteRecords(solo, 4);
    startsAt(solo, 4, 3);
    expect(brief(solo.subscribe(2))).toEqual(['to 2: start anew at 3']);
    const [push] = only(solo.subscribe(2, { subscription: 2, end: 3, start: 3 }), 'push');
    expect(push).toMatchObject({ fromOffset: 3, upTo: 6, logStart: 4 });
  });
});

describe('follower: deletion of records', () => {
  const LEADER = { broker: 2, run: 'run-2' };

  function follower(): Solo {
    const solo = new Solo({}, [{ epoch: 1, end: 4, highWatermark: 4 }]);
    solo.record({ leader: LEADER, leaderEpoch: 2 });
    solo.step({ type: 'stream-opened' });
    return solo;
  }
  const heard = (logStart: number) => push({ epoch: 2, at: 4, highWatermark: 4, logStart });

  it("follows the leader's log start, and reports when it has", () => {
    const solo = follower();
    expect(brief(solo.fromLeader(heard(2)))).toEqual(['log-start 2']);
    const [report] = only(solo.step({ type: 'log-start-changed', logStart: 2, firstBatchOffset: 2 }), 'to-leader');
    expect(report!.message).toMatchObject({ type: 'report', endOffset: 4, logStart: 2, grantedBytes: 0 });
  });

  it('what it hears while it deletes is done afterwards', () => {
    const solo = follower();
    solo.fromLeader(heard(2));
    expect(brief(solo.fromLeader(heard(3)))).toEqual([]);
    expect(startsAt(solo, 2)).toEqual(['to 2: report 4', 'log-start 3']);
  });

  it('what could not be deleted is tried again when the leader is next heard of', () => {
    const solo = follower();
    solo.fromLeader(heard(2));
    expect(brief(solo.step({ type: 'log-start-failed', reason: 'disk full' }))).toEqual([]);
    expect(brief(solo.fromLeader(heard(2)))).toEqual(['log-start 2']);
  });

  it('one that starts anew inside a batch takes the batch whole, and then the log start in it', () => {
    const solo = new Solo({}, []);
    solo.record({ leader: LEADER, leaderEpoch: 2 });
    solo.step({ type: 'stream-opened' });
    const anew = answer({ type: 'start-anew', firstBatchOffset: 3 }, { leaderEpoch: 2 });
    expect(brief(solo.fromLeader(anew))).toEqual(['restart-at 3']);
    expect(brief(solo.step({ type: 'restarted-at', offset: 3 }))).toEqual(['to 2: subscribe 3']);
    const message = push({ epoch: 2, subscription: 2, at: 3, highWatermark: 6, logStart: 4 });
    solo.fromLeader(message, [batch({ baseOffset: 3, records: 3, leaderEpoch: 2 })]);
    expect(brief(solo.appended(6, 2))).toEqual(['high watermark 6', 'to 2: report 6', 'log-start 4']);
    startsAt(solo, 4, 3);
    expect(solo.replica).toMatchObject({ logStart: 4, logEnd: 6, highWatermark: 6 });
  });

  it('a cut that takes the batch of the log start lowers the log start', () => {
    const solo = follower();
    startsAt(solo, 3, 2);
    const diverged = answer({ type: 'diverged', epoch: 1, endOffset: 3 }, { leaderEpoch: 2 });
    const [cut] = only(solo.fromLeader(diverged), 'truncate');
    expect(cut).toMatchObject({ offset: 3 });
    const log = { producers: new ProducerState(), epochs: LeaderEpochs.from([]) };
    solo.step({ type: 'truncated', endOffset: 2, ...log });
    expect(solo.replica).toMatchObject({ logStart: 2, logEnd: 2, highWatermark: 2 });
  });
});
