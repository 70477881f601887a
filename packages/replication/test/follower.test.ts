import { InvariantViolation, LeaderEpochs, ProducerState } from '../src/index';
import { batch } from './cluster/batches';
import { answer, brief, members, only, push, Solo } from './cluster/solo';

const LEADER = { broker: 2, run: 'run-2' };

/** Follows broker 2 in epoch 1, has subscribed. */
function follower(log: ConstructorParameters<typeof Solo>[1] = [], leaderEpoch = 1): Solo {
  const solo = new Solo({}, log);
  solo.record({ leader: LEADER, leaderEpoch });
  solo.step({ type: 'stream-opened' });
  return solo;
}

const headers = (baseOffset: number, count: number, leaderEpoch = 1) =>
  Array.from({ length: count }, (_, index) => batch({ baseOffset: baseOffset + index, leaderEpoch }));

describe('follower: subscription', () => {
  it('subscribes once it has a stream, with what its log ends with', () => {
    const solo = new Solo({}, [
      { epoch: 3, end: 7, highWatermark: 5 },
      { epoch: 4, end: 9, highWatermark: 6 },
    ]);
    expect(brief(solo.record({ leader: LEADER, leaderEpoch: 6 }))).toEqual(['follower in 6']);
    const [subscribe] = only(solo.step({ type: 'stream-opened' }), 'to-leader');
    expect(subscribe).toEqual({
      type: 'to-leader',
      broker: 2,
      message: {
        ...{ type: 'subscribe', topicId: expect.any(String), partition: 0, leaderEpoch: 6, subscription: 1 },
        ...{ logId: 'log-1', endOffset: 9, lastEpoch: 4, logStart: 0, windowBytes: 1000 },
      },
    });
  });

  it('subscribes by the same stream when the same leader begins another epoch, in another run it waits for one', () => {
    const solo = follower();
    expect(brief(solo.record({ leader: LEADER, leaderEpoch: 2 }))).toEqual([
      'to 2: unsubscribe',
      'follower in 2',
      'to 2: subscribe 0',
    ]);
    const other = { broker: 2, run: 'run-2b' };
    expect(brief(solo.record({ leader: other, leaderEpoch: 3 }))).toEqual(['to 2: unsubscribe', 'follower in 3']);
  });

  it('asks again when no answer comes, with another subscription', () => {
    const solo = follower();
    expect(solo.replica.nextDeadline()).toBe(solo.now + 10_000);
    const [again] = only(solo.tick(10_000), 'to-leader');
    expect(again!.message).toMatchObject({ type: 'subscribe', subscription: 2 });
  });

  it('no answer comes in time again and again: it waits longer each time, so that a slow one is not voided for ever', () => {
    const solo = follower();
    for (const wait of [10_000, 20_000, 40_000, 80_000, 80_000]) {
      expect(solo.replica.nextDeadline()).toBe(solo.now + wait);
      expect(brief(solo.tick(wait))).toEqual(['to 2: subscribe 0']);
    }
    solo.fromLeader(push({ subscription: 6 }), []);
    solo.step({ type: 'stream-closed' });
    solo.step({ type: 'stream-opened' });
    expect(solo.replica.nextDeadline()).toBe(solo.now + 10_000);
  });

  it('refused, it asks again after ever longer pauses', () => {
    const solo = follower();
    const refused = { type: 'refused' as const, error: 'UNKNOWN_LEADER_EPOCH' as const, currentEpoch: 0 };
    for (const [index, pause] of [20, 40, 80, 160, 320, 640, 1000, 1000].entries()) {
      expect(brief(solo.fromLeader(answer(refused, { subscription: index + 1 })))).toEqual([]);
      expect(solo.replica.nextDeadline()).toBe(solo.now + pause);
      expect(brief(solo.tick(pause - 1))).toEqual([]);
      expect(brief(solo.tick(1))).toEqual(['to 2: subscribe 0']);
    }
  });

  it('a stream that closes ends the subscription, the next one begins another', () => {
    const solo = follower();
    solo.step({ type: 'stream-closed' });
    expect(brief(solo.fromLeader(push({}), headers(0, 1)))).toEqual([]);
    const [again] = only(solo.step({ type: 'stream-opened' }), 'to-leader');
    expect(again!.message).toMatchObject({ subscription: 2 });
  });

  it('waits for what is being written when the stream was reset', () => {
    const solo = follower();
    solo.fromLeader(push({}), headers(0, 1));
    solo.step({ type: 'stream-closed' });
    expect(brief(solo.step({ type: 'stream-opened' }))).toEqual([]);
    expect(brief(solo.appended(1))).toEqual(['to 2: subscribe 1']);
  });
});

