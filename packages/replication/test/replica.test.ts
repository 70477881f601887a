import type { OttlaError } from '@ottla/protocol';
import { InvariantViolation, LeaderEpochs, ProducerState, Replica } from '../src/index';
import { batch } from './cluster/batches';
import { brief, members, OPTIONS, only, push, recordOf, Solo } from './cluster/solo';

const LEADER_2 = { broker: 2, run: 'run-2' };

function latest(solo: Solo): number | string {
  try {
    return solo.replica.latestReadable();
  } catch (error) {
    return (error as OttlaError).code;
  }
}

describe('replica: the record', () => {
  it('before the first one it is idle, and refuses what it is asked', () => {
    const solo = new Solo();
    expect(solo.replica).toMatchObject({ role: 'idle', leaderEpoch: -1, record: null, epochStart: null });
    expect(brief(solo.produce(1))).toEqual(['reply 1: NOT_LEADER_OR_FOLLOWER']);
    expect(brief(solo.subscribe(2))).toEqual(['to 2: UNKNOWN_LEADER_EPOCH, epoch -1']);
    expect(solo.replica.nextDeadline()).toBeNull();
  });

  it('the same one again, or an older one, changes nothing', () => {
    const solo = new Solo();
    const record = recordOf({ isr: members(1) });
    expect(brief(solo.step({ type: 'record-changed', record, modRevision: 7 }))).toEqual(['leader in 1']);
    expect(brief(solo.step({ type: 'record-changed', record, modRevision: 7 }))).toEqual([]);
    const older = recordOf({ leader: LEADER_2, leaderEpoch: 0 });
    expect(brief(solo.step({ type: 'record-changed', record: older, modRevision: 6 }))).toEqual([]);
    expect(solo.replica.role).toBe('leader');
  });

  it.each([
    ['the leader epoch goes back', recordOf({ leaderEpoch: 0 })],
    ['an epoch gets another leader', recordOf({ leader: LEADER_2 })],
    ['an epoch gets its leader in another run', recordOf({ leader: { broker: 1, run: 'run-1b' } })],
    ['the leader is not in the ISR', recordOf({ isr: members(2, 3) })],
    ['the leader is in the ISR with another log', recordOf({ isr: [{ broker: 1, logId: 'log-1b' }] })],
  ])('%s: a broken invariant', (_name, record) => {
    const solo = new Solo();
    solo.record();
    expect(() => solo.step({ type: 'record-changed', record, modRevision: 50 })).toThrow(InvariantViolation);
  });

  it('a leader does not come back to an epoch that it has left', () => {
    const solo = new Solo();
    solo.record();
    expect(brief(solo.record({ leader: null }))).toEqual(['idle in 1']);
    expect(() => solo.record()).toThrow('leader epoch 1');
  });

  it('assigned while another one leads, it begins to follow', () => {
    const solo = new Solo();
    expect(brief(solo.record({ replicas: [2, 3], leader: LEADER_2, isr: members(2) }))).toEqual(['idle in 1']);
    expect(brief(solo.record({ leader: LEADER_2, isr: members(2) }))).toEqual(['follower in 1']);
  });

  it('its high watermark and epochs come from the log, clamped to it', () => {
    const log = {
      logStart: 5,
      firstBatchOffset: 5,
      logEnd: 9,
      epochs: LeaderEpochs.from([{ epoch: 2, startOffset: 5 }]),
    };
    for (const [checkpoint, expected] of [
      [3, 5],
      [7, 7],
      [20, 9],
    ] as const) {
      const replica = new Replica(OPTIONS, { ...log, highWatermark: checkpoint, producers: new ProducerState() });
      expect(replica).toMatchObject({ logStart: 5, logEnd: 9, highWatermark: expected, lastStableOffset: expected });
      expect(replica.endOffsetForEpoch(2)).toEqual({ epoch: 2, endOffset: 9 });
    }
  });
});