describe('follower: pushes', () => {
  it('appends as pushed, reports each write with its bytes', () => {
    const solo = follower();
    expect(brief(solo.fromLeader(push({}), headers(0, 2)))).toEqual(['append 0/1 1/1']);
    expect(brief(solo.fromLeader(push({ at: 2 }), headers(2, 1)))).toEqual(['append 2/1']);
    const [first] = only(solo.appended(2), 'to-leader');
    expect(first!.message).toMatchObject({ type: 'report', endOffset: 2, grantedBytes: 200, subscription: 1 });
    const [second] = only(solo.appended(3), 'to-leader');
    expect(second!.message).toMatchObject({ endOffset: 3, grantedBytes: 100 });
  });

  it("its high watermark is the leader's, as far as it has written, and never goes back", () => {
    const solo = follower();
    expect(brief(solo.fromLeader(push({ highWatermark: 1 }), headers(0, 2)))).toEqual(['append 0/1 1/1']);
    expect(only(solo.appended(2), 'high-watermark')).toEqual([{ type: 'high-watermark', value: 1 }]);
    expect(brief(solo.fromLeader(push({ at: 2, highWatermark: 9 })))).toEqual(['high watermark 2']);
    expect(brief(solo.fromLeader(push({ at: 2, highWatermark: 0 })))).toEqual([]);
    expect(solo.replica.highWatermark).toBe(2);
  });

  it.each([
    ['of an earlier subscription', push({ subscription: 0 })],
    ['of a later subscription', push({ subscription: 2 })],
    ['of an earlier epoch', push({ epoch: 0 })],
    ['of a later epoch', push({ epoch: 2 })],
  ])('drops a push %s', (_name, message) => {
    expect(brief(follower().fromLeader(message, headers(0, 1)))).toEqual([]);
  });

  it('a push that does not continue its log makes it ask again', () => {
    const solo = follower();
    solo.fromLeader(push({}), headers(0, 1));
    expect(brief(solo.fromLeader(push({ at: 2 }), headers(2, 1)))).toEqual([]);
    expect(brief(solo.fromLeader(push({ at: 1 }), headers(1, 1)))).toEqual([]);
    solo.appended(1);
    expect(brief(solo.tick(20))).toEqual(['to 2: subscribe 1']);
  });

  it('batches that go back in leader epoch are a broken invariant', () => {
    const solo = follower([{ epoch: 3, end: 5, highWatermark: 5 }], 4);
    expect(() => solo.fromLeader(push({ epoch: 4, at: 5 }), headers(5, 1, 2))).toThrow(InvariantViolation);
  });

  it('deletes what the leader has deleted, once it is committed here', () => {
    const solo = follower();
    expect(brief(solo.fromLeader(push({ highWatermark: 2, logStart: 2 }), headers(0, 3)))).toEqual([
      'append 0/1 1/1 2/1',
    ]);
    expect(brief(solo.appended(3))).toEqual(['high watermark 2', 'to 2: report 3', 'log-start 2']);
    expect(brief(solo.fromLeader(push({ at: 3, highWatermark: 3, logStart: 2 })))).toEqual(['high watermark 3']);
    expect(brief(solo.fromLeader(push({ at: 3, highWatermark: 3, logStart: 2 })))).toEqual([]);
    solo.step({ type: 'log-start-changed', logStart: 2, firstBatchOffset: 2 });
    expect(solo.replica.logStart).toBe(2);
  });

  it('a failed write: it asks again after a pause, from what was written', () => {
    const solo = follower();
    solo.fromLeader(push({}), headers(0, 3));
    const state = { producers: new ProducerState(), epochs: LeaderEpochs.from([{ epoch: 1, startOffset: 0 }]) };
    const failed = { type: 'append-failed' as const, epoch: 1, endOffset: 1, reason: 'disk full', ...state };
    expect(brief(solo.step(failed))).toEqual([]);
    expect(brief(solo.tick(20))).toEqual(['to 2: subscribe 1']);
  });
});