describe('replica: change of leadership', () => {
  it('deposed, it fails what waits; writes in flight count for its log and for nobody else', () => {
    const solo = new Solo();
    solo.record({ isr: members(1) });
    solo.produce(1);
    solo.produce(-1);
    expect(brief(solo.record({ leader: LEADER_2, leaderEpoch: 2, isr: members(1, 2) }))).toEqual([
      'reply 1: NOT_LEADER_OR_FOLLOWER',
      'reply 2: NOT_LEADER_OR_FOLLOWER',
      'follower in 2',
    ]);
    expect(brief(solo.step({ type: 'stream-opened' }))).toEqual([]);
    expect(brief(solo.appended(1))).toEqual([]);
    expect(brief(solo.appended(2))).toEqual(['to 2: subscribe 2']);
    expect(solo.replica.highWatermark).toBe(0);
  });

  it('elected while it writes, it begins its epoch when that has ended; until then what comes waits', () => {
    const solo = new Solo();
    solo.record({ leader: LEADER_2 });
    solo.step({ type: 'stream-opened' });
    solo.fromLeader(push({}), [batch({ leaderEpoch: 1 })]);
    expect(brief(solo.record({ leaderEpoch: 2, isr: members(1) }))).toEqual(['to 2: unsubscribe']);
    expect(solo.replica).toMatchObject({ role: 'leader', epochStart: null });
    expect(latest(solo)).toBe('OFFSET_NOT_AVAILABLE');
    expect(brief(solo.produce(-1))).toEqual([]);
    expect(brief(solo.subscribe(3, { epoch: 2 }))).toEqual([]);
    expect(brief(solo.appended(1))).toEqual([
      'leader in 2',
      'append 1/2',
      'high watermark 1',
      'push to 3: 0 to 1, 1000 bytes',
    ]);
    expect(solo.replica).toMatchObject({ epochStart: 1 });
    expect(latest(solo)).toBe(1);
  });

  it('what waits for the epoch to begin is answered at its deadline, or when leadership moves on', () => {
    const solo = new Solo();
    solo.record({ leader: LEADER_2 });
    solo.step({ type: 'stream-opened' });
    solo.fromLeader(push({}), [batch({ leaderEpoch: 1 })]);
    solo.record({ leaderEpoch: 2, isr: members(1) });
    solo.produce(1, [{}], 500);
    solo.produce(1, [{}], 900);
    expect(solo.replica.nextDeadline()).toBe(solo.now + 500);
    expect(brief(solo.tick(500))).toEqual(['reply 1: REQUEST_TIMED_OUT']);
    expect(brief(solo.record({ leader: null, leaderEpoch: 3, isr: members(1) }))).toEqual([
      'reply 2: NOT_LEADER_OR_FOLLOWER',
      'idle in 3',
    ]);
    expect(brief(solo.appended(1))).toEqual([]);
    expect(solo.replica.logEnd).toBe(1);
  });

  it("a late report of a former epoch's write does not begin or acknowledge anything of this one", () => {
    const solo = new Solo();
    solo.record({ isr: members(1) });
    solo.produce(1);
    solo.record({ leaderEpoch: 2, isr: members(1) });
    solo.produce(1);
    expect(brief(solo.appended(1, 1))).toEqual(['leader in 2', 'append 1/2', 'high watermark 1']);
    expect(brief(solo.appended(2, 2))).toEqual(['high watermark 2', 'reply 2: 1']);
  });

  it("a former epoch's failure that is told twice takes nothing of this one along", () => {
    const solo = new Solo();
    solo.record({ leader: LEADER_2 });
    solo.step({ type: 'stream-opened' });
    solo.fromLeader(push({}), [batch({ leaderEpoch: 1 })]);
    solo.fromLeader(push({ at: 1 }), [batch({ baseOffset: 1, leaderEpoch: 1 })]);
    solo.record({ leaderEpoch: 2, isr: members(1) });
    solo.produce(1);
    const state = () => ({ producers: new ProducerState(), epochs: LeaderEpochs.from([]) });
    const failed = { type: 'append-failed' as const, epoch: 1, endOffset: 0, reason: 'disk full' };
    expect(brief(solo.step({ ...failed, ...state() }))).toEqual(['leader in 2', 'append 0/2']);
    expect(brief(solo.step({ ...failed, ...state() }))).toEqual([]);
    expect(brief(solo.appended(1, 2))).toEqual(['high watermark 1', 'reply 1: 0']);
  });

  it('the producers that it copied as follower are those that it knows as leader', () => {
    const solo = new Solo();
    solo.record({ leader: LEADER_2 });
    solo.step({ type: 'stream-opened' });
    solo.fromLeader(push({ highWatermark: 1 }), [batch({ leaderEpoch: 1, producerId: 7, baseSequence: 0 })]);
    solo.appended(1);
    solo.fromLeader(push({ at: 1, highWatermark: 1 }));
    solo.record({ leaderEpoch: 2, isr: members(1) });
    expect(brief(solo.produce(-1, [{ producerId: 7, baseSequence: 0 }]))).toEqual(['reply 1: 0']);
    expect(brief(solo.produce(-1, [{ producerId: 7, baseSequence: 1 }]))).toEqual(['append 1/2']);
  });

  it('the latest offset is known on the leader only, from the start of its epoch on', () => {
    const solo = new Solo({}, [{ epoch: 1, end: 4, highWatermark: 2 }]);
    expect(latest(solo)).toBe('NOT_LEADER_OR_FOLLOWER');
    solo.record({ leaderEpoch: 2, isr: members(1, 2) });
    expect(latest(solo)).toBe('OFFSET_NOT_AVAILABLE');
    solo.subscribe(2, { epoch: 2, end: 3, lastEpoch: 1 });
    expect([solo.replica.highWatermark, latest(solo)]).toEqual([3, 'OFFSET_NOT_AVAILABLE']);
    solo.report(2, 4, { epoch: 2 });
    expect(latest(solo)).toBe(4);
  });
});