describe('follower: truncation', () => {
  const log = [
    { epoch: 1, end: 4, highWatermark: 2 },
    { epoch: 3, end: 9, highWatermark: 2 },
  ];
  const cut = (endOffset: number) => ({
    ...{ type: 'truncated' as const, endOffset, producers: new ProducerState() },
    epochs: LeaderEpochs.from([{ epoch: 1, startOffset: 0 }]),
  });

  it('cuts where the logs part, then asks again', () => {
    const solo = follower(log, 5);
    const diverged = answer({ type: 'diverged', epoch: 2, endOffset: 7 }, { leaderEpoch: 5 });
    expect(brief(solo.fromLeader(diverged))).toEqual(['truncate 4']);
    expect(brief(solo.fromLeader(push({ epoch: 5, at: 9 })))).toEqual([]);
    const [again] = only(solo.step(cut(4)), 'to-leader');
    expect(again!.message).toMatchObject({ type: 'subscribe', subscription: 2, endOffset: 4, lastEpoch: 1 });
  });

  it('its high watermark goes no further back than its log', () => {
    const solo = follower([{ epoch: 1, end: 9, highWatermark: 8 }], 5);
    solo.fromLeader(answer({ type: 'diverged', epoch: 1, endOffset: 6 }, { leaderEpoch: 5 }));
    solo.step(cut(6));
    expect(solo.replica.highWatermark).toBe(6);
  });

  it('an answer that would cut nothing is not obeyed', () => {
    const solo = follower(log, 5);
    expect(brief(solo.fromLeader(answer({ type: 'diverged', epoch: 3, endOffset: 9 }, { leaderEpoch: 5 })))).toEqual(
      [],
    );
    expect(brief(solo.tick(20))).toEqual(['to 2: subscribe 9']);
  });

  it('starts anew at the leader log start, with nothing kept', () => {
    const solo = follower(log, 5);
    expect(brief(solo.fromLeader(answer({ type: 'start-anew', firstBatchOffset: 20 }, { leaderEpoch: 5 })))).toEqual([
      'restart-at 20',
    ]);
    const [again] = only(solo.step({ type: 'restarted-at', offset: 20 }), 'to-leader');
    expect(again!.message).toMatchObject({ endOffset: 20, lastEpoch: -1 });
    expect(solo.replica).toMatchObject({ logStart: 20, logEnd: 20, highWatermark: 20 });
  });

  it('told to start anew while it writes, it asks again when that has ended', () => {
    const solo = follower(log, 5);
    solo.fromLeader(push({ epoch: 5, at: 9 }), headers(9, 1, 5));
    expect(brief(solo.fromLeader(answer({ type: 'start-anew', firstBatchOffset: 20 }, { leaderEpoch: 5 })))).toEqual(
      [],
    );
    expect(brief(solo.appended(10, 5))).toEqual(['to 2: subscribe 10']);
  });

  it('made leader while it cuts, its epoch begins at what is left', () => {
    const solo = follower(log, 5);
    solo.fromLeader(answer({ type: 'diverged', epoch: 1, endOffset: 3 }, { leaderEpoch: 5 }));
    expect(brief(solo.record({ leaderEpoch: 6, isr: members(1) }))).toEqual(['to 2: unsubscribe']);
    expect(brief(solo.step(cut(3)))).toEqual(['leader in 6', 'high watermark 3']);
    expect(solo.replica.epochStart).toBe(3);
  });

  it('a cut that nobody asked for is a broken invariant', () => {
    expect(() => follower(log, 5).step(cut(4))).toThrow(InvariantViolation);
  });
});