describe('replica: draining and offline', () => {
  it('draining, a leader takes nothing more, and goes on pushing and acknowledging', () => {
    const solo = new Solo();
    solo.record({ isr: members(1, 2) });
    solo.subscribe(2);
    solo.produce(-1);
    solo.step({ type: 'drain' });
    expect(brief(solo.produce(-1))).toEqual(['reply 2: NOT_LEADER_OR_FOLLOWER']);
    expect(only(solo.appended(1), 'push')).toHaveLength(1);
    expect(only(solo.report(2, 1), 'reply')).toMatchObject([{ requestId: 1, error: null }]);
  });

  it('offline, a leader fails what waits, answers nothing else, and resigns until the record has changed', () => {
    const solo = new Solo();
    solo.record({ isr: members(1, 2) });
    solo.produce(-1);
    expect(brief(solo.step({ type: 'offline', reason: 'fsync failed' }))).toEqual([
      'reply 1: KAFKA_STORAGE_ERROR',
      'resign',
      'offline in 1',
    ]);
    expect(brief(solo.produce(1))).toEqual(['reply 2: KAFKA_STORAGE_ERROR']);
    expect(brief(solo.subscribe(2))).toEqual(['to 2: KAFKA_STORAGE_ERROR, epoch 1']);
    expect(brief(solo.appended(1))).toEqual([]);
    expect(solo.replica.nextDeadline()).toBe(solo.now + 1000);
    expect(brief(solo.tick(1000))).toEqual(['resign']);
    expect(brief(solo.record({ leaderEpoch: 2, leader: LEADER_2 }))).toEqual([]);
    expect(solo.replica).toMatchObject({ role: 'offline' });
    expect(solo.replica.nextDeadline()).toBeNull();
  });

  it('offline, a follower unsubscribes', () => {
    const solo = new Solo();
    solo.record({ leader: LEADER_2 });
    solo.step({ type: 'stream-opened' });
    expect(brief(solo.step({ type: 'offline', reason: 'fsync failed' }))).toEqual([
      'to 2: unsubscribe',
      'offline in 1',
    ]);
  });

  it('forgets producers that expired, and looks for them only while there are some', () => {
    const solo = new Solo({ producerExpirationMs: 86_400_000 });
    expect(solo.replica.nextDeadline()).toBeNull();
    solo.record({ isr: members(1) });
    solo.produce(1, [{ producerId: 7, baseSequence: 0 }]);
    solo.appended(1);
    expect(solo.replica.nextDeadline()).toBe(solo.now + 600_000);
    solo.tick(86_400_000);
    expect(solo.replica.nextDeadline()).toBeNull();
    expect(brief(solo.produce(1, [{ producerId: 7, baseSequence: 9 }]))).toEqual(['append 1/1']);
  });

  it('time that goes back is taken for time that stands still', () => {
    const solo = new Solo();
    solo.record({ isr: members(1) });
    solo.produce(1, [{}], 500);
    solo.tick(400);
    expect(brief(solo.tick(-10_000))).toEqual([]);
    expect(brief(solo.tick(10_100))).toEqual(['reply 1: REQUEST_TIMED_OUT']);
  });
});

describe('replica: how long producers are remembered', () => {
  it('a shorter time holds from the next produce on', () => {
    const solo = new Solo();
    solo.record({ isr: members(1) });
    solo.produce(1, [{ producerId: 7, baseSequence: 0 }]);
    solo.appended(1);
    expect(brief(solo.produce(1, [{ producerId: 7, baseSequence: 5 }]))).toEqual([
      'reply 2: OUT_OF_ORDER_SEQUENCE_NUMBER',
    ]);
    solo.step({ type: 'producer-expiration', expirationMs: 1000 });
    solo.now += 999;
    expect(brief(solo.produce(1, [{ producerId: 7, baseSequence: 5 }]))).toEqual([
      'reply 3: OUT_OF_ORDER_SEQUENCE_NUMBER',
    ]);
    solo.now += 1;
    expect(brief(solo.produce(1, [{ producerId: 7, baseSequence: 5 }]))).toEqual(['append 1/1']);
  });
});
